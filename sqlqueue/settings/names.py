"""Celery's names for settings: the old upper-case ones, and those that change nothing here.

Next room: ``sqlqueue.config``, which has the settings that do.
"""

from __future__ import annotations

WITHOUT_EFFECT: dict[str, str] = {
    "there is no broker but the database; a lost connection is made again": (
        "broker_channel_error_retry broker_connection_max_retries broker_connection_retry"
        " broker_connection_retry_on_startup broker_connection_timeout broker_failover_strategy broker_heartbeat"
        " broker_heartbeat_checkrate broker_login_method broker_native_delayed_delivery_queue_type"
        " broker_pool_acquire_timeout broker_pool_limit broker_transport_options broker_use_ssl"
    ),
    "jobs are rows: there are no exchanges, routing keys or delivery modes, and every job is durable": (
        "task_create_missing_queue_exchange_type task_create_missing_queue_type task_default_delivery_mode"
        " task_default_exchange task_default_exchange_type task_default_queue_type task_default_routing_key"
        " worker_detect_quorum_queues"
    ),
    "results are rows beside the jobs, always with task, arguments, queue and retries": (
        "result_backend_always_retry result_backend_base_sleep_between_retries_ms result_backend_max_retries"
        " result_backend_max_sleep_between_retries_ms result_backend_transport_options result_cache_max"
        " result_exchange result_exchange_type result_extended result_persistent"
        " database_create_tables_at_setup database_engine_options database_short_lived_sessions"
    ),
    "chords are rows: nobody polls for their end, and nothing of them expires by itself": (
        "result_chord_expires result_chord_join_timeout result_chord_retry_interval"
    ),
    "a running job is seen as started; the handles of `sqlqueue.celery` alone heed it": "task_track_started",
    "a failure is always kept, with its traceback as text, and may be tried again by hand": (
        "task_acks_on_failure task_acks_on_failure_or_timeout task_acks_on_timeout task_remote_tracebacks"
        " task_repr_maxlevels task_store_errors_even_if_ignored"
    ),
    "what was revoked or has succeeded is known to the database, and does not run again": (
        "worker_deduplicate_successful_tasks worker_state_db"
    ),
    "a worker that was cut off finishes what it runs, and the fence decides whether that counts": (
        "worker_cancel_long_running_tasks_on_connection_loss"
    ),
    "an idle worker holds nothing that would be lost": "worker_enable_soft_shutdown_on_idle",
    "a root logger that somebody has set up is left alone": "worker_hijack_root_logger",
    "a pool may always be restarted: `sqlqueue control pool_restart`": "worker_pool_restarts",
    "a send is one insert, sent again by itself when the connection breaks": (
        "task_publish_retry task_publish_retry_policy task_protocol"
    ),
    "times are stored in UTC; `timezone` says what a naive one means": "enable_utc",
    "workers claim by time, not by count, and hold only what they can start": (
        "worker_disable_prefetch worker_enable_prefetch_count_reduction worker_eta_task_limit"
        " worker_prefetch_multiplier"
    ),
    "part of Celery's own machinery": (
        "worker_agent worker_consumer worker_lost_wait worker_pool_putlocks worker_proc_alive_timeout worker_timer"
        " worker_timer_precision"
        " control_exchange control_queue_durable control_queue_exclusive control_queue_expires control_queue_ttl"
        " event_exchange event_queue_durable event_queue_exclusive event_queue_expires event_queue_prefix"
        " event_queue_ttl event_serializer beat_sync_every beat_schedule_filename"
    ),
}
"""Why, and Celery's settings that are taken and change nothing: nobody can rely on them here."""

REASONS: dict[str, str] = {name: reason for reason, names in WITHOUT_EFFECT.items() for name in names.split()}
"""The same by name."""

REFUSED: dict[str, tuple[str, dict[str, object]]] = {
    "beat": (
        "there is no beat yet: keep cron, or Celery's own beat on a broker of its own, for what runs by the clock",
        {
            "beat_cron_starting_deadline": None, "beat_enable_remote_control": False, "beat_max_loop_interval": 0,
            "beat_remote_control_max_tick_age": None, "beat_schedule": {},
            "beat_scheduler": "celery.beat:PersistentScheduler",
        },
    ),
    "broker": (
        "jobs are read and written in one database: say where it is with broker_url alone",
        dict.fromkeys((
            "broker_host", "broker_password", "broker_port", "broker_read_url", "broker_transport", "broker_user",
            "broker_vhost", "broker_write_url",
        )),
    ),
    "keeping": (
        "all that is over is kept for the same time: use result_expires",
        {"result_failure_expires": None},
    ),
    "eager": (
        "eager results are not stored: sqlqueue.testing.drain runs real jobs in the process of a test",
        {"task_store_eager_result": False},
    ),
    "crashes": (
        "deaths of its worker are counted for each job: use task_max_crashes",
        {"task_reject_on_worker_lost": False, "task_retry_on_worker_lost": False},
    ),
    "autoscaler": (
        "there is one autoscaler: use --autoscale",
        {"worker_autoscaler": "celery.worker.autoscale:Autoscaler"},
    ),
    "control": (
        "workers always listen to commands: who may give them is decided by who may write to the database",
        {"worker_enable_remote_control": True},
    ),
    "security": (
        "there are no certificates: give senders and workers one secret with task_signing_keys, see docs/signing.md",
        {
            "security_cert_store": None, "security_certificate": None,
            "security_digest": "sha256", "security_key": None, "security_key_password": None,
        },
    ),
}  # fmt: skip
"""Why, and Celery's settings that are refused, with the value that asks for nothing: code may rely on any other."""

