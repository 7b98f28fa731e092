"""migrate and rollback: databases that follow the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from limbeck.cli import gates
from limbeck.cli.invocation import Invocation, as_json, command, environment, yes
from limbeck.cli.plans import Way, carry_out, plan_options
from limbeck.cli.terminal import Narrator, note
from limbeck.errors import MigrationError

if TYPE_CHECKING:
    from limbeck.lint.linting import Report as Hazards
    from limbeck.phased.gates.waiting import Through
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.run.planning import Plan


@command()
@environment
@click.option("--to", metavar="REV", default="head", help="Stop after this revision.")
@click.option(
    "--allow",
    metavar="HAZARD",
    multiple=True,
    help="Go on in spite of this blocking hazard; may be given many times.",
)
@click.option(
    "--rehearse",
    "rehearsed",
    is_flag=True,
    help="First on a throw-away branch; stop when that fails.",
)
@click.option("--snapshot", is_flag=True, help="Keep what the branch is now, to be restored.")
@click.option("--all-databases", is_flag=True, help="Every database of the branch, one by one.")
@click.option(
    "--through",
    metavar="PHASE",
    type=click.Choice(["expand", "contract"]),
    help="How far changes without downtime go; expand where the environment is protected.",
)
@click.option("--contract", is_flag=True, help="The same as --through contract.")
@plan_options
@yes
@as_json
def migrate(
    invocation: Invocation,
    *,
    environment: str | None,
    to: str,
    rehearsed: bool,
    snapshot: bool,
    all_databases: bool,
    through: Through | None,
    contract: bool,
    allow: tuple[str, ...],
    dry_run: bool,
    script: bool,
    wait: float,
    yes: bool,
    as_json: bool,
) -> None:
    """Show the plan, ask, apply pending revisions.

    Each revision runs in a transaction of its own. A protected environment refuses a plan with a
    blocking hazard (limbeck lint), and asks for its name to be typed; without a terminal it needs
    --yes.
    """
    from limbeck.project import places, urls
    from limbeck.run import planning
    from limbeck.run.hooks import Hooks

    listen = Narrator()
    project = invocation.project()
    profile = project.profile(environment)
    databases = (
        places.databases(project, profile, listen)
        if all_databases
        else [urls.database(project, profile, listen)]
    )
    hooks = Hooks.of(project)
    phase: Through | None = "contract" if contract else through
    plans = [
        planning.plan(
            project,
            profile,
            one,
            to=to,
            through=phase,
            allow_used=gates.STILL_USED in allow,
            hooks=hooks,
            listen=listen,
        )
        for one in databases
    ]
    if phase == "contract" and not dry_run:
        gates.refuse_waiting(plans)
    found = [
        _gate(plan, allow, dry_run=dry_run)
        if plan.protected and plan.revisions and not script
        else None
        for plan in plans
    ]
    if any(plan.revisions for plan in plans) and not (dry_run or script):
        if rehearsed:
            _rehearse(project, profile)
        if snapshot:
            _keep(project, profile)
    way = Way(
        dry_run=dry_run,
        script=script,
        wait=wait,
        yes=yes,
        as_json=as_json,
        keep=lambda: places.place(project, profile, listen),
    )
    carry_out(plans, way, found, several=all_databases)


@command()
@environment
@click.option(
    "-n",
    "steps",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many revisions.",
)
@click.option("--to", metavar="REV", help="Take back everything after this revision, or base.")
@plan_options
@yes
@as_json
def rollback(
    invocation: Invocation,
    *,
    environment: str | None,
    steps: int,
    to: str | None,
    dry_run: bool,
    script: bool,
    wait: float,
    yes: bool,
    as_json: bool,
) -> None:
    """Take revisions back, newest first.

    What the revision added is dropped, with the data in it.
    """
    from limbeck.project import urls
    from limbeck.run import planning
    from limbeck.run.hooks import Hooks

    listen = Narrator()
    project = invocation.project()
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)
    hooks = Hooks.of(project)
    plan = planning.rollback_plan(
        project, profile, database, steps=steps, to=to, hooks=hooks, listen=listen
    )
    way = Way(dry_run=dry_run, script=script, wait=wait, yes=yes, as_json=as_json)
    carry_out([plan], way)


def _rehearse(project: Project, profile: Profile) -> None:
    """Run it on a copy before anything is done to the environment."""
    from limbeck.output import rehearsals
    from limbeck.run import rehearse

    found = rehearse.rehearse(project, profile, listen=Narrator())
    note(rehearsals.rehearsal_text(found))
    if not found.good:
        raise MigrationError(
            f"the rehearsal failed; nothing was done to {profile.name}",
            hint="Correct the rows or the revision; limbeck rehearse tries again.",
        )


def _keep(project: Project, profile: Profile) -> None:
    """Keep what the branch is before anything is done to it."""
    from datetime import UTC, datetime

    from limbeck.project import places

    place = places.place(project, profile, Narrator())
    label = f"{place.branch} before {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    kept = place.provider.snapshot(place.branch, label)
    note(f'Kept as a snapshot; back: limbeck branches restore "{place.branch}" "{kept}"')


def _gate(plan: Plan, allow: tuple[str, ...], *, dry_run: bool) -> Hazards | None:
    """Say the hazards of a plan on stderr, and refuse the blocking ones unless nothing will run."""
    from limbeck.output.hazards import hazards_text
    from limbeck.run import hazards

    report = hazards.look(plan, Narrator())
    if report is not None and report.hazards:
        note(hazards_text(report))
    if not dry_run:
        hazards.refuse(report, [one for one in allow if one != gates.STILL_USED])
    return report
