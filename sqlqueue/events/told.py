"""`Worker` and `Task`: what a stream of events tells of one of them. Next room: ``state``, which holds them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.domain.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW = 2.0
"""A worker lives as long as its last heartbeat is not older than so many of its intervals."""

FREQ = 60.0
"""Seconds between two heartbeats of a worker that does not say."""

STATES = {
    "sent": "PENDING", "received": "RECEIVED", "started": "STARTED", "succeeded": "SUCCESS", "failed": "FAILURE",
    "retried": "RETRY", "revoked": "REVOKED", "rejected": "REJECTED",
}  # fmt: skip
"""What a task's event makes of it."""

LATEST_FIRST = ("SUCCESS", "FAILURE", "REVOKED", "STARTED", "RECEIVED", "REJECTED", "RETRY", "PENDING")
"""Events may come out of order: an earlier state does not replace a later one, but what it says of the task is kept."""

READY = frozenset({"SUCCESS", "FAILURE", "REVOKED"})

ABOUT_A_TASK = (
    "name", "args", "kwargs", "eta", "expires", "retries", "worker", "result", "exception", "timestamp", "runtime",
    "traceback", "queue", "exchange", "routing_key", "root_id", "parent_id", "client", "clock", "pid", "terminated",
    "signum", "expired", "requeue", "reason", *STATES,
)  # fmt: skip
INFO = ("args", "kwargs", "retries", "result", "eta", "runtime", "expires", "exception", "exchange", "routing_key",
        "root_id", "parent_id")  # fmt: skip


class Worker:
    """A worker that was told of."""

    def __init__(self, hostname: str, **fields: Any) -> None:
        self.hostname = hostname
        self.pid: int | None = None
        self.freq = FREQ
        self.heartbeats: list[float] = []
        self.clock = 0
        self.active: int | None = None
        self.processed: int | None = None
        self.loadavg: Any = None
        self.sw_ident = self.sw_ver = self.sw_sys = None
        vars(self).update(fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Worker) and other.hostname == self.hostname

    def __hash__(self) -> int:
        return hash(self.hostname)

    def __repr__(self) -> str:
        return f"<Worker: {self.hostname} ({self.status_string})>"

    @property
    def id(self) -> str:
        """Its name."""
        return self.hostname

    @property
    def heartbeat_expires(self) -> float:
        """Until when it counts as living, in seconds since 1970; by this machine's clock."""
        return self.heartbeats[-1] + (self.freq or FREQ) * WINDOW if self.heartbeats else 0.0

    @property
    def alive(self) -> bool:
        """Whether it has been heard of lately, and has not said that it ends."""
        return _now() < self.heartbeat_expires

    @property
    def status_string(self) -> str:
        """ONLINE or OFFLINE."""
        return "ONLINE" if self.alive else "OFFLINE"

    def event(self, subject: str, event: Mapping[str, Any]) -> None:
        """Take note of an event of it."""
        for name in ("pid", "freq", "clock", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"):
            if event.get(name) is not None:
                setattr(self, name, event[name])
        if subject == "offline":
            self.heartbeats = []
        else:
            heard = event.get("local_received") or event.get("timestamp") or _now()
            self.heartbeats = sorted([*self.heartbeats, heard])[-4:]


class Task:
    """A job that was told of; what was not told is None."""

    def __init__(self, uuid: str | None = None, **fields: Any) -> None:
        self.uuid = uuid or ""
        self.state = "PENDING"
        vars(self).update({**dict.fromkeys(ABOUT_A_TASK), **fields})
        self.retries = 0
        self.timestamp = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and other.uuid == self.uuid

    def __hash__(self) -> int:
        return hash(self.uuid)

    def __repr__(self) -> str:
        return f"<Task: {self.name}({self.uuid}) {self.state} clock:{self.clock}>"

    def __getattr__(self, name: str) -> Any:
        """Return None for what a task may have and was not told of."""
        if name in ABOUT_A_TASK:
            return None
        raise AttributeError(name)

    @property
    def id(self) -> str:
        """Its id."""
        return self.uuid

    @property
    def ready(self) -> bool:
        """Whether it is over."""
        return self.state in READY

    def event(self, subject: str, event: Mapping[str, Any]) -> None:
        """Take note of an event of it."""
        state = STATES.get(subject, subject.upper())
        timestamp = event.get("timestamp") or _now()
        setattr(self, subject, timestamp) if subject in STATES else None
        said = {name: event[name] for name in ABOUT_A_TASK if event.get(name) is not None and name not in STATES}
        if "RETRY" not in (state, self.state) and _rank(state) > _rank(self.state):
            said = {name: value for name, value in said.items() if getattr(self, name) is None}
        else:
            said["timestamp"] = timestamp
            self.state = state
        vars(self).update(said)

    def info(self, fields: Any = None, extra: Any = ()) -> dict[str, Any]:
        """Return what is known of it, of these names."""
        names = [*(INFO if fields is None else fields), *extra]
        return {name: getattr(self, name) for name in names if getattr(self, name, None) is not None}

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known of it."""
        return dict(vars(self))


def _rank(state: str) -> int:
    return LATEST_FIRST.index(state) if state in LATEST_FIRST else len(LATEST_FIRST)


def _now() -> float:
    return SYSTEM_CLOCK.now().timestamp()
