"""`Worker`: one process. Lists its services, starts them in order, stops them in reverse."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlqueue.client.routes import broadcast_names
from sqlqueue.domain.clock import SYSTEM_CLOCK, chance
from sqlqueue.domain.outcome import Returned
from sqlqueue.errors import StoreUnavailable
from sqlqueue.events.catalog import WorkerStopping
from sqlqueue.maintenance.chores import Chores
from sqlqueue.maintenance.promoter import Promoter
from sqlqueue.maintenance.pruner import Pruner
from sqlqueue.maintenance.rescuer import Rescuer
from sqlqueue.maintenance.sweeper import Sweeper
from sqlqueue.notify.channels import DUE, PAUSED, by_channel, control_channel
from sqlqueue.notify.listener import Listener
from sqlqueue.notify.waker import Waker
from sqlqueue.services.group import ServiceGroup
from sqlqueue.services.loop import Loop
from sqlqueue.services.systemd import show_life, watchdog_interval
from sqlqueue.version import __version__
from sqlqueue.worker.announcer import Announcer
from sqlqueue.worker.autoscale import Autoscaler
from sqlqueue.worker.batching import Batching
from sqlqueue.worker.broadcasts import Broadcasts
from sqlqueue.worker.consumer import Consumer
from sqlqueue.worker.control.panel import Panel
from sqlqueue.worker.control.service import Controller
from sqlqueue.worker.held import Held
from sqlqueue.worker.lanes import Lanes
from sqlqueue.worker.limited import LimitedLanes
from sqlqueue.worker.newcomers import Newcomers
from sqlqueue.worker.notices import Notices
from sqlqueue.worker.order import Weighted, as_given
from sqlqueue.worker.pauses import Pauses
from sqlqueue.worker.registration import Registration
from sqlqueue.worker.relief import Relief
from sqlqueue.worker.search import patience
from sqlqueue.worker.settler import Settler
from sqlqueue.worker.shutdown import Shutdown
from sqlqueue.worker.signalled import subscribe_signals
from sqlqueue.worker.silence import Silence
from sqlqueue.worker.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.app import SQLQueue
    from sqlqueue.store.link import Link
    from sqlqueue.worker.options import WorkerOptions
    from sqlqueue.worker.pauses import Rules
    from sqlqueue.worker.pools.make import PoolSource
    from sqlqueue.worker.strangers import Refusal

GLANCE = 0.1
"""Seconds between two looks of the shutting-down main thread for a second signal."""


SOON = 0.02
"""Seconds until a worker that sees others' commits looks for commands: commits may come by the thousand."""


