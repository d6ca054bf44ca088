"""Enqueue in the transaction that writes your rows: both are committed, or neither is.

python examples/transactional.py
"""

import pathlib
import subprocess
import sys
import tempfile

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlqueue import SQLQueue

app = SQLQueue("transactional", broker="sqlite:///shop.db")


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]


@app.task(queue="testq")
def confirm(order_id: int) -> str:
    return f"order {order_id} is confirmed"


def main(url: str) -> None:
    app.use_broker(url)
    sqlqueue("migrate").wait()
    engine = create_engine(app.broker)
    Base.metadata.create_all(engine)

    with Session(engine) as session, session.begin():
        order = Order(item="tea")
        session.add(order)
        session.flush()  # gives the order its id
        kept = confirm.apply_async((order.id,), session=session)

    try:
        with Session(engine) as session, session.begin():
            order = Order(item="a unicorn")
            session.add(order)
            session.flush()
            lost = confirm.apply_async((order.id,), session=session)
            take_from_the_shelf(order)
    except LookupError as error:
        print("rolled back:", error)

    worker = sqlqueue("worker", "--queue", "testq")
    print(kept.get(timeout=30))
    with Session(engine) as session:
        print("orders:", session.scalar(select(func.count(Order.id))))
    print("the other job:", lost.state, "- as every id that the database does not know")
    worker.terminate()
    worker.wait()
    engine.dispose()
    app.close()


def take_from_the_shelf(order: Order) -> None:
    raise LookupError(f"{order.item} is sold out")


def sqlqueue(*words: str) -> subprocess.Popen[bytes]:
    """Run the command, as one would in a terminal in this folder."""
    command = [sys.executable, "-m", "sqlqueue", "-A", "transactional", "-b", app.conf.broker_url, *words]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=pathlib.Path(__file__).parent, stdout=quiet, stderr=quiet)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(f"sqlite:///{folder}/shop.db")

# Prints:
# rolled back: a unicorn is sold out
# order 1 is confirmed
# orders: 1
# the other job: PENDING - as every id that the database does not know
