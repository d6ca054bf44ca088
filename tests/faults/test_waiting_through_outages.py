"""The server is away for a while: who waits for jobs goes on waiting."""

import asyncio
from concurrent.futures import ThreadPoolExecutor, wait

from sqlqueue import ResultSet, SQLQueue
from sqlqueue.client import waiting
from sqlqueue.testing.drain import drain


def test_who_waits_is_told_when_the_server_is_back(server, monkeypatch):
    monkeypatch.setattr(waiting, "ASK_FOR_WORKERS_AFTER", 0.1)
    app = SQLQueue("shop", broker=server.dsn("shop"))
    add = app.task(name="add")(lambda x: x)
    results = [add.delay(n) for n in range(3)]
    server.stop()
    with ThreadPoolExecutor(4) as pool:
        waits = [
            pool.submit(results[0].get, 60),
            pool.submit(lambda: asyncio.run(results[1].aget(60))),
            pool.submit(ResultSet(results).get, 60),
            pool.submit(lambda: sorted(ResultSet(results).iterate(60))),
        ]
        given_up = wait(waits, 0.7).done  # all have looked in vain meanwhile
        server.start()
        drain(app)
        assert not given_up
        assert [one.result() for one in waits] == [0, 1, [0, 1, 2], [0, 1, 2]]
    app.close()