class Worker:
    """One worker process.

    Parameters
    ----------
    source: where the pool's processes come from, made before any thread was.
    """

    def __init__(self, app: SQLQueue, options: WorkerOptions, source: PoolSource) -> None:
        store = app.store
        store.check_schema()
        self.name = options.node_name
        self.events = subscribe_signals(app.events)
        self._poll_interval = options.poll_interval
        self._schema = store.dialect.schema
        self._cycle_link, self._chores_link = store.pinned(asynchronous=True), store.pinned()
        broadcasts = Broadcasts(broadcast_names(app.conf), self.name, app.conf.task_signing_keys)
        self.registration = Registration(
            self.name, options.queues, broadcasts, app.tasks, options.pool, options.slots, __version__, app.events
        )
        self._queues = by_channel(self.registration.queues, self._schema)
        self._waker = Waker(store, self._chores_link)
        self._announcer = Announcer(self._waker, self._schema, self._wake_consumer, self._hurry_promotion)
        self._build_cycle(app, options, source)
        self._stream = Stream(
            self.name, self.events, self.pool.survey, self._consumer.totals.by_task, SYSTEM_CLOCK,
            lambda: self.registration.untold, always=options.events,
        )  # fmt: skip
        self._autoscaler = Autoscaler(self.pool, SYSTEM_CLOCK, options.autoscale, self.resize)
        self._controller = Controller(self._panel(app, options))
        self._build_chores(app)
        self._listener = Listener(store, self._channels, self._heard, self._in_doubt)
        self.restarting = False
        self._shutdown: Shutdown | None = None
        self.soft_timeout = options.soft_shutdown_timeout
        self._told = threading.Event()

    def _build_cycle(self, app: SQLQueue, options: WorkerOptions, source: PoolSource) -> None:
        """Make the parts that a job walks through: consumer, pool, settler."""
        held, batching = Held(), Batching(options.slots)
        self._batching = batching
        self._settler = Settler(held, batching, self.events, self._wake_consumer)
        self.pool = source.make(self._settler.put, self._wake_consumer)
        weights = options.weights and self.registration.broadcasts.weighed(options.weights)
        order = as_given if weights is None else Weighted(weights, chance())
        lanes = Lanes(self.registration.queues, SYSTEM_CLOCK, remember=app.store.dialect.many_writers, order=order)
        limited = LimitedLanes(lambda: self.registration.queues, app.conf.fleet_limits or {}, SYSTEM_CLOCK)
        self._consumer = Consumer(
            self._cycle_link, self.registration, self.pool, self._settler, (lanes, limited), self._announcer,
            SYSTEM_CLOCK, self._poll,
        )  # fmt: skip
        self._newcomers = Newcomers(app.tasks, self.registration, self.pool, source)
        self._consumer.strangers.newcomers = self._newcomers
        self._consumer_loop = Loop("consumer", self._consumer.tick, self.pool.leave)

    def _build_chores(self, app: SQLQueue) -> None:
        """Make the parts that some worker must do for all."""
        me, placed = (lambda: self.registration.incarnation), self._announcer.placed
        many_writers = app.store.dialect.many_writers
        rescuer = Rescuer(me, self.registration.signed_off, self.events, placed, many_writers=many_writers)
        self._promote = Promoter(placed, lambda: self._listener.hears).tick
        conf = app.conf
        kept, unknown = conf.result_expires, conf.unknown_task_timeout
        pruner = Pruner(kept, unknown, lambda: rescuer.is_leader, self._announcer.finished)
        sweeper = Sweeper(lambda: rescuer.is_leader, placed, self._announcer.finished)
        relief = Relief(self.pool, self._settler.held, SYSTEM_CLOCK, me, placed)
        self._notices = self._noticing(told=app.store.dialect.notifies)
        chores: list[Callable[[Link], float]] = [
            rescuer.tick,
            self._notices,
            relief.tick,
            self._promote,
            rescuer.search_strays,
            pruner.prune,
            pruner.fail_unknown,
            pruner.end_abandoned,
            pruner.forget_told,
            sweeper.tick,
            self._autoscaler.tick,
            self._stream.tick,
        ]
        if watchdog_interval() is not None:
            chores.append(lambda _: show_life(running=self._consumer_loop.running))
        self._chores = Chores(self._chores_link, SYSTEM_CLOCK, chores)
        self._chores_loop = Loop("chores", self._chores.tick)
        self._stream.wake = lambda: self._hurry(self._stream.tick)

    def _noticing(self, *, told: bool) -> Callable[[Link], float]:
        """Make the chore that looks for paused queues and for commands."""
        pauses = Pauses(self.registration, self.events, self._pause)
        return Notices(
            lambda: self.registration.incarnation,
            pauses.take,
            self._stream.notice,
            self._controller.take,
            lambda: told and self._listener.hears,
        ).tick

    def _panel(self, app: SQLQueue, options: WorkerOptions) -> Panel:
        """Lay out what commands from afar may look at and change."""
        now = SYSTEM_CLOCK.monotonic()
        epoch = SYSTEM_CLOCK.now().timestamp() - now
        samples: deque[str] = deque(maxlen=100)
        consumer = self._consumer
        return Panel(
            app, options, self, self.registration, self.pool, self._autoscaler, consumer.totals, consumer.revocations,
            self._stream, self._chores_link, now, epoch, samples,
        )  # fmt: skip

    def run(self) -> int:
        """Work until told to stop, then stop in good order; return the exit code, 0 unless the pool was lost."""
        self.registration.sign_on(self._chores_link)
        self._notices(self._chores_link)  # before anything is claimed
        silence = Loop("silence", Silence([self._cycle_link, self._chores_link]).tick)
        services = ServiceGroup([silence, self._chores_loop, self._listener, self._controller.loop])
        services.start()
        self.pool.start()
        self._consumer_loop.start()
        while not self._told.wait(GLANCE * 10) and not self.pool.lost:
            pass
        if broken := self.pool.lost:
            self.stop(Shutdown.COLD)
        self._finish()
        services.stop()
        self._waker.close()
        with suppress(StoreUnavailable):  # others will see that the process is gone
            self._stream.leave(self._chores_link)
            self.registration.sign_off(self._chores_link)
        self._cycle_link.close()
        self._chores_link.close()
        return 1 if broken else 0

    def stop(self, how: Shutdown) -> None:
        """Begin to stop; may be called from a signal handler, and again to be less patient."""
        if how is Shutdown.SOFT and self.soft_timeout <= 0:
            how = Shutdown.COLD
        self._shutdown = max(how, self._shutdown or how)
        self._told.set()

    def turn_away(self, ask: Refusal) -> None:
        """Let ``ask`` say of each claimed job what becomes of it instead of being run; None: it is run."""
        self._consumer.strangers.also.append(ask)

    def reload(self) -> None:
        """Learn at once which tasks were registered since; raises ConfigError when the pool cannot run them."""
        self._newcomers.doubt()
        self._wake_consumer()

    def resize(self, concurrency: int) -> None:
        """Run so many jobs at a time from now on; raises ConfigError when the pool cannot."""
        self.pool.resize(concurrency)
        self._batching.concurrency = concurrency
        self._wake_consumer()

    def serve(self, queues: Sequence[str]) -> None:
        """Claim from these queues from now on, and from no others."""
        self.registration.serve(self._chores_link, queues)
        self._queues = by_channel(self.registration.queues, self._schema)
        self._listener.tune(self._channels)
        self._consumer.serve(self.registration.queues)
        self._hurry(self._notices)  # one of them may be paused
        self._wake_consumer()

    @property
    def _channels(self) -> list[str]:
        return [control_channel(self._schema), *self._queues]

    def _finish(self) -> None:
        """Claim no more, let what runs finish (or give it back), settle everything."""
        how = self._shutdown or Shutdown.WARM
        self.events.emit(WorkerStopping(self.name, self.pool.running, how.name.lower()))
        self._consumer.stop_claiming()
        self.pool.stop()
        self._wait_for_pool()
        self._consumer_loop.stop()
        if self._shutdown is Shutdown.COLD:
            self._consumer.stop_claiming()
            cut_off = Returned(reason="cold shutdown of its worker", started=True)
            self._settler.put([(job, cut_off) for job in self.pool.abandon()])
        self._consumer_loop.join(GLANCE if self._shutdown is Shutdown.COLD else None)
        self._consumer.stop_claiming()
        self._consumer.settle_rest()

    def _wait_for_pool(self) -> None:
        """Let the running tasks finish: as long as they take, or for a soft shutdown's time, or not at all."""
        until = None
        while self._shutdown is not Shutdown.COLD and not self.pool.join(GLANCE):
            now = SYSTEM_CLOCK.monotonic()
            if self._shutdown is Shutdown.SOFT and until is None:
                until = now + self.soft_timeout
            if until is not None and now >= until:
                self._shutdown = Shutdown.COLD

    def _poll(self) -> float:
        """Return how long an idle consumer rests; where nobody wakes it, nobody tells it what to look for either."""
        if not self._listener.hears:
            self._consumer.search.doubt()
        return patience(self._consumer.idle, self._poll_interval, hears=self._listener.hears)

    def _wake_consumer(self) -> None:
        self._consumer_loop.wake()

    def _heard(self, channel: str, payload: str) -> None:
        """Take a message in the listener's thread."""
        queue = self._queues.get(channel)
        if queue is None or PAUSED in payload:
            self._hurry(self._notices)
        if queue is None:
            return
        self._consumer.heard(queue, payload)
        if DUE in payload:
            self._hurry_promotion()
        self._consumer_loop.wake()

    def _pause(self, rules: Rules) -> None:
        self._consumer.pause(rules)
        self._wake_consumer()

    def _in_doubt(self) -> None:
        """Look for everything: something happened, or messages may have been lost."""
        self._chores.hurry(self._notices, SOON)
        self._hurry_promotion()
        self._consumer.doubt()
        self._consumer_loop.wake()

    def _hurry_promotion(self) -> None:
        self._hurry(self._promote)

    def _hurry(self, chore: Callable[[Link], float]) -> None:
        self._chores.hurry(chore)
        self._chores_loop.wake()
