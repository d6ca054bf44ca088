"""Celery's consumer: nothing of it is asked here."""
