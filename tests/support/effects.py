"""Transactional tasks that write to a table of the user's own."""

from __future__ import annotations

from sqlalchemy import text


def write(task, what="done"):
    task.session.execute(text("INSERT INTO effects VALUES (:what)"), {"what": what})


def transactional(app, **options):
    return app.task(bind=True, transactional=True, **options)
