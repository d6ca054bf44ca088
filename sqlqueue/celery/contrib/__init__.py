"""What Celery has beside its core."""
