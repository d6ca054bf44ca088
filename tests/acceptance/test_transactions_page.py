"""Every snippet of docs/transactions.md is run as it stands, on the databases that it is meant for."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from sqlqueue import SQLQueue
from tests.support import pages
from tests.support.runners import async_url, onlooker

# How many jobs a snippet leaves behind; one unless named.
JOBS = {
    "SQLAlchemy: AsyncSession and AsyncConnection": 2,
    "A whole block": 2,
    "Rolled back": 0,
}
SNIPPETS = [
    pytest.param(title, block, id=f"{title}-{number}")
    for title, body in pages.sections(pages.page("docs/transactions.md")).items()
    for number, block in enumerate(pages.blocks(body, "python"))
]


@pytest.mark.parametrize(("title", "block"), SNIPPETS)
def test_the_snippet_does_what_the_page_says(title, block, database_url):
    if block.words not in ("", database_url.partition(":")[0]):
        pytest.skip(f"is meant for {block.words}")
    app = SQLQueue("shop", broker=database_url)
    add = app.task(name="add")(_add)
    engine = create_engine(app.broker)
    surroundings = {
        "app": app, "add": add, "engine": engine, "async_engine": create_async_engine(async_url(database_url)),
        "DSN": database_url, "PATH": app.broker.database,
    }  # fmt: skip
    try:
        exec(compile(block.text, "docs/transactions.md", "exec"), surroundings)
        assert len(jobs(database_url)) == JOBS.get(title, 1)
    finally:
        engine.dispose()
        app.close()


def _add(x: int, y: int) -> int:
    return x + y


def jobs(url):
    look = onlooker(url)
    try:
        return look.execute("SELECT id FROM sqlqueue_jobs").fetchall()
    finally:
        look.close()
