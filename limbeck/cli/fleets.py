"""The command group `fleet`: one history on many databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.fleet_options import Chosen, rollout_options, selecting
from limbeck.cli.invocation import CONTEXT, Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, yes
from limbeck.cli.terminal import answer, answer_script, note
from limbeck.errors import CheckFailedError

if TYPE_CHECKING:
    from limbeck.fleet.fleet import Overview
    from limbeck.phased.gates.waiting import Through


@click.group(context_settings=CONTEXT)
def fleet() -> None:
    """Migrate many databases with one history, in waves.

    One option, or a profile env_profiles/NAME.fleet.env, selects the databases. There is one plan
    and one lint for all databases that stand alike.
    """


@command()
@selecting
@as_json
@click.pass_context
def status(ctx: click.Context, /, invocation: Invocation, *, as_json: bool, **options: Any) -> None:
    """Show which databases are where.

    The exit code is 1 when a database could not be read.
    """
    with Chosen.of(invocation, options) as chosen:
        overview = chosen.look()
    _show(chosen, overview, as_json=as_json)
    ctx.exit(1 if overview.unreachable else 0)


@command()
@selecting
@click.option("--to", metavar="REV", help="Stop after this revision.")
@click.option(
    "--sql", "script", is_flag=True, help="Print each plan as a script for psql and stop."
)
@as_json
@click.pass_context
def plan(
    ctx: click.Context,
    /,
    invocation: Invocation,
    *,
    to: str | None,
    script: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Show the plans: one for all databases that stand alike, with its SQL and hazards.

    The exit code is 1 when a database could not be read.
    """
    from limbeck.fleet.order import Order
    from limbeck.output import fleets

    with Chosen.of(invocation, options) as chosen:
        overview = chosen.look(Order("migrate", to=to), lint=not script)
    if script:
        plans = [group.plan for group in overview.groups if group.plan and group.is_pending]
        answer_script("\n".join(each.script() for each in plans))
    elif as_json:
        _show(chosen, overview, as_json=True)
    else:
        answer(fleets.overview_text(overview, chosen.fleet))
        answer(f"\n{fleets.plans_text(overview.groups, with_sql=True)}")
    ctx.exit(1 if overview.unreachable else 0)


