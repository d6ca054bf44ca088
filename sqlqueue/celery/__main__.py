"""``python -m sqlqueue.celery``: the command ``celery``."""

import sys

from sqlqueue.celery.bin import run
from sqlqueue.celery.installer import install

install()
run(sys.argv[1:])
