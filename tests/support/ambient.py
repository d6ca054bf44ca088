"""What importing ``sqlqueue.celery`` sets for a whole process, taken back: only tests of ambient state have it.

Imported by the conftest of each folder whose tests import ``sqlqueue.celery``, before any of them does.
"""

from sqlqueue.celery import canvas  # noqa: F401 - it sets it
from sqlqueue.tasks.signature import Signature

SENDER, Signature.of_no_app = Signature.of_no_app, None
