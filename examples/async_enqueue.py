"""Send and wait from asyncio: the async twins begin with an a. No async database driver is needed.

python examples/async_enqueue.py
"""

import asyncio
import pathlib
import subprocess
import sys
import tempfile

from sqlqueue import SQLQueue

app = SQLQueue("async_enqueue", broker="sqlite:///jobs.db")


@app.task(queue="testq")
def square(x: int) -> int:
    return x * x


@app.task(queue="testq")
async def slowly(words: str) -> str:  # a task may be async too: the worker runs it in an event loop
    await asyncio.sleep(0.1)
    return words.upper()


async def main() -> None:
    sent = [await square.adelay(x) for x in range(5)]
    print("squares:", await asyncio.gather(*(result.aget(timeout=30) for result in sent)))

    result = await slowly.aapply_async(("done",), countdown=0.2)
    print("slowly:", await result.aget(timeout=30))


def worker() -> subprocess.Popen[bytes]:
    """Run `sqlqueue worker`, as one would in a terminal in this folder."""
    command = [sys.executable, "-m", "sqlqueue", "-A", "async_enqueue", "-b", app.conf.broker_url]
    folder, quiet = pathlib.Path(__file__).parent, subprocess.DEVNULL
    return subprocess.Popen([*command, "worker", "--queue", "testq"], cwd=folder, stderr=quiet)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        app.use_broker(f"sqlite:///{folder}/jobs.db")
        process = worker()
        asyncio.run(main())
        process.terminate()
        process.wait()
        app.close()

# Prints:
# squares: [0, 1, 4, 9, 16]
# slowly: DONE
