"""What happens in the shop, step by step. Told by demo.py, which has made the database first."""

import hashlib
import os
import pathlib
import subprocess
import time
from collections.abc import Callable
from typing import Any

import inspection
import processes
import tasks
from orders import PAPERS, Base, Order
from sqlalchemy import text
from sqlalchemy.orm import Session
from telling import check, step

from sqlqueue import AsyncResult

ORDERS = [
    Order(customer="Ada", papers={"LICENSE": 2, "CONTRIBUTING.md": 1}),
    Order(customer="Grace", papers={"docs/inspection.md": 10}, card="unreachable"),
    Order(customer="Edsger", papers={"CONTRIBUTING.md": 1, "pyproject.toml": 4}),
]
REGRETTED = Order(customer="Mallory", papers={"LICENSE": 1000})

Jobs = dict[str, AsyncResult[Any]]
ROOMY = 60.0  # seconds within which any job is over, also on a busy machine


def tell(log: pathlib.Path) -> None:
    Base.metadata.create_all(tasks.engine)
    step("The shop takes orders: each order and its jobs in one transaction, on queue testq")
    jobs = [take_order(order) for order in ORDERS]
    regretted = take_order_and_regret(REGRETTED)
    inspection.show(tasks.engine, "What waits in each queue, and for how long?")

    step("A worker starts: sqlqueue worker --queue testq")
    with processes.worker("--queue", "testq", log=log) as worker:
        look_inside(worker, jobs)
        read_results(jobs)
        see_it_fail(jobs[1]["charge_card"])
        take_stock()
        step("SIGTERM: the worker finishes what it runs, and ends")
        check("exit code 0", processes.stop(worker, ROOMY) == 0)

    step("Looking back, with the queries of docs/inspection.md")
    look_back()
    step("And the order that was rolled back?")
    see_nothing_of(regretted)
    tasks.app.close()


def take_order(order: Order) -> Jobs:
    """Write an order and enqueue its jobs: both are there after the commit, or neither is."""
    with Session(tasks.engine, expire_on_commit=False) as session, session.begin():
        session.add(order)
        session.flush()
        jobs = enqueue(order, session)
    tell_of(order, jobs, "committed")
    return jobs


def take_order_and_regret(order: Order) -> Jobs:
    """The same, but the transaction is rolled back, and with it the jobs."""
    with Session(tasks.engine) as session:
        session.add(order)
        session.flush()
        jobs = enqueue(order, session)
        tell_of(order, jobs, "rolled back, on purpose")
        session.rollback()
    return jobs


def tell_of(order: Order, jobs: Jobs, fate: str) -> None:
    print(f"   order {order.id}  {order.customer:8} {order.cents / 100:8.2f}   {len(jobs)} jobs   {fate}")


def enqueue(order: Order, session: Session) -> Jobs:
    with tasks.app.using(session):  # every send in this block joins the session's transaction
        jobs: Jobs = {f"count {paper}": tasks.count_words.delay(paper) for paper in order.papers}
        jobs["write_invoice"] = tasks.write_invoice.delay(order.id)
        jobs["charge_card"] = tasks.charge_card.delay(order.id)
        jobs["print_label"] = tasks.print_label.delay(order.id, order.customer)
        jobs["ask_for_a_review"] = tasks.ask_for_a_review.apply_async((order.id,), countdown=7 * 86400)
    return jobs


def look_inside(worker: subprocess.Popen[bytes], jobs: list[Jobs]) -> None:
    """Ask what goes on while the slow label printer runs and a card is being retried."""
    charge = jobs[1]["charge_card"]
    wait_until(lambda: charge.state == "RETRY", worker)
    inspection.show(
        tasks.engine,
        "Which workers live?",
        "What runs where, and since when?",
        "What is being retried, and why?",
        "What is scheduled, and for when?",
    )


