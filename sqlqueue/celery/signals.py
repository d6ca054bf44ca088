"""Celery's signals: ours, and those of parts that do not exist here, which are never sent."""

from __future__ import annotations

from sqlqueue.signals import *  # noqa: F403 - a module of names, all of which are Celery's
from sqlqueue.signals import Signal

task_sent = Signal("task_sent")
import_modules = Signal("import_modules")
worker_before_create_process = Signal("worker_before_create_process")
heartbeat_sent = Signal("heartbeat_sent")
beat_init = Signal("beat_init")
beat_embedded_init = Signal("beat_embedded_init")
eventlet_pool_started = Signal("eventlet_pool_started")
eventlet_pool_preshutdown = Signal("eventlet_pool_preshutdown")
eventlet_pool_postshutdown = Signal("eventlet_pool_postshutdown")
eventlet_pool_apply = Signal("eventlet_pool_apply")
user_preload_options = Signal("user_preload_options")
