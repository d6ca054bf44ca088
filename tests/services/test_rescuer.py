"""The leader's patience: a beat counts as late only while somebody has watched it stand still."""

from contextlib import closing

import pytest

from sqlqueue.events.bus import Bus
from sqlqueue.maintenance.rescuer import Rescuer
from sqlqueue.store.ops.watch import watch
from sqlqueue.store.ops.workers import observe, register
from sqlqueue.store.store import Store
from tests.support.jobs import ME, OTHER, worker_record
from tests.support.runners import onlooker

MINUTE_AGO = {
    "sqlite": "UPDATE sqlqueue_workers SET beat_at = strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', '-60 seconds')",
    "postgresql": "UPDATE sqlqueue_workers SET beat_at = clock_timestamp() - interval '1 minute'",
}


@pytest.mark.parametrize(("blind", "living"), [(0.0, {ME}), (59.0, {ME, OTHER})])
def test_who_could_not_look_starts_watching_anew(database_url, blind, living):
    """After a restart of the database every beat looks old, and behind a pooler no connection breaks to tell of it."""
    store = Store(database_url)
    link = store.pinned()
    for incarnation in (ME, OTHER):
        link.run(register, worker_record(incarnation))
    rescuer = Rescuer(lambda: ME, lambda _: None, Bus(), lambda _: None, many_writers=store.dialect.many_writers)
    rescuer.tick(link)
    with closing(onlooker(database_url)) as operator:
        operator.execute(MINUTE_AGO[store.dialect.name])
    rescuer._watched = {one: since - 60.0 for one, since in rescuer._watched.items()}  # as if a minute had passed
    rescuer._looked_at -= blind
    rescuer.tick(link)
    assert {seen.incarnation for seen in link.run(observe)} == living
    link.close()
    store.close()


def test_who_does_not_lead_does_not_wait_for_the_lease(postgres_url):
    """Else all workers would take turns at one row, every two seconds, and their beats with it."""
    store = Store(postgres_url)
    link = store.pinned()
    for incarnation in (ME, OTHER):
        link.run(register, worker_record(incarnation))
    assert link.run(watch, "leader", OTHER, 60.0).leads
    with closing(onlooker(postgres_url)) as other:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM sqlqueue_leases FOR UPDATE")
        leads, lives, _ = link.run(watch, "leader", ME, 60.0)
        assert (leads, lives) == (False, True)
        other.execute("ROLLBACK")
    link.close()
    store.close()
