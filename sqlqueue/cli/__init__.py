"""``sqlqueue``: one command a file, each loaded only when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from sqlqueue.cli.apps import Target
from sqlqueue.cli.variables import PREFIX, name_variables
from sqlqueue.errors import SqlqueueError
from sqlqueue.version import __version__

COMMANDS = {
    "bench": "Measure the queue on your database, in tables of its own.",
    "compact": "Give back to the disk what a flood of jobs has left empty.",
    "control": "Change running workers: queues, pool, limits, shutdown.",
    "dead": "List jobs that failed for good, and let them run again.",
    "events": "Print what happens, as it happens.",
    "inspect": "Ask running workers about themselves.",
    "job": "Look at jobs, revoke them, let them run again, forget them.",
    "limit": "Limit what queues, tasks and keys may do in the whole fleet.",
    "list": "List jobs, queues, workers or tasks.",
    "multi": "Start and stop several workers in the background.",
    "purge": "Throw away what waits in queues.",
    "queue": "Pause queues, resume them, limit them, list them.",
    "call": "Send a job and, with --wait, print its result.",
    "migrate": "Make the tables, or bring them up to date.",
    "report": "Print versions, tasks and settings, with secrets hidden.",
    "result": "Print what became of a job.",
    "status": "Ask which workers live.",
    "worker": "Run tasks.",
}


APP_HELP = (
    "The app; default: $SQLQUEUE_APP, [tool.sqlqueue] app in pyproject.toml,"
    " then tasks.py, app.py or celery_app.py here."
)


class LazyGroup(click.Group):
    """Knows the commands' names and words; imports one only to run it or to show its options."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; its options may be in the environment."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"sqlqueue.cli.{cmd_name}").command
        prefixes = [prefix for prefix in (ctx.auto_envvar_prefix, PREFIX) if prefix is not None]
        name_variables(found, prefixes, (cmd_name,))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what is the user's to mend becomes one line, not a traceback."""
        try:
            return super().invoke(ctx)
        except SqlqueueError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-A", "--app", "app", metavar="MODULE[:NAME]", help=APP_HELP)
@click.option("-b", "--broker", metavar="URL", envvar="SQLQUEUE_BROKER", show_envvar=True,
              help="The database, instead of the app's own.")  # fmt: skip
@click.version_option(__version__, prog_name="sqlqueue")
@click.pass_context
def main(context: click.Context, app: str | None, broker: str | None) -> None:
    """The job queue that needs nothing but the SQL database you already run."""
    context.obj = Target(app, broker)
    context.call_on_close(context.obj.close)
