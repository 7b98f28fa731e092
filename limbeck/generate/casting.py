"""The question how the values of a column become those of another type: `--using`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field

import psycopg

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, NotConfirmedError
from limbeck.generate.answers import Answers
from limbeck.generate.questions import inverse, within
from limbeck.postgres.connect import Connection, connect
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff import renaming, retypes
from limbeck.schema.diff.retypes import Cast
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql import quoting
from limbeck.schema.sql.quoting import quote, schema_and_name
from limbeck.shadow.replay import Replay
from limbeck.shell import command

_WHOLE = 3  # schema, table, column


@dataclass(frozen=True, slots=True)
class Conversions:
    """The expressions that convert values, by column: of the upgrade and of the downgrade."""

    upgrade: Mapping[Address, str] = field(default_factory=dict)
    downgrade: Mapping[Address, str] = field(default_factory=dict)


def agree(
    replay: Replay, before: Catalog, after: Catalog, renames: Sequence[Rename], answers: Answers
) -> Conversions:
    """Return the expressions that are given, or asked for, and tried on the shadow.

    Args:
        replay: The history, whose tables the expressions are tried on.
        before: The catalog of the history.
        after: The catalog of the models.
        renames: The confirmed renames.
        answers: The expressions that are given, and whom to ask.

    Raises:
        ConfigurationError: An expression is for a column that does not change its type, or
            Postgres refuses it.
        NotConfirmedError: A cast needs a decision, and there is no one to ask.

    """
    if not answers.using and not _retyped(before, after, renames):
        return Conversions()
    moved = renaming.apply(before, after, renames)[0] if renames else before
    given = _given(answers.using, moved, after, renames)
    open_ = [cast for cast in retypes.undecided(moved, after) if cast.after.address not in given]
    chosen = given | _asked(open_, answers)
    if chosen:
        _try(replay, moved, after, chosen)
    return Conversions(chosen, _inverses(chosen, moved, after, renames))


def _retyped(before: Catalog, after: Catalog, renames: Sequence[Rename]) -> bool:
    """Return whether any column may change its type; most changes have none."""
    return bool(renames) or any(
        isinstance(old := change.before, Column)
        and isinstance(new := change.after, Column)
        and old.type != new.type
        for change in before.changes_to(after)
    )


def _given(
    using: Mapping[str, str], before: Catalog, after: Catalog, renames: Sequence[Rename]
) -> dict[Address, str]:
    given = {}
    for name, expression in using.items():
        names = quoting.names(name)
        address = Address("column", *names) if len(names) == _WHOLE else Address("column", "", "")
        address = _moved(address, renames)
        was, now = before.objects.get(address), after.objects.get(address)
        if not (isinstance(was, Column) and isinstance(now, Column) and was.type != now.type):
            raise ConfigurationError(
                f"--using {name}: no column of this name changes its type",
                hint="Write its full name: --using 'public.books.pages=pages::integer'",
            )
        given[address] = expression
    return given


def _moved(address: Address, renames: Sequence[Rename]) -> Address:
    """Return the address of a column after all renames."""
    for rename in renames:
        address = rename.after if address == rename.before else within(address, rename)
    return address


def _asked(casts: Sequence[Cast], answers: Answers) -> dict[Address, str]:
    if casts and answers.ask_cast is None:
        lines = "".join(f"\n  {cast}" for cast in casts)
        flags = " ".join(command("--using", f"{c.name}={c.usual or 'EXPRESSION'}") for c in casts)
        raise NotConfirmedError(
            f"this change of types needs a decision; {answers.otherwise}:{lines}",
            hint=f"Say how the values are computed: {flags}",
        )
    asked = {}
    for cast in casts:
        expression = answers.ask_cast(cast) if answers.ask_cast else None
        if not expression:
            raise NotConfirmedError(f"not confirmed; {answers.otherwise}")
        asked[cast.after.address] = expression
    return asked


def _inverses(
    using: Mapping[Address, str], before: Catalog, after: Catalog, renames: Sequence[Rename]
) -> dict[Address, str]:
    """Return the conversions of the downgrade that follow from a time zone in an expression."""
    inverses = {}
    back_names = inverse(renames)
    for address, expression in using.items():
        was, now = before.objects[address], after.objects[address]
        if isinstance(was, Column) and isinstance(now, Column):
            sorts = (
                retypes.sort(was.type, before.objects.get),
                retypes.sort(now.type, after.objects.get),
            )
            place = _moved(address, back_names)
            back = retypes.inverse(place.part, now.name, sorts, expression)
            if back is not None:
                inverses[place] = back
    return inverses


def _try(replay: Replay, before: Catalog, after: Catalog, using: Mapping[Address, str]) -> None:
    """Change the types of empty copies of the tables, so that an error names the expression."""
    with (
        replay.shadow.scratch(replay.template()) as database,
        connect(database) as connection,
    ):
        for address, expression in using.items():
            column = after.objects[address]
            if isinstance(column, Column):
                _try_one(connection, column, _copied(before, address), expression)


def _copied(catalog: Catalog, address: Address) -> Sequence[Column]:
    """Return the columns of a table, under the names that they have when the types change."""
    own = (each for each in catalog.of(Column) if each.address[1:3] == address[1:3])
    return sorted(own, key=lambda column: column.position)


def _try_one(
    connection: Connection, column: Column, columns: Sequence[Column], expression: str
) -> None:
    definitions = ", ".join(f"{quote(each.name)} {each.type}" for each in columns)
    change = f"ALTER TABLE pg_temp.copy ALTER COLUMN {quote(column.name)} TYPE"
    connection.execute(b"DROP TABLE IF EXISTS pg_temp.copy")
    with suppress(psycopg.errors.UndefinedObject):  # a type under its new name: the proof tries it
        connection.execute(f"CREATE TEMP TABLE copy ({definitions})".encode())
        try:
            connection.execute(f"{change} {column.type} USING {expression}".encode())
        except psycopg.Error as error:
            if isinstance(error, psycopg.errors.UndefinedObject) and _names(error, column.type):
                return  # the change itself creates the type
            name = f"{of(column.address)}.{quote(column.name)}"
            raise ConfigurationError(
                f"--using {name}={expression}: {error.diag.message_primary or error}",
                hint=f"Write an expression over a row of the table that gives {column.type}.",
            ) from error


def _names(error: psycopg.Error, type_: str) -> bool:
    return schema_and_name(type_.removesuffix("[]"))[1] in str(error)
