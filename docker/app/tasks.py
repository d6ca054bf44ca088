"""What the worker of compose.yaml runs until APP_DIR names your own folder."""

from sqlqueue import SQLQueue

app = SQLQueue("tasks")  # its database: $SQLQUEUE_BROKER_URL


@app.task
def add(x: int, y: int) -> int:
    """Return the sum."""
    return x + y
