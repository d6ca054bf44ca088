"""Stands in for redis-py in Celery's integration tests, which count side effects in it: one SQLite file for all.

Only on the path of that run; it has the few commands that those tests use, and no publish-subscribe.
"""

import os
import sqlite3
import time

FILE = os.environ.get("STANDIN_REDIS", "standin-redis.db")
POLL = 0.02


def _bytes(value):
    if isinstance(value, bytes):
        return value
    return value if value is None else str(value).encode()


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class StrictRedis:
    """A connection for each command: safe in threads and after a fork."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    close = __exit__

    def _run(self, sql, *values):
        db = sqlite3.connect(FILE, timeout=30, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous=OFF")
            db.execute("CREATE TABLE IF NOT EXISTS item (n INTEGER PRIMARY KEY, key TEXT, value BLOB)")
            db.execute("CREATE INDEX IF NOT EXISTS item_key ON item (key, n)")
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def delete(self, *keys):
        return sum(len(self._run("DELETE FROM item WHERE key = ? RETURNING n", _text(key))) > 0 for key in keys)

    def exists(self, *keys):
        return sum(bool(self._run("SELECT 1 FROM item WHERE key = ? LIMIT 1", _text(key))) for key in keys)

    def rpush(self, key, *values):
        for value in values:
            self._run("INSERT INTO item (key, value) VALUES (?, ?)", _text(key), _bytes(value))
        return self.llen(key)

    def llen(self, key):
        return self._run("SELECT count(*) FROM item WHERE key = ?", _text(key))[0][0]

    def lrange(self, key, start, stop):
        found = [row[0] for row in self._run("SELECT value FROM item WHERE key = ? ORDER BY n", _text(key))]
        return found[start:] if stop == -1 else found[start : stop + 1]

    zrange = lrange

    def blpop(self, key, timeout=0):
        until = time.monotonic() + timeout
        while True:
            sql = "DELETE FROM item WHERE n = (SELECT n FROM item WHERE key = ? ORDER BY n LIMIT 1) RETURNING value"
            found = self._run(sql, _text(key))
            if found:
                return _bytes(_text(key)), found[0][0]
            if timeout and time.monotonic() >= until:
                return None
            time.sleep(POLL)

    def incr(self, key, amount=1):
        sql = (
            "INSERT INTO item (n, key, value) VALUES ((SELECT n FROM item WHERE key = ?1), ?1, ?2)"
            " ON CONFLICT (n) DO UPDATE SET value = CAST(item.value AS INTEGER) + ?2 RETURNING value"
        )
        return int(self._run(sql, _text(key), amount)[0][0])

    def get(self, key):
        found = self._run("SELECT value FROM item WHERE key = ?", _text(key))
        return _bytes(found[0][0]) if found else None

    def set(self, key, value):
        self.delete(key)
        self.rpush(key, value)

    def execute_command(self, *_):
        return []


Redis = StrictRedis
