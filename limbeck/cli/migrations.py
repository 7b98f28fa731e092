"""The commands `migrate` and `rollback`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from limbeck import shell
from limbeck.cli import gates
from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, completed, environment, tenant, yes
from limbeck.cli.plans import RunOptions, carry_out, plan_options
from limbeck.cli.terminal import agreed, interactive, note, say
from limbeck.errors import LimbeckError, MigrationError, NotConfirmedError, PushedError
from limbeck.stages import waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limbeck.events import Listener
    from limbeck.lint.linting import Report as Hazards
    from limbeck.phased.gates.waiting import Through
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.run.plan import Plan


@command()
@environment
@click.option(
    "--to",
    metavar="REV",
    default="head",
    shell_complete=completed("revisions"),
    help="Stop after this revision.",
)
@click.option(
    "--allow",
    metavar="HAZARD",
    multiple=True,
    help="Run in spite of this blocking hazard. Repeatable.",
)
@click.option(
    "--rehearse",
    "rehearsed",
    is_flag=True,
    help="Rehearse on a throw-away branch first; stop if that fails.",
)
@click.option("--snapshot", is_flag=True, help="Take a snapshot of the branch first.")
@click.option(
    "--all-databases", is_flag=True, help="Migrate every database of the branch, one by one."
)
@click.option(
    "--through",
    metavar="PHASE",
    type=click.Choice(["expand", "contract"]),
    help="The last phase to run of expanded changes; expand for a protected environment.",
)
@click.option("--contract", is_flag=True, help="Short for --through contract.")
@click.option(
    "--from-baseline",
    is_flag=True,
    help="Create the schema of the history's baseline first, in an empty database.",
)
@click.option(
    "--tenant",
    "only",
    metavar="NAME",
    multiple=True,
    help="Migrate this tenant alone, and nothing that exists once. Repeatable.",
)
@click.option(
    "--at-once",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many tenants to migrate at the same time; 4 if omitted.",
)
@plan_options
@yes
@as_json
def migrate(  # noqa: C901 - databases, schemas, or many of both
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
    from_baseline: bool,
    only: tuple[str, ...],
    at_once: int | None,
    dry_run: bool,
    script: bool,
    wait: float,
    every: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Apply pending revisions: show the plan, ask, run.

    Each revision runs in its own transaction. For a protected environment, limbeck refuses a plan
    with a blocking hazard (see limbeck lint) and asks you to type the environment's name; without
    a terminal, --yes is required.
    """
    # First: what the project's interpreter imports takes longer than what limbeck does.
    project = invocation.project(running=True)

    from limbeck.project import places, urls
    from limbeck.project import profile as profiles
    from limbeck.run import databases as run
    from limbeck.run import own_objects
    from limbeck.run.hooks import Hooks

    listen = Narrator()
    if profiles.is_fleet(project.profiles_dir, environment):
        from limbeck.cli import everywhere

        everywhere.migrate(**click.get_current_context().params)
        return
    profile = project.profile(environment)
    phase: Through | None = "contract" if contract else through
    if project.tenants is not None:
        from limbeck.cli import tenants
        from limbeck.tenants.migrating import Where

        tenants.refuse_options(click.get_current_context().params)
        where = Where(
            project,
            profile,
            urls.database(project, profile, listen),
            to=to,
            through=phase,
            allow_used=gates.STILL_USED in allow,
            hooks=Hooks.of(project),
            listen=listen,
        )
        options = RunOptions(
            dry_run=dry_run, script=script, wait=wait, yes=yes, as_json=as_json, every=every
        )
        tenants.migrate(where, options, only=only, at_once=at_once, allow=allow)
        return
    databases = _databases(project, profile, listen, several=all_databases)
    hooks = Hooks.of(project)
    planned = partial(
        run.plans,
        project,
        profile,
        databases,
        to=to,
        through=phase,
        allow_used=gates.STILL_USED in allow,
        from_baseline=from_baseline,
        hooks=hooks,
        listen=listen,
    )
    try:
        plans = planned()
    except PushedError as error:
        asks = error.resets and not (dry_run or script or all_databases)
        if not (asks and _reset(project, profile, error)):
            raise
        plans = planned()
    if phase == "contract" and not dry_run:
        gates.refuse_waiting(plans)
    hazards = [
        _gate(plan, allow, dry_run=dry_run, every=every)
        if plan.protected and plan.revisions and not script
        else None
        for plan in plans
    ]
    if not (dry_run or script):
        for plan in plans:
            own_objects.refuse(plan.own, plan.environment, allow)
    if not all(plan.is_empty for plan in plans) and not (dry_run or script):
        if rehearsed:
            _rehearse(project, profile)
        if snapshot:
            _keep(project, profile)
    options = RunOptions(
        dry_run=dry_run,
        script=script,
        wait=wait,
        yes=yes,
        as_json=as_json,
        every=every,
        keep=lambda: places.place(project, profile, listen),
    )
    carry_out(plans, options, hazards, several=all_databases)