REFUSALS: dict[str, tuple[str, object]] = {
    name: (reason, default) for reason, settings in REFUSED.values() for name, default in settings.items()
}
"""The same by name."""

_STORES = (
    "arangodb_backend_settings azureblockblob_base_path azureblockblob_connection_timeout"
    " azureblockblob_container_name azureblockblob_read_timeout azureblockblob_retry_increment_base"
    " azureblockblob_retry_initial_backoff_sec azureblockblob_retry_max_attempts cache_backend"
    " cache_backend_options cassandra_auth_kwargs cassandra_auth_provider cassandra_bundle_path"
    " cassandra_entry_ttl cassandra_keyspace cassandra_options cassandra_port cassandra_read_consistency"
    " cassandra_servers cassandra_table cassandra_write_consistency cosmosdbsql_collection_name"
    " cosmosdbsql_consistency_level cosmosdbsql_database_name cosmosdbsql_max_retry_attempts"
    " cosmosdbsql_max_retry_wait_time couchbase_backend_settings database_engine_callback database_table_names"
    " database_table_schemas database_url elasticsearch_max_retries elasticsearch_retry_on_timeout"
    " elasticsearch_save_meta_as_text elasticsearch_timeout gcs_base_path gcs_bucket gcs_project gcs_ttl"
    " mongodb_backend_settings redis_backend_use_ssl redis_db redis_host redis_max_connections redis_password"
    " redis_port redis_retry_on_timeout redis_socket_connect_timeout redis_socket_keepalive redis_socket_timeout"
    " redis_username s3_access_key_id s3_base_path s3_bucket s3_endpoint_url s3_region s3_secret_access_key"
)
OTHER_STORES = frozenset(_STORES.split())
"""Celery's settings for other places of results; they are kept beside the jobs, but a ported project may name these."""

_IRREGULAR = {
    "CELERY_MESSAGE_COMPRESSION": "task_compression",
    "CELERY_MAX_CACHED_RESULTS": "result_cache_max",
    "CELERY_RESULT_DBURI": "database_url",
    "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS": "database_short_lived_sessions",
    "CELERY_RESULT_DB_TABLENAMES": "database_table_names",
    "CELERY_RESULT_ENGINE_OPTIONS": "database_engine_options",
    "CELERYD_WORKER_LOST_WAIT": "worker_lost_wait",
    "CELERY_TASK_RESULT_EXPIRES": "result_expires",
    "CELERYD_TASK_TIME_LIMIT": "task_time_limit",
    "CELERYD_TASK_SOFT_TIME_LIMIT": "task_soft_time_limit",
    "CELERY_EAGER_PROPAGATES_EXCEPTIONS": "task_eager_propagates",
    "CELERY_DISABLE_RATE_LIMITS": "worker_disable_rate_limits",
    "CELERY_SEND_EVENTS": "worker_send_task_events",
    "CELERY_SEND_TASK_EVENTS": "worker_send_task_events",
    "CELERY_SEND_TASK_SENT_EVENT": "task_send_sent_event",
    "CELERY_ENABLE_REMOTE_CONTROL": "worker_enable_remote_control",
    "CELERY_REDIRECT_STDOUTS": "worker_redirect_stdouts",
    "CELERY_REDIRECT_STDOUTS_LEVEL": "worker_redirect_stdouts_level",
    "CELERY_WORKER_DIRECT": "worker_direct",
}
_BARE = ("accept_content", "enable_utc", "imports", "include", "timezone")
_OLD_PREFIXES = {"task": "CELERY", "result": "CELERY_RESULT", "worker": "CELERYD", "beat": "CELERYBEAT"}


def old_names(name: str) -> tuple[str, ...]:
    """Return what Celery 3 called a setting, upper case; the present name in upper case is no old name."""
    special = [old for old, new in _IRREGULAR.items() if new == name]
    if name in _BARE:
        return (*special, f"CELERY_{name.upper()}")
    head, _, rest = name.partition("_")
    if head in _OLD_PREFIXES:
        special.append(f"{_OLD_PREFIXES[head]}_{rest.upper()}")
    if head in ("broker", "security"):
        special.append(name.upper())
    return (*special, f"CELERY_{name.upper()}")


_NOT_HERE = [*sorted(REFUSALS), *sorted(OTHER_STORES)]
_REFUSED_SPELLINGS = {spelling: name for name in _NOT_HERE for spelling in (name, name.upper(), *old_names(name))}


def refused(spelling: str) -> str | None:
    """Return the setting of Celery's, of those that are not here, that a name means, new or old; None: none."""
    return _REFUSED_SPELLINGS.get(spelling)


def why_not(name: str) -> str:
    """Say why a setting of Celery's is not here."""
    return "results are kept beside the jobs" if name in OTHER_STORES else REFUSALS[name][0]


def asks(name: str, value: object) -> bool:
    """Tell whether a value of a refused setting asks for what is not here."""
    default = REFUSALS[name][1]
    return not (value is None or value == default or (not value and not default))
