"""Jobs that are sent in a transaction of Django's. In a process of its own: Django is configured once in each."""

import subprocess
import sys

SCRIPT = """
import sys
import django
from django.conf import settings
from sqlalchemy import make_url
from sqlqueue import SQLQueue
from sqlqueue.testing.assertions import enqueued

url = make_url(sys.argv[1])
kind = "sqlite3" if url.get_backend_name() == "sqlite" else "postgresql"
place = {"NAME": url.database, "USER": url.username or "", "HOST": url.host or url.query.get("host", "")}
settings.configure(DATABASES={"default": {"ENGINE": f"django.db.backends.{kind}", **place}}, USE_TZ=True)
django.setup()
from django.db import connection, connections, transaction

app = SQLQueue("shop", broker=sys.argv[1])
add = app.task(name="add")(lambda x: x)
with transaction.atomic():
    add.apply_async((1,), session=connection)
    try:
        with transaction.atomic():
            add.apply_async((2,), session=connections["default"])
            raise LookupError
    except LookupError:
        pass
    with app.using(connection):
        add.delay(3)
    print(len(enqueued(app)))
with transaction.atomic():
    add.apply_async((4,), session=connection)
    transaction.set_rollback(True)
add.apply_async((5,), session=connection)
print([one.args for one in enqueued(app)])
"""


def test_jobs_belong_to_djangos_blocks(database_url):
    done = subprocess.run([sys.executable, "-c", SCRIPT, database_url], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n[[1], [3], [5]]\n", "")
