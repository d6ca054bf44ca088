"""A real Django project whose code imports ``celery``: its settings, its apps' tasks, its commands, its worker."""

import os
import subprocess
import sys

from tests.support.processes import wait_until

MANAGE = """
import os, sys
import sqlqueue.celery
sqlqueue.celery.install()  # the one line that is not Celery's
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proj.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

SETTINGS = """
from kombu import Queue
SECRET_KEY = "none"
USE_TZ = True
TIME_ZONE = "Europe/Oslo"
INSTALLED_APPS = ["django.contrib.contenttypes", "shop.apps.ShopConfig", "mail"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CELERY_BROKER_URL = {url!r}
CELERY_RESULT_BACKEND = "django-db"
CELERY_TASK_DEFAULT_QUEUE = "usual"
CELERY_TASK_QUEUES = [Queue("usual"), Queue("letters")]
CELERY_TASK_ROUTES = {{"mail.*": {{"queue": "letters"}}}}
CELERY_WORKER_CONCURRENCY = 1
CELERY_IMPORTS = ["shop.more"]
"""

APP = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proj.settings")
app = Celery("proj")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""

MODELS = """
from django.db import models

class Order(models.Model):
    name = models.TextField()
    sent_at = models.DateTimeField(null=True)
"""

TASKS = """
from celery import shared_task
from django.utils import timezone
from .models import Order
from mail.tasks import confirm

@shared_task
def send(pk):
    Order.objects.filter(pk=pk).update(sent_at=timezone.now())
    return confirm.delay(Order.objects.get(pk=pk).name).id
"""

MORE = """
from celery import shared_task
from django.db import connections
from .models import Order

@shared_task
def count():
    return [any(one.connection for one in connections.all()), Order.objects.count()]
"""

ORDER = """
from celery.result import AsyncResult
from django.core.management.base import BaseCommand
from django.db import transaction
from shop.models import Order
from shop.more import count
from shop.tasks import send

class Command(BaseCommand):
    def handle(self, **_):
        with transaction.atomic():
            order = Order.objects.create(name="tea")
            send.apply_async_on_commit((order.pk,), task_id="first")
            count.delay_on_commit()
            print(AsyncResult("first").exists())
        result = AsyncResult("first")
        letter = AsyncResult(result.get(timeout=30))
        order.refresh_from_db()
        print(letter.get(timeout=30), letter.queue, result.queue, order.sent_at is not None)
        with transaction.atomic():
            send.apply_async_on_commit((order.pk,), task_id="second")
            transaction.set_rollback(True)
        print(AsyncResult("second").exists())
        print([count.delay().get(timeout=30) for _ in "12"])
"""

SAID = """\
False
Your tea letters usual True
False
[[False, 1], [False, 1]]
"""

PROJECT = {
    "manage.py": MANAGE,
    "proj/__init__.py": "from .celery import app as celery_app\n",
    "proj/celery.py": APP,
    "shop/__init__.py": "",
    "shop/apps.py": "from django.apps import AppConfig\n\nclass ShopConfig(AppConfig):\n    name = 'shop'\n",
    "shop/models.py": MODELS,
    "shop/tasks.py": TASKS,
    "shop/more.py": MORE,
    "shop/management/__init__.py": "",
    "shop/management/commands/__init__.py": "",
    "shop/management/commands/order.py": ORDER,
    "mail/__init__.py": "",
    "mail/tasks.py": "from celery import shared_task\n\n@shared_task\ndef confirm(name):\n    return f'Your {name}'\n",
}


def written(folder, url):
    """Write the project into a folder, and return that."""
    for name, text in {**PROJECT, "proj/settings.py": SETTINGS.format(url=url)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def python(folder, *words):
    """Run something in the project's folder, and return what it says."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


FOUND = """
import sys
import sqlqueue.celery
sqlqueue.celery.install()
from django.apps import apps
def seen():
    return sorted(name for name in sys.modules if name in ("shop.tasks", "mail.tasks", "shop.jobs"))
from proj import celery_app
print(apps.ready, seen())
celery_app.loader.import_default_modules()
print(apps.ready, seen(), "shop.tasks.send" in celery_app.tasks)
from sqlqueue import SQLQueue
SQLQueue("own", broker="sqlite:///jobs.db").autodiscover_tasks(related_name="jobs", force=True)
print(seen())
"""


def test_the_apps_are_asked_for_tasks_when_a_worker_starts_and_not_before(tmp_path):
    (written(tmp_path, "sqlite:///jobs.db") / "shop" / "jobs.py").write_text("")
    first, second, own = python(tmp_path, "-c", FOUND).splitlines()
    assert first == "False []"
    assert second == "True ['mail.tasks', 'shop.tasks'] True"
    assert own == "['mail.tasks', 'shop.jobs', 'shop.tasks']"


def test_a_django_project_and_its_worker(tmp_path, database_url):
    project = written(tmp_path, database_url)
    python(project, "manage.py", "migrate", "--run-syncdb")
    with (project / "log").open("w") as log:
        command = [sys.executable, "-m", "sqlqueue.celery", "-A", "proj", "worker", "-l", "INFO"]
        worker = subprocess.Popen(command, cwd=project, stdout=log, stderr=log)
        try:
            said = project / "log"
            wait_until("the worker", lambda: "is ready" in said.read_text() or worker.poll() is not None)
            assert python(project, "manage.py", "order") == SAID, said.read_text()
        finally:
            worker.terminate()
            assert worker.wait(30) == 0
