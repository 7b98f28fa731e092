"""Functions whose bodies Postgres refuses at the moment when they are created."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import psycopg

from limbeck.errors import ProofError
from limbeck.generate.proof import UnrunnableError
from limbeck.generate.rendering.body import makes_function
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step

T = TypeVar("T")


class BodiesError(ProofError):
    """Functions have bodies that Postgres refuses even when everything is there."""

    def __init__(self, found: Mapping[Address, str]) -> None:
        lines = [f"  {address}: {said}" for address, said in found.items()]
        super().__init__(
            "Postgres refuses the bodies of functions:\n" + "\n".join(lines),
            hint="Correct them where they are declared beside the models. Nothing was written.",
        )


# The name as a catalog has it, and what CREATE FUNCTION would check the body with.
_FUNCTIONS = """
SELECT n.nspname, format('%%I(%%s)', p.proname, oidvectortypes(p.proargtypes)),
  p.oid, l.lanvalidator::oid::regproc::text
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n
  ON n.oid = p.pronamespace
WHERE n.nspname = ANY (%s) AND l.lanvalidator <> 0
"""


def attempted(steps: Iterable[Step], attempt: Callable[[bool], T]) -> T:
    """Return the first of two attempts that succeeds; the second one leaves bodies unchecked.

    A body in SQL is refused that names its own function, or what comes later; and so is one that
    has been left behind by what it names.

    Args:
        steps: of both ways; without a function among them there is no second attempt.
        attempt: told whether to leave bodies unchecked.

    """
    try:
        return attempt(False)  # noqa: FBT003 - the only argument
    except UnrunnableError:
        if not any(map(makes_function, steps)):
            raise
    return attempt(True)  # noqa: FBT003 - the only argument


def refused(database: Database, before: Catalog, after: Catalog) -> dict[Address, str]:
    """Return the functions that are new or changed, and whose bodies are refused even now.

    Args:
        database: which holds `after`; it is left as it is.
        before: what was there before.
        after: what is there now.

    """
    changed = {
        address
        for address, found in after.objects.items()
        if address.kind == "function" and before.objects.get(address) != found
    }
    with connect(database) as connection:
        return dict(_refused(changed, connection))


def _refused(changed: set[Address], connection: Connection) -> Iterator[tuple[Address, str]]:
    with connection.transaction(force_rollback=True):
        # As where catalogs are read, so that names of types are whole.
        connection.execute("SET LOCAL search_path = ''")
        schemas = sorted({address.schema for address in changed})
        rows: list[Any] = connection.execute(_FUNCTIONS, [schemas]).fetchall()
    for schema, name, oid, validator in rows:
        address = Address("function", schema, name)
        if address in changed and (said := _said(connection, validator, oid)):
            yield address, said


def _said(connection: Connection, validator: str, oid: int) -> str | None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"SELECT {validator}({oid})".encode())
    except psycopg.Error as error:
        return error.diag.message_primary or str(error)
    return None
