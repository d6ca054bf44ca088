"""huey on SQLite, as it comes: synchronous=OFF, one thread; results stored."""

import sys

from huey import SqliteHuey
from huey.consumer import Consumer
from side import main, ran

huey = SqliteHuey("bench", filename=sys.argv[2].removeprefix("sqlite:///"), fsync=False)


@huey.task()
def add(a: int, b: int) -> int:
    ran()
    return a + b


def _fill(_: str, count: int) -> None:
    for i in range(count):
        add(i, i)


def _work(_: str) -> None:
    Consumer(huey, workers=1, periodic=False, worker_type="thread", initial_delay=0.001, max_delay=0.01).run()


if __name__ == "__main__":
    main(_fill, _work)
