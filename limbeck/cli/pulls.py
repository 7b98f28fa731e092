"""The command `pull`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from limbeck.cli.invocation import Invocation, project_for
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environment, every, renames, yes
from limbeck.cli.questions import asking_renames
from limbeck.cli.terminal import answer, confirm, interactive, note
from limbeck.errors import CheckFailedError

if TYPE_CHECKING:
    from limbeck.generate.baseline import Baseline
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.schema.catalog.catalog import Catalog
    from limbeck.schema.renames.rename import Rename
    from limbeck.shadow.source import Live, Source

_FILTERS = {
    "--include-schema": "Read only these schemas",
    "--exclude-schema": "Skip these schemas",
    "--include-table": "Read only these tables and views",
    "--exclude-table": "Skip these tables and views",
}
_FILTERING = {f"{option[2:].replace('-', '_')}s" for option in _FILTERS}


def _patterns(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the repeatable options that choose schemas and tables."""
    for option, words in reversed(_FILTERS.items()):
        function = click.option(
            option,
            f"{option[2:].replace('-', '_')}s",
            metavar="PATTERN",
            multiple=True,
            help=f"{words}. Repeatable.",
        )(function)
    return function


@command()
@environment
@click.option("--url", metavar="URL", help="Read this database instead; works outside a project.")
@click.option("--out", metavar="PATH", help="Write to this file (.py) or folder.")
@click.option("--write", is_flag=True, help="Write into the working models.")
@click.option(
    "--baseline", is_flag=True, help="Also write a first revision, and stamp the database with it."
)
@click.option(
    "--layout",
    type=click.Choice(["package", "file"]),
    help="With --out: a module for each table, or one file.",
)
@click.option(
    "--style",
    type=click.Choice(["declarative", "dataclass", "sqlmodel"]),
    help="With --out: the style of the classes; declarative if omitted.",
)
@_patterns
@click.option(
    "--prove-beside",
    is_flag=True,
    help="With --out: prove in a scratch database on the source's own server.",
)
@click.option("--no-prove", is_flag=True, help="Do not prove the models.")
@click.option("--force", is_flag=True, help="Overwrite files that have uncommitted changes.")
@renames
@every
@yes
@as_json
@click.pass_context
def pull(
    ctx: click.Context,
    /,
    invocation: Invocation,
    *,
    environment: str | None,
    url: str | None,
    out: str | None,
    write: bool,
    baseline: bool,
    layout: Literal["package", "file"] | None,
    style: Literal["declarative", "dataclass", "sqlmodel"] | None,
    prove_beside: bool,
    no_prove: bool,
    force: bool,
    renamed: tuple[str, ...],
    no_rename: bool,
    every: bool,
    yes: bool,
    as_json: bool,
    **filters: tuple[str, ...],
) -> None:
    """Write models from a live database.

    In a project, limbeck shows how the working models would change; --write changes them, after
    it has asked what was renamed: classes and attributes of renamed tables and columns stay. With
    --out it writes new models. Objects that models cannot express are listed; the exit code is 3.
    """
    from limbeck.models.pull import pulling
    from limbeck.output import pulls
    from limbeck.output.data import to_json
    from limbeck.shadow.source import Live as LiveSource

    _refuse_both(ctx)
    listen = Narrator()
    project = project_for(invocation, url or "", needed=not (url and out))
    chosen = {name: patterns for name, patterns in filters.items() if patterns}
    project = replace(project, **chosen) if project else None  # type: ignore[arg-type]
    name = url or environment or (project.default_environment if project else "")
    live = _source(project, name, chosen, listen)
    if baseline:
        if project is None or not isinstance(live, LiveSource) or url:
            raise click.UsageError("--baseline needs an environment of a project: -e NAME.")
        taken_over = _baseline(project, project.profile(environment), live, force=force, yes=yes)
        json, lines = pulls.baseline_data, pulls.baseline_text
        text = to_json(json(name, taken_over)) if as_json else lines(name, taken_over)
        answer(text, masked=as_json)
        return
    if out:
        merge, proof = pulling.fresh(
            live,
            Path(out),
            layout=layout,
            style=style or "declarative",
            project=project,
            beside=prove_beside,
            proving=not no_prove,
            listen=listen,
        )
    else:
        assert project is not None  # noqa: S101 - project_for guarantees it
        profile = project.profile(environment) if environment else None
        choose = _renames(project, profile, renamed, no_rename=no_rename, asking=write)
        merge, proof = pulling.into(
            project, profile, live, proving=not no_prove, renames=choose, listen=listen
        )
    written = merge.write(force=force) if out or write else None
    root = project.root if project else None
    if as_json:
        answer(to_json(pulls.data(str(live), merge, proof, written)), masked=True)
    else:
        text = pulls.text(str(live), merge, proof, written, root, every=every)
        answer(text, every=every)
    ctx.exit(0 if proof.complete and not merge.left else CheckFailedError.exit_code)


def _refuse_both(ctx: click.Context) -> None:
    given = {name for name, value in ctx.params.items() if value}
    if {"environment", "url"} <= given:
        raise click.UsageError("--env and --url exclude each other.")
    if "out" in given and given & {"write", "baseline"}:
        raise click.UsageError(
            "--out excludes --write and --baseline, which change the working models."
        )
    if "no_prove" in given and given & {"prove_beside", "baseline"}:
        raise click.UsageError("--no-prove excludes --prove-beside and --baseline.")
    if "baseline" in given and given & _FILTERING:
        raise click.UsageError("--baseline takes its patterns from the settings: write them there.")
    if given & {"out", "baseline"} and given & {"renamed", "no_rename"}:
        raise click.UsageError(
            "--rename and --no-rename are about working models: leave out --out and --baseline."
        )
    if "out" not in given and given & {"style", "prove_beside"}:
        raise click.UsageError(
            "--style and --prove-beside need --out: working models keep their style "
            "and are proved on the shadow."
        )


def _source(
    project: Project | None, name: str, chosen: Mapping[str, tuple[str, ...]], listen: Narrator
) -> Source:
    """Return the source to read; a project has the patterns in its settings already."""
    from limbeck.shadow.filters import chosen as only
    from limbeck.shadow.source import Live as LiveSource
    from limbeck.shadow.source import parse

    source = parse(project, name, listen)
    if project is None and isinstance(source, LiveSource):
        return replace(source, filters=only(**chosen))
    return source


def _renames(
    project: Project,
    profile: Profile | None,
    texts: tuple[str, ...],
    *,
    no_rename: bool,
    asking: bool,
) -> Callable[[Catalog, Catalog], Sequence[Rename]]:
    """Return a function that learns from the options and the terminal what was renamed."""

    def choose(before: Catalog, after: Catalog) -> Sequence[Rename]:
        from limbeck.generate.answers import Answers
        from limbeck.generate.questions import agree_to_renames
        from limbeck.schema.renames import likeness

        answers = Answers(
            renames=texts,
            no_rename=no_rename or not asking,
            ask_rename=asking_renames(project, profile) if interactive() else None,
        )
        chosen = agree_to_renames(before, after, answers)
        if not (asking or no_rename):
            for question in likeness.questions(before, after, chosen):
                note(f"Possible rename: {question.candidates[0].flag}")
        return chosen

    return choose


def _baseline(
    project: Project, profile: Profile, live: Live, *, force: bool, yes: bool
) -> Baseline:
    from limbeck.generate import baseline

    def agree() -> bool:
        note(f"limbeck writes models and a first revision, and stamps {live.database.destination}.")
        confirm("Continue?", yes=yes)
        return True

    return baseline.baseline(project, profile, live, confirm=agree, force=force, listen=Narrator())
