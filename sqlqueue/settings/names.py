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
    "a running job is always seen as started": "task_track_started",
    "a send is one insert, sent again by itself when the connection breaks": (
        "task_publish_retry task_publish_retry_policy task_protocol"
    ),
    "times are stored in UTC; `timezone` says what a naive one means": "enable_utc",
    "workers claim by time, not by count, and hold only what they can start": (
        "worker_disable_prefetch worker_enable_prefetch_count_reduction worker_eta_task_limit"
        " worker_prefetch_multiplier"
    ),
    "part of Celery's own machinery": (
        "worker_agent worker_consumer worker_pool_putlocks worker_timer worker_timer_precision"
        " control_exchange control_queue_durable control_queue_exclusive control_queue_expires control_queue_ttl"
        " event_exchange event_queue_durable event_queue_exclusive event_queue_expires event_queue_prefix"
        " event_queue_ttl event_serializer beat_sync_every beat_schedule_filename"
    ),
}
"""Why, and Celery's settings that are taken and change nothing: nobody can rely on them here."""

REASONS: dict[str, str] = {name: reason for reason, names in WITHOUT_EFFECT.items() for name in names.split()}
"""The same by name."""

_IRREGULAR = {
    "CELERY_MESSAGE_COMPRESSION": "task_compression",
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
