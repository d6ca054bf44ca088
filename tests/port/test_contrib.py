"""What Celery's testing guide does with its fixtures' worker."""

PATIENCE = 30


def test_tasks_made_after_their_worker(celery, worker):
    @celery.task
    def mul(x, y):
        return x * y

    assert mul.delay(4, 4).get(timeout=PATIENCE) == 16

    @celery.task
    def half(x):
        return x / 2

    worker.reload()
    assert half.delay(4).get(timeout=PATIENCE) == 2
