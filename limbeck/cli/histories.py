"""The commands `revision`, `stamp`, `merge` and `squash`, which change the history."""

from __future__ import annotations

import click

from limbeck import shell
from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, completed, environment, own_history, tenant, yes
from limbeck.cli.terminal import answer
from limbeck.errors import ConfigurationError


@command()
@click.option("-m", "--message", metavar="TEXT", required=True, help="The message of the revision.")
@click.option("--data", is_flag=True, help="Change rows of a table in batches; with a test.")
@click.option(
    "--table", metavar="TABLE", help="The table of --data, if the history makes more than one."
)
@own_history
@as_json
def revision(
    invocation: Invocation,
    *,
    message: str,
    data: bool,
    table: str | None,
    environment: str | None,
    as_json: bool,
) -> None:
    """Write a revision for SQL or Python of your own.

    It is empty. With --data, it changes the rows of a table in batches, and limbeck writes a test
    beside the project's.
    """
    from limbeck.generate import handwritten as verb
    from limbeck.output import revisions as reports
    from limbeck.output.data import to_json

    if table is not None and not data:
        raise ConfigurationError("--table is for --data", hint="Add --data.")
    project = invocation.project()
    profile = project.profile(environment) if environment else None
    if data:
        written = verb.data(project, profile, message, table=table, listen=Narrator())
    else:
        written = verb.empty(project, profile, message)
    text = to_json(reports.written_data(written)) if as_json else reports.written_text(written)
    answer(text, masked=as_json)


@command()
@tenant
@environment
@click.argument("revision", metavar="REV", shell_complete=completed("revisions"))
@yes
def stamp(invocation: Invocation, *, environment: str | None, revision: str, yes: bool) -> None:
    """Mark a revision as applied, without running anything.

    Its ancestors count as applied too, all other revisions as not applied. limbeck asks first.
    """
    from limbeck.cli.terminal import agreed
    from limbeck.project import urls
    from limbeck.run import stamping

    listen = Narrator()
    project = invocation.project()
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)

    def confirm() -> bool:
        return yes or agreed(f"Mark {database.destination} as being at {revision}?")

    at = stamping.stamp(project, profile, database, revision, confirm=confirm, listen=listen)
    answer(f"{profile.name} ({database.destination}) is at {', '.join(at) or 'no revision'}.")


@command()
@click.option("-m", "--message", metavar="TEXT", help="The message of the merge revision.")
@own_history
@as_json
def merge(
    invocation: Invocation, *, message: str | None, environment: str | None, as_json: bool
) -> None:
    """Join two heads into one.

    limbeck writes the merge revision only if both orders make the same schema on the shadow.
    """
    from limbeck.generate.merge import merge as write_merge
    from limbeck.output import revisions
    from limbeck.output.data import to_json

    project = invocation.project()
    profile = project.profile(environment) if environment else None
    merged = write_merge(project, profile, message=message, listen=Narrator())
    text = to_json(revisions.merge_data(merged)) if as_json else revisions.merge_text(merged)
    answer(text, masked=as_json)


@command()
@click.argument("revisions", metavar="[FROM:TO]", required=False)
@click.option(
    "--to",
    metavar="REV",
    shell_complete=completed("revisions"),
    help="Squash all revisions up to this one; up to the head if omitted.",
)
@click.option("-m", "--message", metavar="TEXT", help="The message of the new revision.")
@click.option("--verbatim", is_flag=True, help="Keep the code of the revisions unchanged.")
@click.option("--dry-run", is_flag=True, help="Prove and print the new revision; write nothing.")
@click.option("--force", is_flag=True, help="Replace files that have uncommitted changes.")
@own_history
@as_json
def squash(
    invocation: Invocation,
    *,
    revisions: str | None,
    to: str | None,
    message: str | None,
    verbatim: bool,
    dry_run: bool,
    force: bool,
    environment: str | None,
    as_json: bool,
) -> None:
    """Replace several revisions with one.

    FROM and TO are included. The new revision has the id of the last one, so nothing changes for
    databases that have them all. limbeck writes it only if it makes the same schema on the shadow.
    """
    from limbeck.generate.squash.squash import squash as verb
    from limbeck.output import revisions as reports
    from limbeck.output.data import to_json

    first, last = _range(revisions, to)
    project = invocation.project()
    profile = project.profile(environment) if environment else None
    squashed = verb(
        project,
        profile,
        first=first,
        last=last,
        message=message,
        verbatim=verbatim,
        keep=not dry_run,
        force=force,
        listen=Narrator(),
    )
    text = to_json(reports.squash_data(squashed)) if as_json else reports.squash_text(squashed)
    answer(text, masked=as_json)


def _range(revisions: str | None, to: str | None) -> tuple[str | None, str]:
    if revisions is None:
        return None, to or "head"
    if to is not None:
        raise ConfigurationError("FROM:TO and --to exclude each other", hint="Give one of them.")
    first, colon, last = revisions.partition(":")
    if not colon:
        raise ConfigurationError(
            f"{revisions} is a single revision; a squash needs at least two",
            hint=f"{shell.command('limbeck', 'squash', '--to', revisions)}, "
            f"or {shell.command('limbeck', 'squash', f'FROM:{revisions}')}",
        )
    return first or None, last or "head"
