"""The command `push`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environment, no_cache, renames, yes
from limbeck.cli.plans import plan_options
from limbeck.cli.questions import ask_cast, ask_loss, asking_renames, conversions, parsed_values
from limbeck.cli.terminal import answer, answer_script, interactive, note
from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.events import Event
    from limbeck.generate.answers import Answers
    from limbeck.project.project import Project


@command()
@environment
@click.option(
    "--allow-drop", is_flag=True, help="Allow changes that lose data, without a question."
)
@click.option("--watch", is_flag=True, help="Push again whenever a file of the models is saved.")
@conversions
@renames
@plan_options
@yes
@no_cache
@as_json
def push(
    invocation: Invocation,
    *,
    environment: str | None,
    allow_drop: bool,
    watch: bool,
    using: tuple[str, ...],
    renamed: tuple[str, ...],
    no_rename: bool,
    dry_run: bool,
    script: bool,
    wait: float,
    every: bool,
    yes: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Bring the models to a branch without a revision, to try them out.

    limbeck compares the database with the models, proves the statements on a shadow database and
    runs them. `limbeck generate` writes one revision for all of it later; `limbeck migrate` records
    it where it was pushed. Protected environments are refused.
    """
    if watch and (dry_run or script or as_json):
        raise click.UsageError("--watch excludes --dry-run, --sql and --json.")
    from limbeck.generate.answers import Answers

    project = invocation.project(no_cache=no_cache, importing=not watch)
    answers = Answers(
        allow_drop=allow_drop or yes,
        ask_loss=_ask_loss if interactive() else None,
        renames=renamed,
        no_rename=no_rename,
        ask_rename=asking_renames(project, project.profile(environment)) if interactive() else None,
        using=parsed_values(using, "--using"),
        ask_cast=ask_cast if interactive() else None,
    )
    if watch:
        _watch(project, environment, answers, wait)
        return
    from limbeck.output import pushes
    from limbeck.output.data import to_json
    from limbeck.project import urls
    from limbeck.push import applying, planning

    listen = Narrator()
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)
    plan = planning.plan(project, profile, database, answers=answers, listen=listen)
    if script:
        answer_script(plan.script(), end="")
    elif dry_run:
        text = to_json(pushes.plan_data(plan)) if as_json else pushes.plan_text(plan, with_sql=True)
        answer(text, masked=as_json, every=every)
    else:
        if plan.steps:
            note(pushes.plan_text(plan, with_sql=False), every=every)
        report = applying.push(plan, wait=wait, progress=listen.bar, listen=listen)
        json, text_of = pushes.report_data, pushes.report_text
        answer(to_json(json(report)) if as_json else text_of(report), masked=as_json)


def _ask_loss(losses: Sequence[str]) -> int:
    return ask_loss(losses, "push nothing")


def _watch(project: Project, environment: str | None, answers: Answers, wait: float) -> None:
    """Push at every save, until Ctrl-C."""
    from limbeck.cli.terminal import say
    from limbeck.push import planning, watching

    project = replace(project, afresh=True)
    planning.refuse_protected(project.profile(environment))
    with suppress(KeyboardInterrupt), watching.interruptible() as ended:
        watching.begin_afresh(project)
        while True:
            before = watching.snapshot(project)
            try:
                _push_once(project, environment, answers, wait)
                answers = replace(answers, renames=())  # which are done
            except LimbeckError as error:
                say(error.message, label="Error:", colour="red")
                if error.hint:
                    say(error.hint, label="Hint:", colour="yellow")
            watching.begin_afresh(project)
            watching.wait(project, before, ended)
    say("")


def _push_once(project: Project, environment: str | None, answers: Answers, wait: float) -> None:
    from datetime import datetime

    from limbeck.output import pushes
    from limbeck.project import urls
    from limbeck.push import applying, planning

    listen = _without_stages(Narrator())
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)
    plan = planning.plan(project, profile, database, answers=answers, listen=listen)
    report = applying.push(plan, wait=wait, listen=listen)
    answer(pushes.line(report, datetime.now().astimezone()))


def _without_stages(listen: Callable[[Event], None]) -> Callable[[Event], None]:
    """Return a listener that prints one line a push, and what keeps it from going on."""
    from limbeck.events import StageProgress, StageStarted

    def heard(event: Event) -> None:
        if not isinstance(event, StageStarted | StageProgress):
            listen(event)

    return heard
