"""What the print shop keeps in its database: orders, in a table of its own beside the queue's."""

import pathlib

from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PAPERS = pathlib.Path(__file__).parents[2]
"""The shop prints what lies in this folder: the files of the repository."""

CENTS_PER_HUNDRED_WORDS = 5


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    papers: Mapped[dict[str, int]] = mapped_column(JSON)  # file -> copies
    card: Mapped[str] = mapped_column(default="valid")

    @property
    def cents(self) -> int:
        """What the order costs: by the word."""
        return sum(copies * price_of(paper) for paper, copies in self.papers.items())


def words_in(paper: str) -> int:
    return len((PAPERS / paper).read_text(encoding="utf-8").split())


def price_of(paper: str) -> int:
    return -(-words_in(paper) * CENTS_PER_HUNDRED_WORDS // 100)
