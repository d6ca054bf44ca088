"""Moments in SQLite's SQL, which has no short words for them."""

from __future__ import annotations

from sqlqueue.store.operation import Statement


def statement(sql: str) -> Statement:
    """Write out ``<now>`` and ``<in:x>``, the moment x seconds ahead, which SQLite has no short words for."""
    moment = "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'"
    parts = sql.replace("<now>", f"{moment})").split("<in:")
    head, tails = parts[0], [part.partition(">") for part in parts[1:]]
    return Statement(head + "".join(f"{moment}, printf('%+.3f seconds', {what}))" + rest for what, _, rest in tails))
