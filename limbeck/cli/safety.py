"""The command `lint`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, completed, environment, every
from limbeck.cli.terminal import answer
from limbeck.errors import CheckFailedError, ConfigurationError

if TYPE_CHECKING:
    from limbeck.lint.linting import Report

Format: TypeAlias = Literal["text", "json", "github", "sarif", "markdown", "svg"]


@command()
@click.argument(
    "revisions", nargs=-1, metavar="[REVISION]...", shell_complete=completed("revisions")
)
@environment
@click.option(
    "--since", metavar="GITREF", help="Only the revisions that the git branch adds to this git ref."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif", "markdown", "svg"]),
    default="text",
    show_default=True,
    help="The format of the answer.",
)
@every
@as_json
@click.pass_context
def lint(
    ctx: click.Context,
    invocation: Invocation,
    *,
    revisions: tuple[str, ...],
    environment: str | None,
    since: str | None,
    form: Format,
    every: bool,
    as_json: bool,
) -> None:
    """Report what revisions lock, rewrite and break before they run.

    Without REVISION or --since, limbeck lints pending revisions. It runs them on the shadow, on
    tables with rows, and observes each statement. With -e it adds the sizes of the tables there.
    The exit code is 3 when there is a blocking hazard.
    """
    if revisions and since:
        raise ConfigurationError(
            "REVISION and --since exclude each other", hint="Give one of them."
        )
    report = _report(invocation, revisions, environment, since)
    text = _rendered(report, "json" if as_json else form)
    if text:
        answer(text, masked=as_json or form in {"json", "sarif"}, every=every)
    ctx.exit(CheckFailedError.exit_code if report.blocking else 0)


def _report(
    invocation: Invocation, names: tuple[str, ...], environment: str | None, since: str | None
) -> Report:
    from limbeck.history.history import History
    from limbeck.lint import linting
    from limbeck.project import urls

    listen = Narrator()
    project = invocation.project()
    named = bool(names or since)
    profile = project.profile(environment) if environment or not named else None
    database = urls.database(project, profile, listen) if profile else None
    if project.tenants is not None:
        from limbeck.tenants import linting as both

        if named or profile is None or database is None:
            return both.named(project, profile, names, since, listen)
        return both.pending(project, profile, database, listen)
    if named or profile is None or database is None:
        revisions = linting.chosen(History.of(project, profile), names, since)
        return linting.lint(project, revisions, profile=profile, database=database, listen=listen)
    revisions, applied = linting.pending(project, profile, database, listen)
    return linting.lint(
        project, revisions, applied=applied, profile=profile, database=database, listen=listen
    )


def _rendered(report: Report, form: Format) -> str:
    from limbeck.output import hazards, locks, review
    from limbeck.output.data import plain_json, to_json

    match form:
        case "json":
            return to_json(hazards.hazards_data(report))
        case "github":
            return review.hazards_github(report)
        case "sarif":
            return plain_json(review.hazards_sarif(report))
        case "markdown":
            return hazards.hazards_markdown(report)
        case "svg":
            return locks.svg(report.timelines)
        case "text":
            return hazards.hazards_text(report)
