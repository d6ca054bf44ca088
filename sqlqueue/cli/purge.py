"""``sqlqueue purge``: throw away what waits in queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sqlqueue.domain.words import many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.cli.apps import Target


@click.command("purge")
@click.option("-Q", "--queue", "--queues", "queues", multiple=True, required=True, metavar="NAME[,NAME...]",
              help="Queues to empty; may be given more than once.")  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(target: Target, queues: Sequence[str], force: bool) -> None:
    """Throw away the jobs that wait in queues, without a trace; running ones go on.

    To end jobs with a result that says so, revoke them: sqlqueue job revoke --queue NAME.
    """
    names = [part.strip() for text in queues for part in text.split(",") if part.strip()]
    app = target.find_app_or_plain()
    if not force:
        click.confirm(f"Throw away everything that waits in {', '.join(names)}?", abort=True)
    click.echo(f"{many(app.jobs.purge(names), 'job')} thrown away")
