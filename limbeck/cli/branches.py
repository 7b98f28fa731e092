"""The command group `branches`, with the verbs and options of Neon's own command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from limbeck.cli.branching import agree, agree_all, end_of, output_option, provider_of, show
from limbeck.cli.copies import create, reset, restore
from limbeck.cli.invocation import CONTEXT, Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import command, completed, environment, yes
from limbeck.cli.terminal import answer, answer_script, note
from limbeck.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from limbeck.output.branches import Form


@click.group(context_settings=CONTEXT)
def branches() -> None:
    """List, create, reset, delete database branches.

    Verbs and output formats follow Neon's own command line. The branches are those of the server
    or Neon project of the default environment; -e chooses another environment.
    """


@command("list")
@environment
@output_option
def list_(invocation: Invocation, *, environment: str | None, output: Form) -> None:
    """List the branches."""
    from limbeck.output import branches as reports

    text = reports.several(provider_of(invocation, environment).all(), output)
    answer(text, masked=output != "table")


@command()
@click.argument("name", shell_complete=completed("branches"))
@environment
@output_option
def get(invocation: Invocation, *, name: str, environment: str | None, output: Form) -> None:
    """Show one branch, by its name or id."""
    show(provider_of(invocation, environment).get(name), output)


@command()
@click.argument("name", shell_complete=completed("branches"))
@click.argument("new")
@environment
@output_option
def rename(
    invocation: Invocation, *, name: str, new: str, environment: str | None, output: Form
) -> None:
    """Rename a branch. Profiles that name the branch have to be edited."""
    show(provider_of(invocation, environment).rename(name, new), output)


@command("set-default")
@click.argument("name", shell_complete=completed("branches"))
@environment
@output_option
def set_default(
    invocation: Invocation, *, name: str, environment: str | None, output: Form
) -> None:
    """Make a branch the default: the one that others are created from."""
    show(provider_of(invocation, environment).set_default(name), output)


@command("set-expiration")
@click.argument("name", shell_complete=completed("branches"))
@click.option(
    "--expires-at", metavar="TIME", help="When to delete the branch: RFC 3339 with a time zone."
)
@click.option("--expires-in", metavar="TIME", help="Delete the branch after 2h, 7d ...")
@environment
@output_option
def set_expiration(
    invocation: Invocation,
    *,
    name: str,
    expires_at: str | None,
    expires_in: str | None,
    environment: str | None,
    output: Form,
) -> None:
    """Set when a branch is deleted automatically; without a time it stays."""
    if expires_at and expires_in:
        raise click.UsageError("--expires-at and --expires-in exclude each other.")
    end = _time(expires_at) if expires_at else end_of(expires_in)
    show(provider_of(invocation, environment).set_expiration(name, end), output)


@command()
@click.argument("name", shell_complete=completed("branches"))
@environment
@yes
@output_option
def delete(
    invocation: Invocation, *, name: str, environment: str | None, yes: bool, output: Form
) -> None:
    """Delete a branch."""
    from limbeck.branches import base

    provider = provider_of(invocation, environment)
    branch = base.deletable(provider.all(), name)
    agree(invocation, provider, branch, "deleted", yes=yes)
    provider.delete(name)
    note(f"Deleted branch {branch.name}")
    show(branch, output)


@command()
@click.argument("pattern")
@click.option("--older-than", metavar="TIME", required=True, help="Only branches older than 7d ...")
@click.option("--dry-run", is_flag=True, help="List the branches and stop.")
@environment
@yes
@output_option
def prune(
    invocation: Invocation,
    *,
    pattern: str,
    older_than: str,
    dry_run: bool,
    environment: str | None,
    yes: bool,
    output: Form,
) -> None:
    """Delete stale branches, such as 'preview/*'.

    The default branch, protected branches and branches with children are never deleted.
    """
    from datetime import UTC, datetime

    from limbeck.branches import moment, pruning
    from limbeck.output import branches as reports

    provider = provider_of(invocation, environment)
    age = moment.parse_span(older_than)
    stale = pruning.stale(provider.all(), pattern, age, datetime.now(UTC))
    if stale and not dry_run:
        agree_all(stale, yes=yes)
        for branch in stale:
            provider.delete(branch.name)
            note(f"Deleted branch {branch.name}")
    answer(reports.several(stale, output), masked=output != "table")


@command()
@output_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["sql", "markdown", "json"]),
    default="sql",
    show_default=True,
    help="markdown is for a comment on a pull request.",
)
@environment
@click.argument("base", shell_complete=completed("branches"))
@click.argument("compare", shell_complete=completed("branches"))
def diff(
    invocation: Invocation,
    *,
    base: str,
    compare: str,
    form: Literal["sql", "markdown", "json"],
    environment: str | None,
    output: Form,
) -> None:
    """Show the SQL that turns the schema of branch BASE into that of COMPARE."""
    from limbeck.output import branches as reports
    from limbeck.postgres.database import Database
    from limbeck.schema.diff.compare import steps
    from limbeck.schema.diff.script import script as as_script
    from limbeck.shadow.source import Live

    provider = provider_of(invocation, environment)
    before, after = (
        Live(Database.from_url(name, provider.url(name)), listen=Narrator()).catalog()
        for name in (base, compare)
    )
    script = as_script(steps(before, after))
    if form == "markdown":
        answer(reports.markdown(base, compare, script, (before, after)), end="")
        return
    text = reports.difference(base, compare, script, "json" if form == "json" else output)
    if form == "sql" and output == "table":
        answer_script(text, end="")
    else:
        answer(text, masked=form == "json" or output != "table", end="")


for _command in (
    *(list_, get, create, reset, restore, rename),
    *(set_default, set_expiration, delete, prune, diff),
):
    branches.add_command(_command)


def _time(text: str) -> datetime:
    from datetime import datetime

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ConfigurationError(
            f"{text} is not a time with a time zone", hint="Give one such as 2026-12-31T18:00:00Z."
        )
    return time
