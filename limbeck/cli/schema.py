"""init, generate, pull and diff: from models to schema and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from limbeck.cli.invocation import (
    Invocation,
    as_json,
    command,
    environment,
    no_cache,
    own_history,
    renames,
    yes,
)
from limbeck.cli.terminal import Narrator, agreed, interactive, note
from limbeck.errors import CheckFailedError, ConfigurationError, NotConfirmedError

if TYPE_CHECKING:
    from limbeck.baseline import Baseline
    from limbeck.catalog.catalog import Catalog
    from limbeck.renames import Rename
    from limbeck.settings import Profile, Project
    from limbeck.sources import Live


@command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--models", metavar="MODULE:NAME", help="Where the metadata is.")
@yes
def init(invocation: Invocation, *, folder: str | None, models: str | None, yes: bool) -> None:
    """Set limbeck up in a project, new or existing.

    Shows every file first and asks. A file that is there already is kept as it is; a history
    (alembic.ini and its versions) is adopted.
    """
    from limbeck import scaffold
    from limbeck.reports import scaffolds

    root = Path(folder or invocation.directory or ".").resolve()
    plan = scaffold.plan(root, models=models)
    click.echo(scaffolds.plan(plan))
    if not plan.changes:
        note("Nothing to do: every file is there.")
        return
    _confirm(f"Write {len(plan.changes)} files?", yes=yes)
    scaffold.write(plan)
    click.echo(scaffolds.next_steps(plan))


@command()
@click.option(
    "-m", "--message", metavar="TEXT", help="What it does; without it, a name is made from it."
)
@own_history
@click.option("--allow-drop", is_flag=True, help="Allow what loses data, without being asked.")
@renames
@no_cache
@as_json
def generate(
    invocation: Invocation,
    *,
    message: str | None,
    environment: str | None,
    allow_drop: bool,
    renamed: tuple[str, ...],
    no_rename: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Write the next revision from the models, and prove it.

    The models are compared with the recorded history, which is replayed on a shadow; no live
    database is needed. -e is for an environment with a versions folder of its own.
    """
    from limbeck import generate as verb
    from limbeck.reports import revisions
    from limbeck.reports.data import to_json

    project = invocation.project(no_cache=no_cache)
    profile = project.profile(environment) if environment else None
    answers = verb.Answers(
        allow_drop=allow_drop,
        ask_loss=_ask_loss if interactive() else None,
        renames=renamed,
        no_rename=no_rename,
        ask_rename=_ask_rename if interactive() else None,
    )
    made = verb.revision(project, profile, message=message, answers=answers, listen=Narrator())
    json, text = revisions.generated_data, revisions.generated_text
    click.echo(to_json(json(made)) if as_json else text(made))


