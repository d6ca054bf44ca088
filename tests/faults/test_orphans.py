"""A worker whose claim was committed and never answered: the job runs under a name that does not know of it."""

import psycopg

from tests.support.processes import wait_until


def running(server):
    with psycopg.connect(server.dsn("shop")) as connection:
        return connection.execute("SELECT 1 FROM sqlqueue_jobs WHERE state = 'running'").fetchall()


def test_a_job_claimed_without_an_answer_is_found_and_run(server, proxy, proxy_url, place_at):
    place = place_at(proxy_url)
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "1").wait_ready()
    assert tasks.add.delay(1, 1).get(timeout=40) == 2, "from now on its claim is one round trip"
    moment = worker.signals / "before-cycle"
    worker.hold("before-cycle")
    moment.unlink()
    result = tasks.add.delay(2, 2)
    worker.reached("before-cycle")
    proxy.swallow()
    worker.release("before-cycle")
    wait_until("the claim's commit", lambda: running(server))
    assert proxy.cut() > 0
    assert result.get(timeout=40) == 4
    assert "claimed without an answer" in worker.output
    assert worker.finish() == 0
    tasks.app.close()
