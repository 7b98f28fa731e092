"""The command `init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, yes
from limbeck.cli.terminal import answer, confirm, note
from limbeck.errors import CheckFailedError, ConfigurationError
from limbeck.plurals import counted

if TYPE_CHECKING:
    from limbeck.project.project import Project
    from limbeck.project.scaffold import Scaffold
    from limbeck.run.trial import Trial
    from limbeck.run.understanding import Understanding


@command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--models", metavar="MODULE:NAME", help="Where the metadata is defined.")
@click.option(
    "--alembic-ini",
    "ini",
    metavar="PATH[:SECTION]",
    help="What describes the history, where there are several.",
)
@click.option("--neon", is_flag=True, help="Environments are branches of a Neon project.")
@click.option(
    "--try",
    "trying",
    is_flag=True,
    help="Compare history, database and models; write nothing.",
)
@click.option(
    "-e", "--env", "environment", metavar="NAME", help="With --try: compare this environment."
)
@click.option("--url", metavar="URL", help="With --try: compare this database.")
@yes
@as_json
@click.pass_context
def init(
    ctx: click.Context,
    invocation: Invocation,
    *,
    folder: str | None,
    models: str | None,
    ini: str | None,
    neon: bool,
    trying: bool,
    environment: str | None,
    url: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Set limbeck up in a project, new or existing.

    limbeck says what it understands, shows every file and asks. Existing files stay unchanged; an
    existing history (alembic.ini and its versions) is adopted. --neon also changes existing
    profiles: those with DATABASE_URL=local.

    --try replays the history on a scratch server, and compares it with a database and with the
    models. It writes nothing; the exit code is 3 when something differs.
    """
    from limbeck.project import scaffold
    from limbeck.project.apart import apart

    _refuse_mixed(trying=trying, environment=environment, url=url)
    root = Path(folder or invocation.directory or ".").resolve()
    plan = scaffold.plan(root, models=models, ini=ini, neon=neon)
    if trying:
        with apart(plan.project) as project:
            trial = _tried(plan, project, environment, url, as_json=as_json)
        ctx.exit(0 if trial.agrees else CheckFailedError.exit_code)
    _show(plan, _understood(plan), as_json=as_json)
    if not plan.changes:
        note("Nothing to do: every file exists.")
        return
    confirm(f"Write {counted(len(plan.changes), 'file')}?", yes=yes)
    scaffold.write(plan)
    if not as_json:
        _continue(plan)


def _refuse_mixed(*, trying: bool, environment: str | None, url: str | None) -> None:
    if environment is not None and url is not None:
        raise ConfigurationError("-e and --url exclude each other", hint="Give one of them.")
    if not trying and (environment or url) is not None:
        raise ConfigurationError("-e and --url are for --try", hint="limbeck init --try")


def _understood(plan: Scaffold) -> Understanding | None:
    """Return what limbeck understands of the project; None where there are no models yet."""
    from limbeck.project.apart import apart
    from limbeck.run.understanding import understand

    if plan.missing or not (plan.code or plan.adopted):
        return None
    with apart(plan.project) as project:
        return understand(project)


def _tried(
    plan: Scaffold, project: Project, environment: str | None, url: str | None, *, as_json: bool
) -> Trial:
    from limbeck.output import scaffolds, trials
    from limbeck.output.data import to_json
    from limbeck.postgres.database import Database
    from limbeck.run import trial as verb
    from limbeck.run.understanding import understand

    listen = Narrator()
    profile = database = None
    if environment is not None:
        profile, database = verb.find(plan.project, environment, listen)
    elif url is not None:
        database = Database.from_url("database", url, listen=listen)
    understood = understand(project)
    trial = verb.attempt(project, profile, database, listen=listen)
    if as_json:
        answer(
            to_json({**scaffolds.plan_data(plan, understood), **trials.data(trial)}), masked=True
        )
        return trial
    answer("\n".join([*scaffolds.about(plan, understood), trials.text(trial)]))
    note("Nothing was written." + (" Set limbeck up: limbeck init" if plan.changes else ""))
    return trial


def _show(plan: Scaffold, understood: Understanding | None, *, as_json: bool) -> None:
    from limbeck.output import scaffolds
    from limbeck.output.data import to_json

    if as_json:
        answer(to_json(scaffolds.plan_data(plan, understood)), masked=True)
    else:
        answer(scaffolds.plan(plan, understood))


def _continue(plan: Scaffold) -> None:
    from limbeck.output import scaffolds
    from limbeck.run import doctor

    for name, value in doctor.facts():
        answer(f"{name}: {value}")
    answer(scaffolds.next_steps(plan))
