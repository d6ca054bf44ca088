"""The print shop's work. `sqlqueue worker --queue testq`, started in this folder, finds this file by its name."""

import hashlib
import os
import pathlib
import subprocess

from orders import PAPERS, Order, price_of, words_in
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sqlqueue import SQLQueue

app = SQLQueue("tasks", task_default_queue="testq")  # its database: $SQLQUEUE_BROKER_URL
engine = create_engine(app.broker)  # the queue's database is the shop's: one transaction can hold both

LABEL_PRINTER = 'sleep 2; printf "TO %s, ORDER %s\\n" "$1" "$2"'
"""A slow machine, driven by a shell command."""


class BankUnreachable(Exception):
    """Worth another try in a moment."""


@app.task
def count_words(paper: str) -> int:
    return words_in(paper)


@app.task
def checksum(paper: str) -> str:
    return hashlib.sha256((PAPERS / paper).read_bytes()).hexdigest()


@app.task
def write_invoice(order_id: int) -> dict[str, str | int]:
    """Write an order's invoice to a file; say which file and what it comes to."""
    with Session(engine) as session:
        order = session.get_one(Order, order_id)
    lines = [f"{copies:3} x {paper:30} {copies * price_of(paper) / 100:8.2f}" for paper, copies in order.papers.items()]
    file = pathlib.Path(os.environ["SHOP_INVOICES"]) / f"invoice-{order_id}.txt"
    head, foot = f"Invoice {order_id} for {order.customer}", f"{'Total':36} {order.cents / 100:8.2f}"
    file.write_text("\n".join([head, "", *lines, "", foot, ""]), encoding="utf-8")
    return {"file": file.name, "cents": order.cents}


@app.task(autoretry_for=(BankUnreachable,), retry_backoff=True, retry_jitter=False, max_retries=2)
def charge_card(order_id: int) -> int:
    """Charge an order's card; a bank that does not answer is tried again after 1 and 2 seconds."""
    with Session(engine) as session:
        order = session.get_one(Order, order_id)
    if order.card == "unreachable":
        raise BankUnreachable(f"no answer for the card of {order.customer}")
    return order.cents


@app.task
def print_label(order_id: int, customer: str) -> str:
    command = ["sh", "-c", LABEL_PRINTER, "printer", customer, str(order_id)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@app.task
def ask_for_a_review(order_id: int) -> str:
    return f"How were the prints of order {order_id}?"
