"""Rollouts on the command line: plans shown, confirmed once, carried out in waves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.cli.narrating import Narrator
from limbeck.cli.terminal import agreed, answer, ask, interactive, note, say
from limbeck.errors import MigrationError, NotConfirmedError
from limbeck.plurals import counted, listed

if TYPE_CHECKING:
    from limbeck.cli.fleet_options import Chosen
    from limbeck.fleet.fleet import Overview
    from limbeck.fleet.order import Order
    from limbeck.fleet.outcome import Outcome
    from limbeck.fleet.rollout import Progress
    from limbeck.fleet.selection import Member

_EVERY = 100
"""After how many databases a line is printed where there is no terminal."""


def carry_out(chosen: Chosen, order: Order, *, yes: bool, as_json: bool) -> None:
    """Show the plans, ask once if the fleet is protected, run the waves, answer.

    Raises:
        NotConfirmedError: The answer is no, or there is no terminal.
        CheckFailedError: A blocking hazard is not allowed on a protected fleet.
        MigrationError: Databases failed, or the rollout has stopped at a gate.

    """
    from limbeck.fleet import fleet as overviews
    from limbeck.fleet import rollout, waves
    from limbeck.output import fleets
    from limbeck.output.data import to_json

    overview = chosen.look(order, lint=_is_linted(chosen, order))
    order, overview = _without_contracts(chosen, order, overview)
    members = overviews.chosen(overview, chosen.only)
    if order.verb in {"backfill", "undo"} and chosen.only is None:
        members = overview.members
    _show(chosen, order, overview)
    selection = chosen.fleet.selection
    if not selection.names and selection.shard is None:
        waves.refuse_unknown(chosen.fleet.rollout.canaries, overview.members)
    if members:
        _refuse(chosen, order, overview, members, yes=yes)
    asker = _Asker(yes=yes)
    result = rollout.run(
        chosen.project,
        chosen.fleet,
        overview,
        members,
        order,
        ask=asker,
        tell=_Teller(),
        executor=chosen.executor,
    )
    if as_json:
        answer(to_json(fleets.rollup_data(result)), masked=True)
    else:
        answer(fleets.rollup_text(result, chosen.fleet))
    if result.failed:
        raise MigrationError(
            f"{len(result.failed)} of {counted(len(members), 'database')} failed",
            hint="Correct what is named above, and run the same command again with --only failed.",
        )
    if result.stopped:
        raise (NotConfirmedError if asker.declined else MigrationError)(
            f"the rollout has stopped: {result.stopped}",
            hint="To continue, run the same command again.",
        )


def _without_contracts(chosen: Chosen, order: Order, overview: Overview) -> tuple[Order, Overview]:
    """Return the order without contracts, unless every database is ready for them."""
    from limbeck.fleet import phases

    unready = phases.unready(chosen.fleet, overview, order, chosen.executor)
    if not unready:
        return order, overview
    note(_held_back(unready))
    order = replace(order, through="expand")
    return order, chosen.look(order, lint=_is_linted(chosen, order))


def _is_linted(chosen: Chosen, order: Order) -> bool:
    """Return whether the plans are traced on the shadow first, as those of one environment are."""
    return order.verb == "migrate" and chosen.fleet.profile.protected


def _held_back(unready: Sequence[Outcome]) -> str:
    names = listed([each.member for each in unready], 5)
    first = unready[0]
    return (
        f"The contract waits on every database: {counted(len(unready), 'database')} not ready "
        f"({names})\n    {first.reason}" + (f"\n    {first.hint}" if first.hint else "")
    )


def _show(chosen: Chosen, order: Order, overview: Overview) -> None:
    from limbeck.output import fleets

    if order.verb == "undo":
        note(
            f"Restores each database to its state before the contract of {order.to}. What was "
            "written since stays on branches of its own."
        )
    if order.verb in {"backfill", "undo"}:
        return
    protected = chosen.fleet.profile.protected
    note(fleets.plans_text(overview.groups, with_sql=protected))


def _refuse(
    chosen: Chosen, order: Order, overview: Overview, members: Sequence[Member], *, yes: bool
) -> None:
    """Refuse blocking hazards on a protected fleet, and ask about it once.

    Without a terminal, a question between two waves is refused before the first one.
    """
    from limbeck.cli import gates
    from limbeck.run import hazards

    if chosen.fleet.rollout.ask and not (yes or interactive()):
        raise NotConfirmedError(
            "there is no terminal to ask on between two waves; nothing was done",
            hint="Use --gate COMMAND instead of --ask, or add --yes.",
        )
    if not (chosen.fleet.profile.protected or order.verb == "undo"):
        return
    codes = [code for code in order.allow if code not in gates.BESIDE_HAZARDS]
    for group in overview.groups:
        hazards.refuse(group.hazards, codes)
    if yes:
        return
    name = chosen.fleet.name or chosen.fleet.profile.name
    if not interactive():
        lost = order.verb == "undo"
        why = "rows written since then go" if lost else f"{name} is protected"
        raise NotConfirmedError(
            f"{why} and there is no terminal to ask on; nothing was done",
            hint="Add --yes if the plan above is intended.",
        )
    question = f"Type {name} to change {counted(len(members), 'database')}: "
    if ask(question) != name:
        raise NotConfirmedError(
            f"not confirmed: {name} is unchanged", hint=f"Type {name}, or add --yes."
        )


class _Asker:
    """Asks between two waves, and remembers whether an answer was no."""

    def __init__(self, *, yes: bool) -> None:
        self.yes = yes
        self.declined = False

    def __call__(self, question: str) -> bool:
        """Return whether to go on."""
        if self.yes:
            return True
        self.declined = not agreed(question)
        return not self.declined


class _Teller:
    """Prints how far a rollout is: a line that moves on a terminal, else one now and then."""

    def __init__(self) -> None:
        self.line = Narrator().progress
        self.wave = 0
        self.next = _EVERY

    def __call__(self, progress: Progress) -> None:
        """Print the progress, and each failure at once."""
        outcome = progress.outcome
        if outcome is not None and outcome.failed:
            say(f"{outcome.member}: {outcome.reason}")
        failed = f", {progress.failed} failed" if progress.failed else ""
        wave = f"wave {progress.wave} of {progress.waves}"
        done = f"{progress.done} of {progress.total} databases{failed}"
        if self.line:
            self.line.move(wave, progress.done, progress.total, done)
        elif progress.wave != self.wave or progress.done in {progress.total, self.next}:
            say(f"{wave}: {done}")
            self.next = progress.done + _EVERY
        self.wave = progress.wave
