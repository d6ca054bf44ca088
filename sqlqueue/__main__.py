"""``python -m sqlqueue``."""

from sqlqueue.cli import main

main()
