"""`sqlqueue report` says what was changed and hides what is secret; a worker imports what ``imports`` names."""

from __future__ import annotations

from click.testing import CliRunner

from sqlqueue.cli import main

APP = """
from sqlqueue import SQLQueue

app = SQLQueue("shop_report", broker="sqlite:///jobs.db", imports=["shop_more"], timezone="Europe/Oslo")
"""
MORE = """
from shop_report import app


@app.task
def pack():
    pass
"""


def test_report(tmp_path, monkeypatch):
    (tmp_path / "shop_report.py").write_text(APP)
    (tmp_path / "shop_more.py").write_text(MORE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SQLQUEUE_BROKER_URL", "postgresql://me:hidden@host/shop")
    found = CliRunner().invoke(main, ["-A", "shop_report", "report"])
    assert found.exit_code == 0, found.output
    assert "tasks: shop_more.pack" in found.output
    assert "timezone: 'Europe/Oslo'" in found.output
    assert "worker_pool" not in found.output
    assert "worker_pool: 'prefork'" in CliRunner().invoke(main, ["-A", "shop_report", "report", "--all"]).output
    elsewhere = CliRunner().invoke(main, ["-b", "postgresql://me:hidden@host/shop", "report"])
    assert "hidden" not in elsewhere.output
    assert "postgresql://me:***@host/shop" in elsewhere.output
