"""Jobs that wait for jobs: a chain, a group, a chord, and what happens when a member fails.

python examples/workflow.py
"""

import pathlib
import subprocess
import sys
import tempfile

from sqlqueue import ChordError, SQLQueue, chord, group

app = SQLQueue("workflow", broker="sqlite:///jobs.db")


@app.task(queue="testq")
def price(item: str) -> int:
    return {"tea": 4, "cake": 7}[item]


@app.task(queue="testq")
def total(prices: list[int]) -> int:
    return sum(prices)


@app.task(queue="testq")
def discount(amount: int, percent: int) -> float:
    return amount * (100 - percent) / 100


@app.task(queue="testq")
def complain(job_id: str) -> None:
    """Called with the id of the job that failed."""


def main() -> None:
    bill = group(price.s("tea"), price.s("cake")) | total.s() | discount.s(10)
    result = bill.delay()
    print("to pay:", result.get(timeout=30))
    print("before the discount:", result.parent.get(timeout=30))
    print("prices:", group(price.s(item) for item in ("tea", "cake", "tea")).delay().get(timeout=30))

    spoilt = chord([price.s("tea"), price.s("coffee")], total.s().on_error(complain.s())).delay()
    try:
        spoilt.get(timeout=30)
    except ChordError as error:
        print("failed:", str(error).partition(" raised ")[2])


def worker() -> subprocess.Popen[bytes]:
    """Run `sqlqueue worker`, as one would in a terminal in this folder."""
    command = [sys.executable, "-m", "sqlqueue", "-A", "workflow", "-b", app.conf.broker_url]
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
# to pay: 9.9
# before the discount: 11
# prices: [4, 7, 4]
# failed: KeyError('coffee')
