"""Try again: by yourself with self.retry(), or by naming the exceptions that are worth another try.

python examples/retries.py
"""

import pathlib
import subprocess
import sys
import tempfile

from sqlqueue import SQLQueue

app = SQLQueue("retries", broker="sqlite:///jobs.db")


@app.task(queue="testq", bind=True, max_retries=5)
def fetch(self, works_at: int) -> str:
    """Fail until the given attempt; each time ask for another one in a tenth of a second."""
    if self.request.attempt < works_at:
        self.retry(countdown=0.1)
    return f"fetched at attempt {self.request.attempt}"


# 1 s, 2 s, 4 s ... would be the waits; the cap keeps this example short. Jitter, on by default, spreads them.
@app.task(queue="testq", autoretry_for=(ConnectionError,), retry_backoff=True, retry_backoff_max=0.2, max_retries=2)
def call_the_bank(account: str) -> None:
    raise ConnectionError(f"no line to the bank of {account}")


def main() -> None:
    print(fetch.delay(3).get(timeout=30))

    failed = call_the_bank.delay("Ada")
    try:
        failed.get(timeout=30)
    except ConnectionError as error:
        print("failed:", error)
    print("state:", failed.state, "after", failed.retries, "retries")
    print("traceback:", (failed.traceback or "").splitlines()[-1])


def worker() -> subprocess.Popen[bytes]:
    """Run `sqlqueue worker`, as one would in a terminal in this folder."""
    command = [sys.executable, "-m", "sqlqueue", "-A", "retries", "-b", app.conf.broker_url]
    folder, quiet = pathlib.Path(__file__).parent, subprocess.DEVNULL
    return subprocess.Popen([*command, "worker", "--queue", "testq"], cwd=folder, stderr=quiet)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        app.use_broker(f"sqlite:///{folder}/jobs.db")
        process = worker()
        main()
        process.terminate()
        process.wait()
        app.close()

# Prints:
# fetched at attempt 3
# failed: no line to the bank of Ada
# state: FAILURE after 2 retries
# traceback: ConnectionError: no line to the bank of Ada