@command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--sql", "as_sql", is_flag=True, help="Print the migration as a script.")
@click.option("--grants", is_flag=True, help="Compare privileges, too.")
@renames
@no_cache
@as_json
def diff(
    invocation: Invocation,
    *,
    before: str,
    after: str,
    as_sql: bool,
    grants: bool,
    renamed: tuple[str, ...],
    no_rename: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Show what turns one schema into another.

    A and B are each one of: models, head, base, a revision, an environment, postgresql://...
    Both are only read. With two URLs it works outside a project.
    """
    from limbeck import diff as verb
    from limbeck import sources
    from limbeck.reports import differences
    from limbeck.reports.data import to_json

    project = _project_for(invocation, before, after)
    if project is not None and no_cache:
        project = replace(project, cache=False)
    named = [sources.parse(project, text, Narrator(), grants=grants) for text in (before, after)]
    first, second = (source.catalog() for source in named)
    steps = verb.steps(first, second, _renames(first, second, renamed, no_rename=no_rename))
    names = (str(named[0]), str(named[1]))
    if as_json:
        click.echo(to_json(differences.data(*names, steps)))
    elif as_sql:
        click.echo(verb.script(steps), nl=False)
    else:
        click.echo(differences.text(*names, steps))


def _renames(
    before: Catalog, after: Catalog, texts: Sequence[str], *, no_rename: bool
) -> Sequence[Rename]:
    """Understand the answers, and say on stderr which questions have none."""
    from limbeck import renames as questions

    answered, idle = questions.answers(texts, before, after)
    for text in idle:
        note(f"--rename {text}: nothing here is renamed so")
    if not no_rename:
        for proposal in questions.propose(before, after, answered):
            note(f"May be a rename: {proposal.flag}")
    return answered


@command()
@environment
@click.option("--url", metavar="URL", help="Any database instead; works outside a project.")
@click.option("--out", metavar="PATH", help="Write to this file (.py) or folder.")
@click.option("--write", is_flag=True, help="Write into the working models.")
@click.option("--baseline", is_flag=True, help="Write a first revision too, and stamp with it.")
@click.option(
    "--layout",
    type=click.Choice(["package", "file"]),
    help="With --out: a module for each table, or one file.",
)
@click.option(
    "--style",
    type=click.Choice(["declarative", "dataclass", "sqlmodel"]),
    help="With --out: what the classes are; declarative if not said.",
)
@click.option("--force", is_flag=True, help="Overwrite files with uncommitted changes, too.")
@yes
@as_json
@click.pass_context
def pull(
    ctx: click.Context,
    invocation: Invocation,
    *,
    environment: str | None,
    url: str | None,
    out: str | None,
    write: bool,
    baseline: bool,
    layout: Literal["package", "file"] | None,
    style: Literal["declarative", "dataclass", "sqlmodel"] | None,
    force: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Write models from a live database.

    In a project it shows how the working models would change; --write changes them. With --out
    fresh models are written. What could not be kept is listed, and the exit code is 3.
    """
    from limbeck import pull as verb
    from limbeck import sources
    from limbeck.reports import pulls
    from limbeck.reports.data import to_json

    if environment and url:
        raise click.UsageError("Give an environment or a URL, not both.")
    if out and (write or baseline):
        raise click.UsageError("Give --out, or --write or --baseline for the working models.")
    if style and not out:
        raise click.UsageError("--style goes with --out: working models keep the style they have.")
    listen = Narrator()
    project = _project_for(invocation, url or "", needed=not (url and out))
    name = url or environment or (project.default_environment if project else "")
    live = sources.parse(project, name, listen)
    if baseline:
        if project is None or not isinstance(live, sources.Live) or url:
            raise click.UsageError("A baseline is for an environment of a project: -e NAME.")
        made = _baseline(project, project.profile(environment), live, force=force, yes=yes)
        json, lines = pulls.baseline_data, pulls.baseline_text
        click.echo(to_json(json(name, made)) if as_json else lines(name, made))
        return
    if out:
        merge, proof = verb.fresh(
            live,
            Path(out),
            layout=layout,
            style=style or "declarative",
            project=project,
            listen=listen,
        )
    else:
        assert project is not None  # noqa: S101 - _project_for has seen to it
        profile = project.profile(environment) if environment else None
        merge, proof = verb.into(project, profile, live, listen=listen)
    written = merge.write(force=force) if out or write else None
    root = project.root if project else None
    if as_json:
        click.echo(to_json(pulls.data(str(live), merge, proof, written)))
    else:
        click.echo(pulls.text(str(live), merge, proof, written, root))
    ctx.exit(0 if proof.exact and not merge.left else CheckFailedError.exit_code)


def _baseline(
    project: Project, profile: Profile, live: Live, *, force: bool, yes: bool
) -> Baseline:
    from limbeck import baseline as verb

    def confirm() -> bool:
        note(f"Writes models and a first revision, and stamps {live.database.destination} with it.")
        _confirm("Go on?", yes=yes)
        return True

    return verb.baseline(project, profile, live, confirm=confirm, force=force, listen=Narrator())


def _project_for(invocation: Invocation, *sources: str, needed: bool = False) -> Project | None:
    """Return the project; None where there is none and the sources are all URLs."""
    try:
        return invocation.project()
    except ConfigurationError:
        if not needed and all("://" in source for source in sources):
            return None
        raise


def _ask_rename(rename: Rename) -> bool:
    new = rename.after.part or rename.after.name
    return agreed(f"Was {rename.before} renamed to {new}? No drops it and creates {new}.")


def _ask_loss(losses: Sequence[str]) -> bool:
    for loss in losses:
        note(f"This loses {loss}")
    return agreed("Write it all the same?")


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was changed",
            hint="Add --yes when the plan above is what you want.",
        )
    if not agreed(question):
        raise NotConfirmedError("not confirmed; nothing was changed")
