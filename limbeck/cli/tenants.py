"""The commands of projects with tenants: `tenants`, and what others do there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import CONTEXT, Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environment
from limbeck.cli.terminal import answer, confirm_plan, note
from limbeck.errors import ConfigurationError, MigrationError, NotConfirmedError
from limbeck.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from limbeck.cli.plans import RunOptions
    from limbeck.generate.answers import Answers
    from limbeck.phased.backfill.running import Report as Filled
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.run.plan import Plan
    from limbeck.tenants.migrating import TenantsPlan, Where


@click.group(context_settings=CONTEXT)
def tenants() -> None:
    """List and create tenants: schemas that hold the same tables.

    The setting `tenants` selects them.
    """


@command("list")
@environment
@as_json
def list_(invocation: Invocation, *, environment: str | None, as_json: bool) -> None:
    """List the tenants."""
    from limbeck.output.data import to_json
    from limbeck.postgres.connect import connect
    from limbeck.tenants import selection

    where = _where(invocation, environment)
    with connect(where.database, read_only=True, listen=where.listen) as connection:
        names = selection.names(connection, where.project)
    answer(to_json({"tenants": list(names)}) if as_json else "\n".join(names), masked=as_json)


@command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@environment
@as_json
def create(
    invocation: Invocation, *, names: tuple[str, ...], environment: str | None, as_json: bool
) -> None:
    """Create tenants, as copies of the setting `template` with its rows, or by the revisions."""
    from limbeck.output.data import to_json
    from limbeck.tenants import creating

    where = _where(invocation, environment)
    for name in names:
        creating.create(where, name)
        if not as_json:
            answer(f"Created {name}.")
    if as_json:
        answer(to_json({"tenants": list(names)}), masked=True)


tenants.add_command(list_)
tenants.add_command(create)


def _where(invocation: Invocation, environment: str | None) -> Where:
    from limbeck.project import urls
    from limbeck.tenants.migrating import Where

    listen = Narrator()
    project = invocation.project()
    if project.tenants is None:
        raise ConfigurationError(
            "the project does not say which schemas are tenants",
            hint='Write it as in [tool.limbeck] tenants = "tenant_*".',
        )
    profile = project.profile(environment)
    return Where(project, profile, urls.database(project, profile, listen), listen=listen)


def refuse_options(options: Mapping[str, object]) -> None:
    """Raise an error if an option is given that has no meaning for tenants yet."""
    names = {
        "script": "--sql",
        "rehearsed": "--rehearse",
        "snapshot": "--snapshot",
        "all_databases": "--all-databases",
        "from_baseline": "--from-baseline",
    }
    if given := [text for name, text in names.items() if options.get(name)]:
        raise ConfigurationError(
            f"{given[0]} is not for projects with tenants", hint="Leave it out; see --dry-run."
        )


def migrate(
    where: Where,
    options: RunOptions,
    *,
    only: Sequence[str],
    at_once: int | None,
    allow: Sequence[str],
) -> None:
    """Migrate what exists once and the tenants; asks once, and exits with 1 where one fails.

    Args:
        where: The environment.
        options: Whether to apply the plan or only print it.
        only: The tenants to migrate; () for all.
        at_once: The number of sessions.
        allow: The hazards to run in spite of.

    """
    from limbeck.output import tenants as output
    from limbeck.output.data import to_json
    from limbeck.tenants import migrating

    plan = migrating.plan(where, only=only)
    for each in plan.plans:
        _gate(each, allow, options)
    if options.dry_run:
        data = to_json(output.plan_data(plan)) if options.as_json else ""
        text = data or output.plan_text(plan, with_sql=True)
        answer(text, masked=options.as_json, every=options.every)
        return
    if where.through == "contract":
        from limbeck.cli import gates

        gates.refuse_waiting([*plan.plans, *(each.plan for each in plan.notable)])
    if not plan.is_empty or plan.notable:
        note(output.plan_text(plan, with_sql=where.profile.protected), every=options.every)
        _confirm(plan, options)
    narrator = Narrator()
    report = migrating.apply(
        where,
        plan,
        at_once=at_once or migrating.AT_ONCE,
        wait=options.wait,
        progress=narrator.bar,
        listen=narrator,
    )
    data = to_json(output.report_data(report)) if options.as_json else ""
    answer(data or output.report_text(report), masked=options.as_json)
    if failed := len(report.failures):
        raise MigrationError(
            f"{failed} of {counted(len(plan.tenants), 'tenant')} failed; the others are migrated",
            hint="Correct what is named above, then migrate again: only these are left.",
        )


def backfill(
    where: Where, change: str | None, options: RunOptions, fill: Callable[..., Filled]
) -> None:
    """Fill in what exists once and the tenants; asks once, and exits with 1 where one fails.

    Args:
        where: The environment.
        change: The name of a change; None for all.
        options: Whether to run the plan or only to estimate it.
        fill: Runs the plan of one of them.

    """
    from limbeck.output import tenant_backfills as output
    from limbeck.output.data import to_json
    from limbeck.tenants import filling

    plan = filling.plan(where, change)
    if options.dry_run:
        estimates = filling.estimates(plan, listen=where.listen)
        if options.as_json:
            answer(to_json(output.plan_data(plan, estimates)), masked=True)
        else:
            note(output.plan_text(plan))
            answer(output.estimates_text(estimates) or "Nothing to fill in.")
        return
    if plan.first is not None:
        note(output.plan_text(plan))
    report = filling.run(
        plan, confirm=partial(confirm_plan, yes=options.yes), fill=fill, listen=where.listen
    )
    data = to_json(output.report_data(report)) if options.as_json else ""
    answer(data or output.report_text(report), masked=options.as_json)
    if failed := len(report.failures):
        raise MigrationError(
            f"{counted(failed, 'tenant')} could not be filled in; the others are",
            hint="Correct what is named above, then run the same command again.",
        )


def _confirm(plan: TenantsPlan, options: RunOptions) -> None:
    first = next((each for each in plan.plans if not each.is_empty), None)
    if first is not None and not confirm_plan(first, yes=options.yes):
        raise NotConfirmedError(
            f"not confirmed: {plan.environment} is unchanged",
            hint=f"Type {plan.environment}, or add --yes.",
        )


def _gate(plan: Plan, allow: Sequence[str], options: RunOptions) -> None:
    """Print the hazards of a plan on stderr; refuse blocking ones unless this is a dry run.

    One plan stands for all tenants that are alike.
    """
    from limbeck.run import own_objects

    if plan.protected and plan.revisions:
        from limbeck.cli import gates
        from limbeck.output.hazards import hazards_text
        from limbeck.run import hazards

        report = hazards.look(plan, Narrator())
        if report is not None and report.hazards:
            note(hazards_text(report), every=options.every)
        if not options.dry_run:
            hazards.refuse(report, [code for code in allow if code not in gates.BESIDE_HAZARDS])
    if not options.dry_run:
        own_objects.refuse(plan.own, plan.environment, allow)


def generate(
    project: Project,
    profile: Profile | None,
    message: str | None,
    answers: Answers,
    *,
    as_json: bool,
) -> None:
    """Write the revisions of both parts."""
    from limbeck.output import revisions
    from limbeck.output import tenants as output
    from limbeck.output.data import to_json
    from limbeck.tenants import generating

    written = generating.revisions(
        project, profile, message=message, answers=answers, listen=Narrator()
    )
    parts = {name: each for name, each in written._asdict().items() if each is not None}
    if as_json:
        data = {"shared": None} | {
            name: revisions.generated_data(each) for name, each in parts.items()
        }
        answer(to_json(data), masked=True)
        return
    texts = {name: revisions.generated_text(each) for name, each in parts.items()}
    answer(output.generated_text(texts))


def status(project: Project, profiles: Sequence[Profile], *, as_json: bool) -> None:
    """Show what exists once and the tenants of each environment."""
    from limbeck.output import tenants as output
    from limbeck.output.data import to_json
    from limbeck.tenants import standing

    listen = Narrator()
    standings = [standing.standing(project, profile, listen) for profile in profiles]
    text = to_json(output.standing_data(standings)) if as_json else output.standing_text(standings)
    answer(text, masked=as_json)
    click.get_current_context().exit(1 if any(each.problem for each in standings) else 0)