def read_results(jobs: list[Jobs]) -> None:
    step("Results, read back with get()")
    for order, sent in zip(ORDERS, jobs, strict=True):
        for paper in order.papers:
            words = sent[f"count {paper}"].get(timeout=ROOMY)
            check(f"{paper} has {words:,} words", words == count_with_wc(paper))
    for order, sent in zip(ORDERS, jobs, strict=True):
        invoice = sent["write_invoice"].get(timeout=ROOMY)
        written = pathlib.Path(os.environ["SHOP_INVOICES"], invoice["file"]).read_text()
        total = f"{order.cents / 100:.2f}"
        check(f"{invoice['file']} comes to {total}", invoice["cents"] == order.cents and total in written)
    label = jobs[0]["print_label"].get(timeout=ROOMY)
    check(f"the label printer said: {label}", label == f"TO Ada, ORDER {ORDERS[0].id}")
    paid = [sent["charge_card"].get(timeout=ROOMY) for sent in (jobs[0], jobs[2])]
    check(f"two cards charged, {sum(paid) / 100:.2f} together", sum(paid) == ORDERS[0].cents + ORDERS[2].cents)


def see_it_fail(charge: AsyncResult[int]) -> None:
    step("Grace's card: tried again after 1 s and 2 s, then failed; the exception is kept")
    error = charge.get(timeout=ROOMY, propagate=False)
    where = (charge.traceback or "").strip().splitlines()[-3].strip()
    print(f"   {charge.state} after {charge.retries} retries: {type(error).__name__}: {error}")
    print(f"   {where.replace(str(PAPERS) + os.sep, '')}")
    check("it is the task's own exception", isinstance(error, tasks.BankUnreachable) and charge.retries == 2)


def take_stock() -> None:
    """A larger batch: one job for each Python file here, enqueued together."""
    papers = sorted(str(path.relative_to(PAPERS)) for path in (PAPERS / "sqlqueue").rglob("*.py"))
    step(f"Stock-taking: the checksums of {len(papers)} files, enqueued in one transaction")
    started = time.perf_counter()
    with Session(tasks.engine) as session, session.begin(), tasks.app.using(session):
        sums = {paper: tasks.checksum.delay(paper) for paper in papers}
    enqueued = time.perf_counter() - started
    wrong = [paper for paper, job in sums.items() if job.get(timeout=ROOMY) != sha256(paper)]
    done = time.perf_counter() - started
    check(
        f"every sum is right ({enqueued * 1000:.0f} ms to enqueue, {done * 1000:.0f} ms to the last result)", not wrong
    )


def look_back() -> None:
    inspection.show(
        tasks.engine,
        "What became of the jobs of order 1?",
        "What failed, and why?",
        "Which errors are the most frequent?",
        "Which tasks are the slowest?",
        "How many jobs finish each minute?",
        "How long did jobs wait before they were taken?",
        "Which jobs killed their worker?",
    )


def see_nothing_of(jobs: Jobs) -> None:
    """A transaction that was rolled back must have left nothing: no order, no job, no result, no invoice."""
    with tasks.engine.connect() as connection:
        orders = connection.scalar(text("SELECT count(*) FROM orders WHERE customer = 'Mallory'"))
        ids = set(connection.scalars(text("SELECT id FROM sqlqueue_all_jobs")))
    check("its row does not exist", orders == 0)
    check(f"none of its {len(jobs)} jobs exists", ids.isdisjoint(job.id for job in jobs.values()))
    invoices = sorted(path.name for path in pathlib.Path(os.environ["SHOP_INVOICES"]).iterdir())
    check("nobody wrote it an invoice", invoices == [f"invoice-{order.id}.txt" for order in ORDERS])


def wait_until(happened: Callable[[], bool], worker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + ROOMY
    while not happened():
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended by itself with exit code {worker.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"the worker did not get to it within {ROOMY:.0f} s")
        time.sleep(0.02)


def count_with_wc(paper: str) -> int:
    """Count words by other means than the task's."""
    return int(
        subprocess.run(["wc", "-w"], input=(PAPERS / paper).read_bytes(), capture_output=True, check=True).stdout
    )


def sha256(paper: str) -> str:
    return hashlib.sha256((PAPERS / paper).read_bytes()).hexdigest()
