"""stamp, merge and squash: the history itself."""

from __future__ import annotations

import click

from limbeck.cli.invocation import Invocation, as_json, command, environment, own_history, yes
from limbeck.cli.terminal import Narrator
from limbeck.errors import ConfigurationError


@command()
@environment
@click.argument("revision", metavar="REV")
@yes
def stamp(invocation: Invocation, *, environment: str | None, revision: str, yes: bool) -> None:
    """Mark a revision as applied, without running anything.

    All below it are applied then, too, and all others are not. It asks first.
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
    click.echo(f"{profile.name} ({database.destination}) is at {', '.join(at) or 'no revision'}.")


@command()
@click.option("-m", "--message", metavar="TEXT", help="What the merge joins.")
@own_history
@as_json
def merge(
    invocation: Invocation, *, message: str | None, environment: str | None, as_json: bool
) -> None:
    """Join two heads into one.

    It is written only when both orders make the same schema, which is proved on the shadow.
    """
    from limbeck.generate.merge import merge as write_merge
    from limbeck.output import revisions
    from limbeck.output.data import to_json

    project = invocation.project()
    profile = project.profile(environment) if environment else None
    made = write_merge(project, profile, message=message, listen=Narrator())
    click.echo(to_json(revisions.merge_data(made)) if as_json else revisions.merge_text(made))


@command()
@click.argument("revisions", metavar="[FROM:TO]", required=False)
@click.option("--to", metavar="REV", help="All revisions up to this one, else up to the head.")
@click.option("-m", "--message", metavar="TEXT", help="What the new revision says of itself.")
@click.option("--verbatim", is_flag=True, help="Keep the code of the revisions as it is.")
@click.option("--dry-run", is_flag=True, help="Make it, prove it, print it, write nothing.")
@click.option("--force", is_flag=True, help="Replace files with uncommitted changes, too.")
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
    """Put one revision in the place of several.

    FROM and TO are replaced, too. The new one has the id of the last: databases that have them all
    go on as if nothing had happened. It is written only when it makes the same, which is proved on
    the shadow.
    """
    from limbeck.generate.squash.squash import squash as verb
    from limbeck.output import revisions as reports
    from limbeck.output.data import to_json

    first, last = _range(revisions, to)
    project = invocation.project()
    profile = project.profile(environment) if environment else None
    made = verb(
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
    click.echo(to_json(reports.squash_data(made)) if as_json else reports.squash_text(made))


def _range(revisions: str | None, to: str | None) -> tuple[str | None, str]:
    if revisions is None:
        return None, to or "head"
    if to is not None:
        raise ConfigurationError("FROM:TO and --to exclude each other", hint="Give one.")
    first, colon, last = revisions.partition(":")
    if not colon:
        raise ConfigurationError(
            f"{revisions} is one revision, and it takes two to squash",
            hint=f"limbeck squash --to {revisions}, or limbeck squash FROM:{revisions}",
        )
    return first or None, last or "head"
