"""Jobs, results, workers, leases and the view for inspection."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# No index names a column that changes between enqueue and settlement: so a claim is a HOT update that writes no
# index, and a settlement one delete. fillfactor 40 leaves the room for it on the page (measured: 100 % HOT;
# 50 gave 78 %).
POSTGRES = [
    "CREATE SEQUENCE sqlqueue_jobs_seq",
    """
    CREATE TABLE sqlqueue_jobs (
        id           text COLLATE "C" PRIMARY KEY,
        seq          bigint,
        queue        text        NOT NULL,
        priority     smallint    NOT NULL DEFAULT 0,
        state        text        NOT NULL CHECK (state IN ('blocked', 'scheduled', 'ready', 'running')),
        task         text        NOT NULL,
        args         json        NOT NULL,
        kwargs       json        NOT NULL,
        headers      json,
        options      json,
        parent_id    text,
        root_id      text,
        group_id     text,
        unique_key   text,
        limits       text COLLATE "C",
        created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        run_at       timestamptz,
        expires_at   timestamptz,
        acks_late    boolean     NOT NULL DEFAULT true,
        revoked      boolean     NOT NULL DEFAULT false,
        max_crashes  smallint    NOT NULL DEFAULT 3,
        attempt      integer     NOT NULL DEFAULT 0,
        retries      integer     NOT NULL DEFAULT 0,
        crashes      integer     NOT NULL DEFAULT 0,
        claim_token  bigint      NOT NULL DEFAULT 0,
        worker       uuid,
        claimed_at   timestamptz,
        error        text,
        history      json,
        CONSTRAINT sqlqueue_jobs_in_lane CHECK ((seq IS NOT NULL) = (state IN ('ready', 'running'))),
        CONSTRAINT sqlqueue_jobs_held CHECK ((worker IS NOT NULL) = (state = 'running'))
    ) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
            autovacuum_vacuum_cost_delay = 1)
    """,
    "CREATE INDEX sqlqueue_jobs_lane ON sqlqueue_jobs (queue, priority, seq) WHERE seq IS NOT NULL AND limits IS NULL",
    "CREATE INDEX sqlqueue_jobs_due ON sqlqueue_jobs (run_at) WHERE seq IS NULL",
    "CREATE UNIQUE INDEX sqlqueue_jobs_unique ON sqlqueue_jobs (unique_key) WHERE unique_key IS NOT NULL",
    # For how long a key stays taken, whatever becomes of its job.
    """
    CREATE TABLE sqlqueue_windows (
        unique_key   text COLLATE "C" PRIMARY KEY,
        job_id       text        NOT NULL,
        until        timestamptz NOT NULL
    ) WITH (fillfactor = 70)
    """,
    # Limits of the whole fleet. Jobs that are under some have lanes of their own, which no other claim meets; whoever
    # grants slots under a limit holds its row, and each slot is a note of a claim.
    """
    CREATE INDEX sqlqueue_jobs_limited ON sqlqueue_jobs (queue, limits, priority DESC, seq)
        WHERE seq IS NOT NULL AND limits IS NOT NULL
    """,
    """
    CREATE TABLE sqlqueue_limits (
        name         text COLLATE "C" PRIMARY KEY,
        running      integer,
        starts       integer,
        seconds      double precision NOT NULL DEFAULT 0,
        set_at       timestamptz
    ) WITH (fillfactor = 50)
    """,
    "CREATE INDEX sqlqueue_limits_set ON sqlqueue_limits (name) WHERE set_at IS NOT NULL",
    """
    CREATE TABLE sqlqueue_slots (
        name         text COLLATE "C" NOT NULL,
        job_id       text        NOT NULL,
        token        bigint      NOT NULL,
        granted_at   timestamptz NOT NULL,
        until        timestamptz NOT NULL,
        PRIMARY KEY (name, job_id, token)
    ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
            autovacuum_vacuum_cost_delay = 1)
    """,
    # What running tasks tell of themselves, beside their jobs' rows: those are deleted by transactional tasks.
    """
    CREATE TABLE sqlqueue_told (
        id           text COLLATE "C" PRIMARY KEY,
        token        bigint      NOT NULL,
        state        text        NOT NULL,
        meta         json        NOT NULL,
        told_at      timestamptz NOT NULL DEFAULT clock_timestamp()
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE sqlqueue_results (
        id           text COLLATE "C" NOT NULL,
        queue        text        NOT NULL,
        priority     smallint    NOT NULL,
        state        text        NOT NULL CHECK (state IN ('succeeded', 'failed', 'revoked')),
        task         text        NOT NULL,
        args         json        NOT NULL,
        kwargs       json        NOT NULL,
        headers      json,
        options      json,
        parent_id    text,
        root_id      text,
        group_id     text,
        created_at   timestamptz NOT NULL,
        run_at       timestamptz,
        acks_late    boolean     NOT NULL DEFAULT true,
        max_crashes  smallint    NOT NULL DEFAULT 3,
        claimed_at   timestamptz,
        finished_at  timestamptz NOT NULL,
        runtime      double precision,
        attempt      integer     NOT NULL,
        retries      integer     NOT NULL,
        crashes      integer     NOT NULL,
        claim_token  bigint      NOT NULL,
        worker       uuid,
        result       json,
        error        text,
        exception    json,
        traceback    text,
        history      json,
        limits       text,
        PRIMARY KEY (id, finished_at)
    ) PARTITION BY RANGE (finished_at)
    """,
    "CREATE TABLE sqlqueue_results_default PARTITION OF sqlqueue_results DEFAULT",
    """
    CREATE TABLE sqlqueue_workers (
        incarnation  uuid PRIMARY KEY,
        name         text        NOT NULL,
        host         text        NOT NULL,
        pid          integer     NOT NULL,
        home         text        NOT NULL,
        pool         text        NOT NULL,
        concurrency  integer     NOT NULL,
        queues       json        NOT NULL,
        tasks        json        NOT NULL,
        version      text        NOT NULL,
        info         json        NOT NULL DEFAULT '{}',
        started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        beat_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
        stopped_at   timestamptz
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE sqlqueue_leases (
        name         text PRIMARY KEY,
        holder       uuid        NOT NULL,
        expires_at   timestamptz NOT NULL
    ) WITH (fillfactor = 50)
    """,
    # Which jobs a blocked job waits for, and what it will be given by each. No index names the outcome, so that
    # resolving an edge is a HOT update.
    """
    CREATE TABLE sqlqueue_dependencies (
        dependent    text COLLATE "C" NOT NULL,
        position     integer     NOT NULL,
        parent       text COLLATE "C" NOT NULL,
        outcome      text
            CHECK (outcome IN ('succeeded', 'failed', 'revoked', 'skipped', 'unreached', 'stood', 'dropped')),
        result       json,
        PRIMARY KEY (dependent, position)
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
            autovacuum_vacuum_cost_delay = 1)
    """,
    "CREATE INDEX sqlqueue_dependencies_parent ON sqlqueue_dependencies (parent)",
    """
    CREATE TABLE sqlqueue_groups (
        id           text COLLATE "C" PRIMARY KEY,
        members      json        NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    'CREATE TABLE sqlqueue_queues (name text COLLATE "C" PRIMARY KEY, paused_at timestamptz)',
    # Commands to workers, for a minute each, and what they answered. Without a destination it is every worker's.
    """
    CREATE TABLE sqlqueue_control (
        id           text COLLATE "C" PRIMARY KEY,
        command      text        NOT NULL,
        arguments    json        NOT NULL,
        destination  json,
        wants_reply  boolean     NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at   timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE sqlqueue_replies (
        message_id   text COLLATE "C" NOT NULL,
        worker       uuid        NOT NULL,
        name         text        NOT NULL,
        reply        json        NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (message_id, worker)
    )
    """,
    # What happens, told to whoever watches now: a crash of the server may take it, but numbers never go back.
    "CREATE SEQUENCE sqlqueue_events_seq",
    """
    CREATE UNLOGGED TABLE sqlqueue_events (
        seq          bigint PRIMARY KEY DEFAULT nextval('sqlqueue_events_seq'),
        type         text        NOT NULL,
        hostname     text        NOT NULL,
        event        json        NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    # Who sent whom: jobs that nobody's task has sent pay nothing for these.
    "CREATE INDEX sqlqueue_jobs_parent ON sqlqueue_jobs (parent_id) WHERE parent_id IS NOT NULL",
    "CREATE INDEX sqlqueue_jobs_root ON sqlqueue_jobs (root_id) WHERE root_id IS NOT NULL",
    "CREATE INDEX sqlqueue_results_parent ON sqlqueue_results (parent_id) WHERE parent_id IS NOT NULL",
    # Workers may not alter the schema: they call this, which runs as its owner. A new partition is attached, not
    # created in place, and the locks it needs are waited for at most 50 ms: one reader must not stall settlements.
    """
    CREATE FUNCTION sqlqueue_keep_partitions(days_ahead integer, keep interval) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER AS $body$
    DECLARE
        today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
        day date;
        part text;
        old regclass;
        changed integer := 0;
    BEGIN
        PERFORM set_config('lock_timeout', '50ms', true);
        FOR offset_days IN 0 .. days_ahead LOOP
            day := today + offset_days;
            part := 'sqlqueue_results_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass(quote_ident(part)) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE %I (LIKE sqlqueue_results INCLUDING ALL)', part);
                EXECUTE format('ALTER TABLE sqlqueue_results ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    part, day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
                changed := changed + 1;
            EXCEPTION WHEN lock_not_available OR check_violation OR duplicate_table THEN NULL;
            END;
        END LOOP;
        FOR old IN
            SELECT inhrelid::regclass FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
            WHERE inhparent = 'sqlqueue_results'::regclass AND c.relname ~ '_[0-9]{8}$'
              AND to_date(right(c.relname, 8), 'YYYYMMDD') < (clock_timestamp() AT TIME ZONE 'UTC' - keep)::date
        LOOP
            BEGIN
                EXECUTE format('DROP TABLE %s', old);
                changed := changed + 1;
            EXCEPTION WHEN lock_not_available THEN NULL;
            END;
        END LOOP;
        DELETE FROM sqlqueue_results_default WHERE finished_at < clock_timestamp() - keep;
        RETURN changed;
    END
    $body$
    """,
    # It runs as its owner, so its names must mean ours whatever the caller has made in a temporary schema.
    """
    DO $body$ BEGIN
        EXECUTE format('ALTER FUNCTION sqlqueue_keep_partitions(integer, interval) SET search_path = %I, pg_temp',
                       current_schema());
    END $body$
    """,
    "SELECT sqlqueue_keep_partitions(14, interval '7 days')",
]

NOW = "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')"

SQLITE = [
    "CREATE TABLE sqlqueue_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO sqlqueue_counters (name, value) VALUES ('seq', 0)",
    """
    CREATE TABLE sqlqueue_jobs (
        id           TEXT PRIMARY KEY NOT NULL,
        seq          INTEGER,
        queue        TEXT    NOT NULL,
        priority     INTEGER NOT NULL DEFAULT 0 CHECK (typeof(priority) = 'integer'),
        state        TEXT    NOT NULL CHECK (state IN ('blocked', 'scheduled', 'ready', 'running')),
        task         TEXT    NOT NULL,
        args         TEXT    NOT NULL CHECK (json_valid(args)),
        kwargs       TEXT    NOT NULL CHECK (json_valid(kwargs)),
        headers      TEXT CHECK (headers IS NULL OR json_valid(headers)),
        options      TEXT CHECK (options IS NULL OR json_valid(options)),
        parent_id    TEXT,
        root_id      TEXT,
        group_id     TEXT,
        unique_key   TEXT,
        limits       TEXT,
        created_at   TEXT    NOT NULL DEFAULT (<now>),
        run_at       TEXT,
        expires_at   TEXT,
        acks_late    INTEGER NOT NULL DEFAULT 1,
        revoked      INTEGER NOT NULL DEFAULT 0,
        max_crashes  INTEGER NOT NULL DEFAULT 3 CHECK (typeof(max_crashes) = 'integer'),
        attempt      INTEGER NOT NULL DEFAULT 0,
        retries      INTEGER NOT NULL DEFAULT 0 CHECK (typeof(retries) = 'integer'),
        crashes      INTEGER NOT NULL DEFAULT 0 CHECK (typeof(crashes) = 'integer'),
        claim_token  INTEGER NOT NULL DEFAULT 0,
        worker       TEXT,
        claimed_at   TEXT,
        error        TEXT,
        history      TEXT CHECK (history IS NULL OR json_valid(history)),
        CONSTRAINT sqlqueue_jobs_in_lane CHECK ((seq IS NOT NULL) = (state IN ('ready', 'running'))),
        CONSTRAINT sqlqueue_jobs_held CHECK ((worker IS NOT NULL) = (state = 'running'))
    )
    """,
    "CREATE INDEX sqlqueue_jobs_lane ON sqlqueue_jobs (queue, priority, seq) WHERE seq IS NOT NULL AND limits IS NULL",
    "CREATE INDEX sqlqueue_jobs_due ON sqlqueue_jobs (run_at) WHERE seq IS NULL",
    "CREATE UNIQUE INDEX sqlqueue_jobs_unique ON sqlqueue_jobs (unique_key) WHERE unique_key IS NOT NULL",
    """
    CREATE TABLE sqlqueue_told (
        id           TEXT PRIMARY KEY NOT NULL,
        token        INTEGER NOT NULL,
        state        TEXT NOT NULL,
        meta         TEXT NOT NULL,
        told_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'))
    )
    """,
    """
    CREATE TABLE sqlqueue_windows (
        unique_key   TEXT PRIMARY KEY NOT NULL,
        job_id       TEXT NOT NULL,
        until        TEXT NOT NULL
    )
    """,
    """
    CREATE INDEX sqlqueue_jobs_limited ON sqlqueue_jobs (queue, limits, priority DESC, seq)
        WHERE seq IS NOT NULL AND limits IS NOT NULL
    """,
    """
    CREATE TABLE sqlqueue_limits (
        name         TEXT PRIMARY KEY NOT NULL,
        running      INTEGER,
        starts       INTEGER,
        seconds      REAL NOT NULL DEFAULT 0,
        set_at       TEXT
    )
    """,
    """
    CREATE TABLE sqlqueue_slots (
        name         TEXT    NOT NULL,
        job_id       TEXT    NOT NULL,
        token        INTEGER NOT NULL,
        granted_at   TEXT    NOT NULL,
        until        TEXT    NOT NULL,
        PRIMARY KEY (name, job_id, token)
    )
    """,
    """
    CREATE TABLE sqlqueue_results (
        id           TEXT PRIMARY KEY NOT NULL,
        queue        TEXT    NOT NULL,
        priority     INTEGER NOT NULL,
        state        TEXT    NOT NULL CHECK (state IN ('succeeded', 'failed', 'revoked')),
        task         TEXT    NOT NULL,
        args         TEXT    NOT NULL,
        kwargs       TEXT    NOT NULL,
        headers      TEXT,
        options      TEXT,
        parent_id    TEXT,
        root_id      TEXT,
        group_id     TEXT,
        created_at   TEXT    NOT NULL,
        run_at       TEXT,
        acks_late    INTEGER NOT NULL DEFAULT 1,
        max_crashes  INTEGER NOT NULL DEFAULT 3,
        claimed_at   TEXT,
        finished_at  TEXT    NOT NULL,
        runtime      REAL,
        attempt      INTEGER NOT NULL,
        retries      INTEGER NOT NULL,
        crashes      INTEGER NOT NULL,
        claim_token  INTEGER NOT NULL,
        worker       TEXT,
        result       TEXT,
        error        TEXT,
        exception    TEXT,
        traceback    TEXT,
        history      TEXT,
        limits       TEXT
    )
    """,
    "CREATE INDEX sqlqueue_results_finished ON sqlqueue_results (finished_at)",
    """
    CREATE TABLE sqlqueue_workers (
        incarnation  TEXT PRIMARY KEY NOT NULL,
        name         TEXT    NOT NULL,
        host         TEXT    NOT NULL,
        pid          INTEGER NOT NULL,
        home         TEXT    NOT NULL,
        pool         TEXT    NOT NULL,
        concurrency  INTEGER NOT NULL,
        queues       TEXT    NOT NULL,
        tasks        TEXT    NOT NULL,
        version      TEXT    NOT NULL,
        info         TEXT    NOT NULL DEFAULT '{}',
        started_at   TEXT    NOT NULL DEFAULT (<now>),
        beat_at      TEXT    NOT NULL DEFAULT (<now>),
        stopped_at   TEXT
    )
    """,
    """
    CREATE TABLE sqlqueue_leases (
        name         TEXT PRIMARY KEY NOT NULL,
        holder       TEXT NOT NULL,
        expires_at   TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE sqlqueue_dependencies (
        dependent    TEXT    NOT NULL,
        position     INTEGER NOT NULL,
        parent       TEXT    NOT NULL,
        outcome      TEXT
            CHECK (outcome IN ('succeeded', 'failed', 'revoked', 'skipped', 'unreached', 'stood', 'dropped')),
        result       TEXT,
        PRIMARY KEY (dependent, position)
    )
    """,
    "CREATE INDEX sqlqueue_dependencies_parent ON sqlqueue_dependencies (parent)",
    """
    CREATE TABLE sqlqueue_groups (
        id           TEXT PRIMARY KEY NOT NULL,
        members      TEXT NOT NULL,
        created_at   TEXT NOT NULL DEFAULT (<now>)
    )
    """,
    "CREATE TABLE sqlqueue_queues (name TEXT PRIMARY KEY NOT NULL, paused_at TEXT)",
    """
    CREATE TABLE sqlqueue_control (
        id           TEXT PRIMARY KEY NOT NULL,
        command      TEXT    NOT NULL,
        arguments    TEXT    NOT NULL,
        destination  TEXT,
        wants_reply  INTEGER NOT NULL,
        created_at   TEXT    NOT NULL DEFAULT (<now>),
        expires_at   TEXT    NOT NULL
    )
    """,
    """
    CREATE TABLE sqlqueue_replies (
        message_id   TEXT NOT NULL,
        worker       TEXT NOT NULL,
        name         TEXT NOT NULL,
        reply        TEXT NOT NULL,
        created_at   TEXT NOT NULL DEFAULT (<now>),
        PRIMARY KEY (message_id, worker)
    )
    """,
    """
    CREATE TABLE sqlqueue_events (
        seq          INTEGER PRIMARY KEY AUTOINCREMENT,
        type         TEXT NOT NULL,
        hostname     TEXT NOT NULL,
        event        TEXT NOT NULL,
        created_at   TEXT NOT NULL DEFAULT (<now>)
    )
    """,
    "CREATE INDEX sqlqueue_jobs_parent ON sqlqueue_jobs (parent_id) WHERE parent_id IS NOT NULL",
    "CREATE INDEX sqlqueue_jobs_root ON sqlqueue_jobs (root_id) WHERE root_id IS NOT NULL",
    "CREATE INDEX sqlqueue_results_parent ON sqlqueue_results (parent_id) WHERE parent_id IS NOT NULL",
]

# Both databases: every job, unfinished or finished, in one place for people and dashboards.
VIEW = """
    CREATE VIEW sqlqueue_all_jobs AS
    SELECT j.id, j.queue, j.priority, j.state, j.task, j.args, j.kwargs, j.headers, j.options, j.parent_id, j.root_id,
           j.group_id, j.created_at, j.run_at, j.claimed_at, NULL AS finished_at, NULL AS runtime, j.attempt,
           j.retries, j.crashes, j.worker, w.name AS worker_name, NULL AS result, j.error, NULL AS exception,
           NULL AS traceback, j.history, j.revoked, j.limits, t.state AS told, t.meta AS told_meta
      FROM sqlqueue_jobs j LEFT JOIN sqlqueue_workers w ON w.incarnation = j.worker
      LEFT JOIN sqlqueue_told t ON t.id = j.id AND t.token = j.claim_token AND j.state = 'running'
    UNION ALL
    SELECT r.id, r.queue, r.priority, r.state, r.task, r.args, r.kwargs, r.headers, r.options, r.parent_id, r.root_id,
           r.group_id, r.created_at, r.run_at, r.claimed_at, r.finished_at, r.runtime, r.attempt,
           r.retries, r.crashes, r.worker, w.name AS worker_name, r.result, r.error, r.exception, r.traceback,
           r.history, r.state = 'revoked' AS revoked, r.limits, NULL AS told, NULL AS told_meta
      FROM sqlqueue_results r LEFT JOIN sqlqueue_workers w ON w.incarnation = r.worker
"""


def upgrade() -> None:
    """Make everything."""
    postgres = op.get_context().dialect.name == "postgresql"
    for statement in POSTGRES if postgres else SQLITE:
        op.execute(statement.replace("<now>", NOW))
    op.execute(VIEW)


def downgrade() -> None:
    """Drop everything, jobs included."""
    op.execute("DROP VIEW sqlqueue_all_jobs")
    for table in ("jobs", "results", "workers", "leases", "dependencies", "groups", "windows", "queues"):
        op.execute(f"DROP TABLE sqlqueue_{table}")
    for table in ("control", "replies", "limits", "slots", "told", "events"):
        op.execute(f"DROP TABLE sqlqueue_{table}")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION sqlqueue_keep_partitions(integer, interval)")
        op.execute("DROP SEQUENCE sqlqueue_jobs_seq")
        op.execute("DROP SEQUENCE sqlqueue_events_seq")
    else:
        op.execute("DROP TABLE sqlqueue_counters")
