"""Functions whose bodies Postgres rejects when they are created, before what they use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import psycopg

from limbeck.errors import ProofError
from limbeck.generate.proof import UnrunnableError
from limbeck.generate.rendering.body import creates_function
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step

T = TypeVar("T")


class BodiesError(ProofError):
    """Functions have bodies that Postgres rejects even after the whole revision."""

    def __init__(self, errors: Mapping[Address, str]) -> None:
        lines = [f"  {address}: {error}" for address, error in errors.items()]
        super().__init__(
            "Postgres rejects the bodies of functions; nothing was written:\n" + "\n".join(lines),
            hint="Correct them where they are declared, next to the models.",
        )


# The name as a catalog spells it, and the function that CREATE FUNCTION checks the body with.
_FUNCTIONS = """
SELECT n.nspname, format('%%I(%%s)', p.proname, oidvectortypes(p.proargtypes)),
  p.oid, l.lanvalidator::oid::regproc::text
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n
  ON n.oid = p.pronamespace
WHERE n.nspname = ANY (%s) AND l.lanvalidator <> 0
"""


def attempted(steps: Iterable[Step], attempt: Callable[[bool], T]) -> T:
    """Return the first of two attempts that succeeds; the second does not check bodies.

    Postgres rejects a body in SQL that uses its own function or an object created later, or one
    that an earlier step has changed.

    Args:
        steps: The steps of the upgrade and the downgrade; there is no second attempt unless one
            of them creates a function.
        attempt: Receives whether to leave bodies unchecked.

    """
    try:
        return attempt(False)  # noqa: FBT003 - the only argument
    except UnrunnableError:
        if not any(map(creates_function, steps)):
            raise
    return attempt(True)  # noqa: FBT003 - the only argument


def refused(database: Database, before: Catalog, after: Catalog) -> dict[Address, str]:
    """Return the errors of new or changed functions whose bodies are rejected even now.

    Args:
        database: A database with the schema `after`; it is not changed.
        before: The catalog before the change.
        after: The catalog after the change.

    """
    changed = {
        address
        for address, function in after.objects.items()
        if address.kind == "function" and before.objects.get(address) != function
    }
    with connect(database) as connection:
        return dict(_refused(changed, connection))


def _refused(changed: set[Address], connection: Connection) -> Iterator[tuple[Address, str]]:
    with connection.transaction(force_rollback=True):
        # As when catalogs are read, so that the names of types have their schemas.
        connection.execute("SET LOCAL search_path = ''")
        schemas = sorted({address.schema for address in changed})
        rows: list[Any] = connection.execute(_FUNCTIONS, [schemas]).fetchall()
    for schema, name, oid, validator in rows:
        address = Address("function", schema, name)
        if address in changed and (error := _error(connection, validator, oid)):
            yield address, error


def _error(connection: Connection, validator: str, oid: int) -> str | None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"SELECT {validator}({oid})".encode())
    except psycopg.Error as error:
        return error.diag.message_primary or str(error)
    return None
