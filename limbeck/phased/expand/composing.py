"""Composes the steps of the expand and contract revisions on a scratch database.

`generate.phased` calls `compose` and writes both revisions from its result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import privileged
from limbeck.errors import ProofError
from limbeck.phased.expand import switching
from limbeck.phased.expand.change import Change
from limbeck.phased.expand.choosing import Choice
from limbeck.phased.online import online
from limbeck.phased.phases import Backfill
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, recreated
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class RevisionSteps:
    """The steps of one revision in both directions."""

    upgrade: tuple[Step, ...]
    downgrade: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Phased:
    """Both revisions, the catalog between them, and the data that their modules carry.

    `expand` has no steps if nothing can be prepared: then the contract is the only revision.
    `plain` are the steps of the contract as one transaction.
    """

    middle: Catalog
    expand: RevisionSteps
    contract: RevisionSteps
    backfills: tuple[Backfill, ...]
    uses: tuple[str, ...]
    plain: tuple[Step, ...] = ()


def compose(database: Database, filters: Filters, change: Change, choice: Choice) -> Phased:
    """Return the steps of a phased change.

    Args:
        database: A scratch database in the state before the change; it is used up.
        filters: Which objects belong to the schema.
        change: The catalogs before and after, and the confirmed renames.
        choice: The recipes and the harmless plain steps.

    Raises:
        ProofError: Postgres refuses one of the steps.

    """
    with connect(database) as connection:
        # Function bodies may name objects that a later step creates.
        connection.execute("SET check_function_bodies = off")
        before, after = change.before, change.after
        # Harmless plain steps come first: triggers and copies may refer to the columns they add.
        harmless = [step for step in choice.first if _runs(step, connection)]
        prepared = [step for recipe in choice.recipes for step in recipe.expand(before)]
        middle, first = _after(prepared, connection, filters), [*harmless, *prepared]
        _fire(prepared, connection)
        # What the recipes leave undone is derived from the catalogs, here and on the way back, so
        # each end is exact whatever a recipe omits.
        replaced = [step for recipe in choice.recipes for step in recipe.contract(middle, after)]
        switched = [step for recipe in choice.recipes for step in recipe.switch()]
        now = _after([*replaced, *switched], connection, filters)
        rest = compare.steps(now, after, change.renamed)
        contract = [*replaced, *switching.switched(choice.recipes, tuple(map(_allowed, rest)))]
        end = _after(rest, connection, filters)
        # Recipes are taken back in reverse: a later one may build on an earlier one's columns.
        back = [step for r in reversed(choice.recipes) for step in r.rollback(middle, end)]
        back += compare.steps(_after(back, connection, filters), middle)
    undone = compare.steps(middle, before)
    return Phased(
        middle,
        RevisionSteps(_online(first, before, middle), _online(undone, middle, before)),
        RevisionSteps(_online(contract, middle, after), _online(back, after, middle)),
        tuple(backfill for recipe in choice.recipes for backfill in recipe.backfill()),
        tuple(name for recipe in choice.recipes for name in recipe.uses),
        tuple(contract),
    )


def _online(steps: Sequence[Step], before: Catalog, after: Catalog) -> tuple[Step, ...]:
    return recreated.preserving(online.steps(steps, before, after), before, after)


def _runs(step: Step, connection: Connection) -> bool:
    """Execute a harmless step; return whether it ran.

    A step fails if it depends on one that waits for the contract. Then it waits, too: the diff
    that follows the contract contains it.
    """
    try:
        privileged.execute(connection, step.sql)
    except psycopg.Error:
        return False
    return True


def _after(steps: Iterable[Step], connection: Connection, filters: Filters) -> Catalog:
    """Execute steps and return the resulting catalog."""
    for step in steps:
        try:
            privileged.execute(connection, step.sql)
        except psycopg.Error as error:
            raise ProofError(
                f"a step of the phased change fails on the shadow: {error}\n{step.sql}",
                hint="Write a single plain revision: limbeck generate --plain.",
            ) from error
    return read(connection, filters=filters)


def _fire(steps: Iterable[Step], connection: Connection) -> None:
    """Insert a row of defaults into each table with a new trigger, and roll it back.

    PL/pgSQL resolves names when a statement first runs, so Postgres also creates a function that
    names a missing column. BEFORE triggers fire before any constraint is checked, so even a row
    that violates one has fired them.

    Raises:
        ProofError: a trigger of the steps cannot run.

    """
    for step in steps:
        table, name = step.address._replace(kind="table", part=""), step.address.part
        if step.address.kind != "trigger" or step.verb != "create":
            continue
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(f"INSERT INTO {of(table)} DEFAULT VALUES".encode())
        except psycopg.Error as error:
            if (error.sqlstate or "").startswith("42") and name in (error.diag.context or ""):
                raise ProofError(
                    f"the trigger {name} on {table.schema}.{table.name} cannot run: {error}",
                    hint="Correct the --value that it sets, over columns of the same table.",
                ) from error


def _allowed(step: Step) -> Step:
    """Return a step without the warning that it loses data: removing it is the contract's task."""
    return replace(step, loses=None)