@command()
@tenant
@environment
@click.option(
    "-n",
    "steps",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many revisions to downgrade.",
)
@click.option(
    "--to",
    metavar="REV",
    shell_complete=completed("revisions"),
    help="Downgrade to this revision, or to base.",
)
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
    every: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Downgrade revisions, newest first.

    Objects that a revision added are dropped, with the data in them.
    """
    from limbeck.project import profile as profiles
    from limbeck.project import urls
    from limbeck.run import planning
    from limbeck.run.hooks import Hooks

    listen = Narrator()
    project = invocation.project()
    if profiles.is_fleet(project.profiles_dir, environment):
        from limbeck.cli import everywhere

        everywhere.rollback(**click.get_current_context().params)
        return
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)
    hooks = Hooks.of(project)
    plan = planning.rollback_plan(
        project, profile, database, steps=steps, to=to, hooks=hooks, listen=listen
    )
    options = RunOptions(
        dry_run=dry_run, script=script, wait=wait, yes=yes, as_json=as_json, every=every
    )
    carry_out([plan], options)


def _databases(
    project: Project, profile: Profile, listen: Listener, *, several: bool
) -> Sequence[Database]:
    """Return the database of an environment, or every one of its branch."""
    from limbeck.project import places, urls

    if several:
        return places.databases(project, profile, listen)
    return [urls.database(project, profile, listen)]


def _reset(project: Project, profile: Profile, error: PushedError) -> bool:
    """Offer to reset a branch that was pushed to; return whether it was reset.

    Raises:
        NotConfirmedError: the answer is no.

    """
    if not interactive():
        return False
    from limbeck.branches import base
    from limbeck.output import rehearsals
    from limbeck.project import places
    from limbeck.run import losses

    try:
        provider, name = places.place(project, profile, Narrator())
        branch = base.resettable(provider.all(), name, None)
    except LimbeckError:  # it has no parent, or children, or is no branch at all
        return False
    say(error.message)
    note(
        rehearsals.losses_text(losses.losses(project, provider, name), f"reset to {branch.parent}")
    )
    if not agreed(f"Reset {branch.name} to {branch.parent}, and migrate it?"):
        raise NotConfirmedError("not confirmed; nothing was done", hint=error.hint)
    with waiting(Narrator(), f"resetting {branch.name} to {branch.parent}"):
        provider.reset(branch.name)
    note(f"Reset {branch.name} to {branch.parent}")
    return True


def _rehearse(project: Project, profile: Profile) -> None:
    """Rehearse the plan on a copy of the environment, and stop when that fails."""
    from limbeck.output import rehearsals
    from limbeck.run import rehearse

    rehearsal = rehearse.rehearse(project, profile, listen=Narrator())
    note(rehearsals.rehearsal_text(rehearsal))
    if not rehearsal.good:
        raise MigrationError(
            f"the rehearsal failed; {profile.name} was not changed",
            hint="Correct the rows or the revision, then run `limbeck rehearse` again.",
        )


def _keep(project: Project, profile: Profile) -> None:
    """Take a snapshot of the branch before the plan runs."""
    from datetime import UTC, datetime

    from limbeck.project import places

    place = places.place(project, profile, Narrator())
    label = f"{place.branch} before {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    snapshot = place.provider.snapshot(place.branch, label)
    restore = shell.command("limbeck", "branches", "restore", place.branch, snapshot)
    note(f"Took a snapshot. To restore it: {restore}")


def _gate(plan: Plan, allow: tuple[str, ...], *, dry_run: bool, every: bool) -> Hazards | None:
    """Print the hazards of a plan on stderr; refuse blocking ones unless this is a dry run."""
    from limbeck.output.hazards import hazards_text
    from limbeck.run import hazards

    report = hazards.look(plan, Narrator())
    if report is not None and report.hazards:
        note(hazards_text(report), every=every)
    if not dry_run:
        hazards.refuse(report, [code for code in allow if code not in gates.BESIDE_HAZARDS])
    return report
