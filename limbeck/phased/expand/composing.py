"""The two revisions of a change in phases, as steps that were tried out on a scratch database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import psycopg

from limbeck.errors import ProofError
from limbeck.phased.expand.choosing import Change, Choice
from limbeck.phased.online import online
from limbeck.phased.phases import Backfill
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Way:
    """The steps of one revision, there and back."""

    upgrade: tuple[Step, ...]
    downgrade: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Phased:
    """Both revisions, the catalog between them, and the plain data that they carry.

    `expand` is empty where nothing can be prepared: then the contract revision is all there is.
    """

    middle: Catalog
    expand: Way
    contract: Way
    backfills: tuple[Backfill, ...]
    uses: tuple[str, ...]


def compose(database: Database, kept: Filters, change: Change, choice: Choice) -> Phased:
    """Return the change in phases; `database` holds what it begins with, and is used up.

    Raises:
        ProofError: Postgres refuses one of the steps.

    """
    with connect(database) as connection:
        connection.execute("SET check_function_bodies = off")
        before, after = change.before, change.after
        begun = [step for step in choice.first if _runs(step, connection)]
        more = [s for one in choice.recipes for s in one.expand(before)]
        middle, first = _after(more, connection, kept), [*begun, *more]
        begun = [s for one in choice.recipes for s in one.contract(middle, after)]
        rest = compare.steps(_after(begun, connection, kept), after, change.renamed)
        there = [*begun, *map(_keeps, rest)]
        end = _after(rest, connection, kept)
        back = [s for one in reversed(choice.recipes) for s in one.rollback(middle, end)]
        back += compare.steps(_after(back, connection, kept), middle)
    undone = compare.steps(middle, before)
    return Phased(
        middle,
        Way(online.steps(first, before, middle), online.steps(undone, middle, before)),
        Way(online.steps(there, middle, after), online.steps(back, after, middle)),
        tuple(one for recipe in choice.recipes for one in recipe.backfill()),
        tuple(name for recipe in choice.recipes for name in recipe.uses),
    )


def _runs(step: Step, connection: Connection) -> bool:
    """Carry out a step that may come first; one that needs what waits then waits, too."""
    try:
        connection.execute(step.sql.encode())
    except psycopg.Error:
        return False
    return True


def _after(steps: Iterable[Step], connection: Connection, kept: Filters) -> Catalog:
    """Carry out steps and return the catalog as it is then."""
    for step in steps:
        try:
            connection.execute(step.sql.encode())
        except psycopg.Error as error:
            raise ProofError(
                f"a step of the change in phases does not run on the shadow: {error}\n{step.sql}",
                hint="Make it a plain change: limbeck generate --plain.",
            ) from error
    return read(connection, filters=kept)


def _keeps(step: Step) -> Step:
    return replace(step, loses=None)
