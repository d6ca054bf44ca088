"""The worker, where Celery has it."""
