"""What a database must be able to say: the statements that differ, and a few capabilities.

Every verb in ``store.ops`` takes a dialect and uses these statements; the two dialects, ``postgres`` and
``sqlite``, do not know each other, and one contract test suite proves them equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import ModuleType

    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.settlement import Finish
    from sqlqueue.errors import StoreError
    from sqlqueue.store.operation import Params, Statement


class Statements(NamedTuple):
    """Every statement that is not the same text on both databases, named after its verb; last those that one lacks."""

    schema_version: Statement
    has_tables: Statement
    enqueue: Statement
    enqueue_one: Statement
    enqueue_alike: Statement
    forget_duplicates: Statement
    replace_call: Statement
    free_key: Statement
    key_holder: Statement
    open_window: Statement
    take_out: Statement
    shut_windows: Statement
    window_holder: Statement
    close_windows: Statement
    lanes: Statement
    claim: Statement
    finish: Statement
    reschedule: Statement
    give_back: Statement
    promote: Statement
    next_due: Statement
    mark_revoked: Statement
    mark_revoked_where: Statement
    end_waiting: Statement
    end_revoked: Statement
    rescue_revoked: Statement
    rescue_lost: Statement
    rescue_back: Statement
    strays: Statement
    known_elsewhere: Statement
    fail_unknown: Statement
    register: Statement
    beat: Statement
    observe: Statement
    sign_off: Statement
    take_lease: Statement
    results: Statement
    unfinished: Statement
    tell_states: Statement
    forget_told: Statement
    held_ids: Statement
    held_within: Statement
    held_among: Statement
    list_jobs: Statement
    count_never_ran: Statement
    show_job: Statement
    show_result: Statement
    retry: Statement
    retry_where: Statement
    open_again: Statement
    roots_of: Statement
    never_ran_of: Statement
    never_ran_under: Statement
    block_again: Statement
    connect_again: Statement
    forget: Statement
    purge: Statement
    pause: Statement
    resume: Statement
    paused: Statement
    counts: Statement
    limited_lanes: Statement
    lock_limits: Statement
    limit_uses: Statement
    sweep_slots: Statement
    limited_heads: Statement
    plain_heads: Statement
    claim_heads: Statement
    occupy: Statement
    set_limit: Statement
    clear_limit: Statement
    all_limits: Statement
    forget_slots: Statement
    prune: Statement
    forget_workers: Statement
    own_queues: Statement
    copies_in: Statement
    post: Statement
    notices: Statement
    answer: Statement
    replies: Statement
    prune_control: Statement
    prune_replies: Statement
    prune_leases: Statement
    tell_events: Statement
    watch_events: Statement
    newest_event: Statement
    read_events: Statement
    prune_events: Statement
    serve: Statement
    revoked: Statement
    connect: Statement
    resolve: Statement
    lock_blocked: Statement
    still_blocked: Statement
    waiters: Statement
    culprits: Statement
    let_go: Statement
    doom: Statement
    drop_blocked: Statement
    disconnect: Statement
    ends: Statement
    anything_blocked: Statement
    lost_parents: Statement
    loose: Statement
    unjudged: Statement
    become: Statement
    lock_bodies: Statement
    attach: Statement
    forget_edges: Statement
    forget_edges_of: Statement
    save_group: Statement
    restore_group: Statement
    delete_group: Statement
    children: Statement
    family: Statement
    database_clock: Statement
    shift_jobs: Statement
    shift_windows: Statement
    shift_slots: Statement
    noted_moments: Statement
    note_moment: Statement
    draw_seq: Statement | None = None
    durably: Statement | None = None
    succeed: Statement | None = None
    drop_finished: Statement | None = None
    read_all: Statement | None = None
    patiently: Statement | None = None
    drop_waiting: Statement | None = None
    drop_revoked: Statement | None = None
    drop_unknown: Statement | None = None
    watch: Statement | None = None
    ensure_limits: Statement | None = None
    forget_limits: Statement | None = None
    redrive_turn: Statement | None = None
    try_redrive_turn: Statement | None = None
    lock_dependents: Statement | None = None
    wake: Statement | None = None
    tell: Statement | None = None

    @classmethod
    def gathered(cls, *rooms: ModuleType) -> Statements:
        """Return the statements of a database: each is the constant of its name, in upper case, in one of ``rooms``.

        Raises TypeError when one is missing that every database needs.
        """
        constants = {name: value for room in rooms for name, value in vars(room).items()}
        return cls(**{name: constants[name.upper()] for name in cls._fields if name.upper() in constants})

    def within(self, schema: str | None) -> Statements:
        """Return the same statements on tables in ``schema``."""
        return self._replace(**{name: found.within(schema) for name, found in self._asdict().items() if found})


class Dialect(Protocol):
    """One database's differences."""

    name: str
    schema: str | None
    sql: Statements
    notifies: bool  # can wake waiters
    watches: bool  # others' commits can be seen without asking for rows; where neither holds, everybody polls
    pooled: bool | None  # a transaction pooler stands between us and the server; None: not known yet
    lanes_together: bool  # one claim statement reads many lanes
    many_writers: bool  # several connections of one process may write at a time

    @property
    def listens(self) -> bool:
        """Whether what others tell can be heard on a connection of its own."""

    def moment(self, when: datetime | None) -> object:
        """Return ``when`` as a parameter of this database."""

    def call_params(self, jobs: Sequence[NewJob]) -> Params | None:
        """Return the ids and arguments as ``enqueue_alike`` takes them, None when it cannot carry these jobs."""

    def succeed_params(self, finished: Sequence[Finish], tokens: Sequence[int], worker: str) -> Params:
        """Return the parameters of the ``succeed`` statement, where there is one."""

    def finish_params(self, finished: Sequence[Finish], tokens: Sequence[int], worker: str) -> Params:
        """Return the parameters of the ``finish`` statement."""

    def translate(self, error: BaseException) -> StoreError | None:
        """Return what a driver's exception means, or None when it is not the database's fault."""