@command()
@selecting
@rollout_options
@click.option("--to", metavar="REV", help="Stop after this revision.")
@click.option(
    "--through",
    metavar="PHASE",
    type=click.Choice(["expand", "contract"]),
    help="The last phase to run of expanded changes; expand for a protected fleet.",
)
@click.option(
    "--allow", metavar="HAZARD", multiple=True, help="Run in spite of this hazard. Repeatable."
)
@click.option(
    "--from-baseline",
    is_flag=True,
    help="Create the schema of the history's baseline first, in empty databases.",
)
@yes
@as_json
def migrate(
    invocation: Invocation,
    *,
    to: str | None,
    through: Through | None,
    allow: tuple[str, ...],
    from_baseline: bool,
    wait: float,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Apply pending revisions: canaries first, then wave after wave.

    What is done is recorded in each database. After an interruption the same command goes on where
    it stopped. Contracts run only when every database is ready for them.
    """
    from limbeck.cli import rollouts
    from limbeck.fleet.order import Order

    order = Order(
        "migrate", to=to, through=through, allow=allow, from_baseline=from_baseline, wait=wait
    )
    with Chosen.of(invocation, options) as chosen:
        rollouts.carry_out(chosen, order, yes=yes, as_json=as_json)


@command()
@selecting
@rollout_options
@click.option("--to", metavar="REV", required=True, help="Downgrade to this revision, or to base.")
@yes
@as_json
def rollback(
    invocation: Invocation, *, to: str, wait: float, yes: bool, as_json: bool, **options: Any
) -> None:
    """Downgrade to a revision, also after a rollout that has stopped half-way.

    Databases that never came to the revision stay as they are.
    """
    from limbeck.cli import rollouts
    from limbeck.fleet.order import Order

    with Chosen.of(invocation, options) as chosen:
        rollouts.carry_out(chosen, Order("rollback", to=to, wait=wait), yes=yes, as_json=as_json)


@command()
@selecting
@rollout_options
@yes
@as_json
def backfill(
    invocation: Invocation, *, wait: float, yes: bool, as_json: bool, **options: Any
) -> None:
    """Fill in the rows of expanded changes in every database, and verify them."""
    from limbeck.cli import rollouts
    from limbeck.fleet.order import Order

    with Chosen.of(invocation, options) as chosen:
        rollouts.carry_out(chosen, Order("backfill", wait=wait), yes=yes, as_json=as_json)


@command()
@click.argument("change")
@selecting
@rollout_options
@yes
@as_json
def undo(
    invocation: Invocation, *, change: str, wait: float, yes: bool, as_json: bool, **options: Any
) -> None:
    """Restore branches at Neon to their state before the contract of a change.

    Databases that do not have the contract stay as they are. What was written since then is kept
    on branches of its own. limbeck asks first.
    """
    from limbeck.cli import rollouts
    from limbeck.fleet import undoing
    from limbeck.fleet.order import Order

    with Chosen.of(invocation, options) as chosen:
        undoing.refuse_others(chosen.fleet)
        rollouts.carry_out(chosen, Order("undo", to=change, wait=wait), yes=yes, as_json=as_json)


@command()
@selecting
@as_json
@click.pass_context
def check(ctx: click.Context, /, invocation: Invocation, *, as_json: bool, **options: Any) -> None:
    """For CI: fail when a database is behind, has drifted or cannot be read.

    Databases with one catalog form a group; each group is compared once with its revisions.
    """
    from limbeck.fleet import drift
    from limbeck.output import fleets
    from limbeck.output.data import to_json

    with Chosen.of(invocation, options) as chosen:
        overview = chosen.look(contents=True)
        differences = drift.differences(overview, Narrator())
    if as_json:
        data = fleets.overview_data(overview)
        answer(to_json({**data, "alike": fleets.differences_data(differences)}), masked=True)
    else:
        answer(fleets.overview_text(overview, chosen.fleet))
        answer(f"\n{fleets.differences_text(differences)}")
    good = {group.state for group in overview.groups} <= {"head", "waiting"}
    drifted = any(each.changes for each in differences)
    failed = drifted or overview.unreachable or not good
    ctx.exit(CheckFailedError.exit_code if failed else 0)


@command()
@selecting
@as_json
@click.pass_context
def lint(ctx: click.Context, /, invocation: Invocation, *, as_json: bool, **options: Any) -> None:
    """Lint the pending revisions once for all databases that stand alike.

    The exit code is 3 when there is a blocking hazard, and 1 when a database could not be read.
    """
    from limbeck.fleet.order import Order
    from limbeck.output import fleets

    with Chosen.of(invocation, options) as chosen:
        overview = chosen.look(Order("migrate", through="contract"), lint=True)
    if as_json:
        _show(chosen, overview, as_json=True)
    else:
        answer(fleets.plans_text(overview.groups, with_sql=False))
        for text in fleets.unreachable_texts(overview, chosen.fleet):
            note(text)
    blocking = any(group.hazards and group.hazards.blocking for group in overview.groups)
    ctx.exit(CheckFailedError.exit_code if blocking else int(bool(overview.unreachable)))


@command()
@click.argument("name")
@selecting
@click.option("--template", metavar="NAME", help="The database or branch that is copied.")
@as_json
def create(
    invocation: Invocation, *, name: str, template: str | None, as_json: bool, **options: Any
) -> None:
    """Create a tenant at the head: a copy of a template that is migrated first."""
    from limbeck.fleet import creating
    from limbeck.output.data import to_json

    with Chosen.of(invocation, options) as chosen:
        tenant = creating.create(chosen.project, chosen.fleet, name, template, Narrator())
    if as_json:
        data = {"name": tenant.name, "destination": tenant.destination, "current": tenant.current}
        answer(to_json({**data, "template": tenant.template}), masked=True)
        return
    if tenant.listed is not None:
        note(f"Added {tenant.name} to {tenant.listed}")
    answer(f"{tenant.destination} is at {', '.join(tenant.current) or 'base'}")


def _show(chosen: Chosen, overview: Overview, *, as_json: bool) -> None:
    from limbeck.output import fleets
    from limbeck.output.data import to_json

    if as_json:
        answer(to_json(fleets.overview_data(overview)), masked=True)
    else:
        answer(fleets.overview_text(overview, chosen.fleet))


for each in (status, plan, migrate, rollback, backfill, undo, check, lint, create):
    fleet.add_command(each)
