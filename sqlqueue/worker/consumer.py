"""Counts free slots and claims as many jobs, settling finished ones in the same transaction.

Next room: ``execute``, by way of the pool.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from sqlqueue.domain.outcome import Returned
from sqlqueue.errors import StoreUnavailable
from sqlqueue.events.catalog import JobsClaimed
from sqlqueue.notify.channels import News, read_news
from sqlqueue.services.testsignals import reached
from sqlqueue.store.ops.cycle import Cycle, Wanted, cycle
from sqlqueue.store.ops.rescue import held_ids
from sqlqueue.store.ops.workers import beat
from sqlqueue.worker.joins import JoinKeeper
from sqlqueue.worker.orphans import Orphans
from sqlqueue.worker.pools.pool import Pool, take_back_of
from sqlqueue.worker.relief import is_stuck
from sqlqueue.worker.revocations import Revocations
from sqlqueue.worker.search import NEVER, LaneSearch
from sqlqueue.worker.strangers import Strangers
from sqlqueue.worker.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.domain.job import Job
    from sqlqueue.domain.settlement import Settlement
    from sqlqueue.store.link import Link
    from sqlqueue.worker.announcer import Announcer
    from sqlqueue.worker.lanes import Lanes
    from sqlqueue.worker.limited import LimitedLanes
    from sqlqueue.worker.pauses import Rules
    from sqlqueue.worker.registration import Registration
    from sqlqueue.worker.settler import Settler

logger = logging.getLogger("sqlqueue.worker")

LAST_PATIENCE = 10.0
"""Seconds that an ending worker tries to settle what is left; what it cannot is run again by others."""

LOCKED_REST = 0.05
"""Seconds until a settlement is sent again whose row somebody has locked."""

LOCKED_JOIN_REST = 0.002
"""The same for a look at a blocked job that another worker has locked, which it does for one transaction."""


class Consumer:
    """One tick is one cycle: settle, claim, hand over.

    Parameters
    ----------
    link: its own connection.
    lanes: those of jobs without limits, and those of jobs under limits of the whole fleet.
    poll: seconds between two looks when nothing wakes it; asked anew each time.
    """

    def __init__(
        self,
        link: Link,
        registration: Registration,
        pool: Pool,
        settler: Settler,
        lanes: tuple[Lanes, LimitedLanes],
        announcer: Announcer,
        clock: Clock,
        poll: Callable[[], float],
    ) -> None:
        self._link = link
        self._registration = registration
        self._pool = pool
        self._settler = settler
        self._held = settler.held
        self._lanes, self._limited = lanes
        self._batching = settler.batching
        self._announcer = announcer
        self._joins = JoinKeeper(announcer)
        self._clock = clock
        self._poll = poll
        self.strangers = Strangers(registration.tasks, clock)
        self.broadcasts = registration.broadcasts
        self._news: deque[tuple[str, News]] = deque()
        self._pauses: deque[Rules] = deque()
        self._served: deque[Sequence[str]] = deque()
        self._generation = link.generation
        self.search = LaneSearch(clock)
        self._orphans = Orphans(registration, settler.held, self._lanes, clock)
        self._claimed_at = clock.monotonic()
        self.claiming = True
        self.totals = Totals()
        self.revocations = Revocations(settler.held, pool, settler.put, clock)

    @property
    def idle(self) -> float:
        """Seconds since the last claim that found something."""
        return self._clock.monotonic() - self._claimed_at

    def heard(self, queue: str, payload: str) -> None:
        """Take a message from the listener's thread; it is read at the next tick."""
        self._news.append((queue, read_news(payload)))

    def doubt(self) -> None:
        """Take note, in any thread, that there may be jobs of which nobody has told, in lanes not known yet."""
        self.search.doubt()
        self._limited.heard()

    def pause(self, rules: Rules) -> None:
        """Take note, in any thread, of the queues that are paused, and of limits; the next tick obeys."""
        self._pauses.append(rules)

    def serve(self, queues: Sequence[str]) -> None:
        """Take note, in any thread, of the queues to claim from; the next tick begins with it."""
        self._served.append(queues)

    def tick(self) -> float:
        """Do one cycle and return how long to rest."""
        self._mind_the_connection()
        if self._registration.died():
            self._start_over()
        while self._served:
            self._lanes.serve(self._served.popleft())
        while self._news:
            self._lanes.heard(*self._news.popleft())
            self._limited.heard()
        while self._pauses:
            rules = self._pauses.popleft()
            self._lanes.pause(self._limited.learn(*rules))
            self._settler.put([(job, Returned()) for job in take_back_of(self._pool, rules.paused)])
        room = self._room()
        limited_first = room > 0 and self._limited.goes_first(self._link)
        rest = self._round(self._settler.take(), None if limited_first else self._wanted(room))
        room = self._room()
        if self._claim_limited(room) or limited_first:
            return 0.0
        return self._limited.rest(rest) if room > 0 else rest

    def _round(self, settlements: list[Settlement], wanted: Wanted | None) -> float:
        """Settle and claim in one transaction, and return how long to rest."""
        if not settlements and wanted is None and not self._joins.waiting:
            return self._rest()
        done = self._cycle(settlements, wanted)
        self._settler.confirm(done.settled)
        self._announcer.placed(done.settled.waiting)
        self._start(done.claimed, wanted)
        if self._settler.unsettled:
            self._look_at_unsettled()
            return LOCKED_REST
        if self._joins.waiting:
            return LOCKED_JOIN_REST
        if self._settler.waiting or (wanted and len(done.claimed) >= wanted.at_most):
            return 0.0
        soonest = self.search.rest() if wanted else NEVER
        return min(soonest, self._rest())

    def _cycle(self, settlements: list[Settlement], wanted: Wanted | None) -> Cycle:
        tokens: Mapping[str, int] = self._held.tokens
        joins = self._joins.ask(self._settler.sent, settlements)
        reached("before-cycle")
        messages = self._announcer.over(settlements)
        done = self._link.run(cycle, self._registration.incarnation, settlements, tokens, wanted, messages, joins)
        reached("after-cycle")
        self._joins.confirm(joins, done.released)
        return done

    def _look_at_unsettled(self) -> None:
        """Drop what is not ours any more; what somebody has locked is still ours, and is sent again soon."""
        ids = self._settler.unsettled
        held = self._link.run(held_ids, self._registration.incarnation, ids)
        self._settler.refuse([id_ for id_ in ids if held.get(id_) != self._held.tokens.get(id_)])

    def _room(self) -> int:
        """Return how many jobs to claim, 0 when the pool has enough."""
        now = self._clock.monotonic()
        if not self.claiming or is_stuck(self._pool, now):
            return 0
        return self._batching.wanted(self._pool.load, now)

    def _claim_limited(self, at_most: int) -> bool:
        """Claim jobs that are under limits of the whole fleet; return whether there were any."""
        self._limited.keep(self._held.tokens)
        if jobs := self._limited.claim(self._link, self._registration.incarnation, at_most, self.strangers.shunned):
            self._start(jobs, None)
        return bool(jobs)

    def _wanted(self, at_most: int) -> Wanted | None:
        """Return what to claim, or None when the pool has enough."""
        if at_most <= 0:
            return None
        if found := self.search.look(self._link, self._registration.queues):
            self._lanes.add(found)
        slots = max(self._pool.concurrency - self._pool.load, 0)
        self.strangers.ask_again(self._link)
        reads = self._lanes.reads(slots, at_most)
        return Wanted(reads, at_most, self.strangers.shunned) if reads else None

    def _start(self, claimed: list[Job], wanted: Wanted | None) -> None:
        """Hand a claim to the pool. Also without jobs: a solo pool works during this call."""
        if wanted is not None:
            self._lanes.claimed(claimed, wanted.at_most)
        if any(not job.acks_late for job in claimed):
            # A claim alone may commit asynchronously. Jobs that run at most once start only after a commit that is
            # on disk, and with it every earlier one.
            self._link.run(beat, self._registration.incarnation, durably=True)
        new = self._held.take(claimed)
        if claimed:
            self._claimed_at = self._clock.monotonic()
            self._batching.weigh(len(claimed), sum(len(job.args) + len(job.kwargs) for job in claimed))
            reached("claimed")
            new = self._settler.send_back(new, self.strangers.turn_away(self._link, new))
            new = self._settler.send_back(new, self._limited.misplaced(new) if self._limited.tasks else [])
            if self.broadcasts.any:
                limits = self._limited.inherited
                new = self._settler.send_back(new, self.broadcasts.spread(self._link, new, limits))
            self.totals.add(new)
            self._settler.bus.emit(JobsClaimed(self._registration.name, new))
        if self._registration.transactional:
            new = self._registration.introduced(new)
        self.revocations.hand_over(new)

    def _rest(self) -> float:
        if self._pool.kind == "solo" and self._pool.load:
            self._pool.submit(())
            return 0.0
        return self._poll()

    def _mind_the_connection(self) -> None:
        """After a reconnection trust nothing that was learned before it."""
        if self._link.generation != self._generation:
            if self._generation:
                self._lanes.reset()
                self._limited.forget()
                self._orphans.suspect()
            self._generation = self._link.generation
        self._orphans.look(self._link, self.idle)

    def _start_over(self) -> None:
        """We were taken for dead: what we held is others' now. Sign on anew and go on."""
        self._held.clear()
        self._limited.forget()
        self._pool.take_back()
        self._registration.reincarnate(self._link)
        self._lanes.reset()

    def stop_claiming(self) -> None:
        """Claim no more, and give back what has not started."""
        self.claiming = False
        self._settler.put([(job, Returned()) for job in self._pool.take_back()])

    def settle_rest(self) -> None:
        """Settle all that is left, in this thread, after the loop has ended; not for ever, if the database will not."""
        until = self._clock.monotonic() + LAST_PATIENCE
        pause = threading.Event()
        while (settlements := self._settler.take()) or self._joins.waiting:
            try:
                settled = self._cycle(settlements, None).settled
                self._announcer.finished(self._settler.confirm(settled))
                self._announcer.placed(settled.waiting)
                if self._settler.unsettled:
                    self._look_at_unsettled()
            except StoreUnavailable as error:
                logger.warning("settling what is left: %s", error)
            if self._clock.monotonic() > until:
                logger.error("%d outcomes could not be settled; their jobs will run again", self._settler.waiting)
                return
            if self._settler.waiting or self._joins.waiting:
                pause.wait(LOCKED_REST)
