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
# A fixture's name, and the word with which a block says that it is meant for that database only.
DATABASES = {"sqlite_url": "sqlite", "postgres_url": "postgresql"}
SNIPPETS = [
    pytest.param(title, block, database, id=f"{title}-{number}-{word}")
    for title, body in pages.sections(pages.page("docs/transactions.md")).items()
    for number, block in enumerate(pages.blocks(body, "python"))
    for database, word in DATABASES.items()
    if block.words in ("", word)
]


@pytest.fixture
def database_url(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(("title", "block", "database_url"), SNIPPETS, indirect=["database_url"])
def test_the_snippet_does_what_the_page_says(title, block, database_url):
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
