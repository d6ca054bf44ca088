"""Celery's names for what a Django project has besides."""
