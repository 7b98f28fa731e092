"""A tenant's schema made of a catalog, and the proof of a revision on two tenants with rows.

The shadow has one tenant, whose schema is `public`. What depends on that name would work there and
nowhere else; so each revision also runs on two tenants beside each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import psycopg

from limbeck.engine import running
from limbeck.engine.version_table import USUAL
from limbeck.errors import MigrationError, ProofError
from limbeck.events import Listener, Notice
from limbeck.generate.proof import HINT, Premises, compare
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.trace import rows
from limbeck.plurals import counted
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare as diff
from limbeck.schema.sql.quoting import qualified, quote
from limbeck.schema.sql.relative import relative
from limbeck.shadow.filters import filters

TENANTS: Final = ("limbeck tenant", "select")
"""The schemas of the proof; both names need quotes."""
MOST_TABLES: Final = 200
"""Of more, one tenant alone is proved: to create them twice takes longer than all the rest."""
FEW: Final = (9, 1)
"""How many rows each table gets, as in `rows.COUNTS`."""


def creating(catalog: Catalog) -> Iterator[str]:
    """Yield the statements that create a tenant, on whose search path its schema is the first."""
    empty = Catalog(catalog.server, {}, target=catalog.target)
    yield "SET LOCAL check_function_bodies = off"
    for step in diff.steps(empty, catalog):
        yield relative(step.sql)


def prove(premises: Premises, history: History, revision: Revision, listen: Listener) -> None:
    """Run a drafted revision up and down on two tenants with rows.

    Rows that it cannot take, such as for a column that needs a value, are a matter of `lint`: then
    it runs on empty tables.

    Args:
        premises: The catalogs before and after the revision.
        history: The history of the draft.
        revision: The revision.
        listen: Hears of a tenant with too many tables.

    Raises:
        ProofError: A tenant does not become what the one on the shadow does, or another changes.

    """
    tables = sum(address.kind == "table" for address in premises.before.objects)
    if tables > MOST_TABLES:
        alone = f"a tenant has {counted(tables, 'table')}, more than {MOST_TABLES}"
        listen(Notice(f"{alone}: proved on one tenant, not on two beside each other"))
        return
    try:
        _on_two(premises, history, revision, filled=True)
    except (MigrationError, psycopg.Error):
        try:
            _on_two(premises, history, revision, filled=False)
        except (MigrationError, psycopg.Error) as error:
            raise ProofError(
                "the drafted revision works in the schema public and not in that of a tenant; "
                f"nothing was written: {getattr(error, 'message', error)}",
                hint=HINT,
            ) from error


def _on_two(premises: Premises, history: History, revision: Revision, *, filled: bool) -> None:
    with premises.shadow.scratch(premises.template) as database:
        tenants = [replace(database, tenant=name) for name in TENANTS]
        for tenant in tenants:
            _create(tenant, premises.before)
        if filled:
            with connect(database) as connection:
                rows.fill(connection, counts=FEW)
        first, second = tenants
        _run(first, history, revision)
        _holds("upgrade", premises, first, premises.after)
        # The one beside it is still as it was.
        _holds("upgrade", premises, second, premises.before)
        _run(second, history, revision)
        _holds("upgrade", premises, second, premises.after)
        _run(second, history, revision, downgrade=True)
        _holds("downgrade", premises, second, premises.before)
        _holds("downgrade", premises, first, premises.after)


def _create(tenant: Database, before: Catalog) -> None:
    schema = str(tenant.tenant)
    with connect(tenant) as connection:
        connection.execute("SET synchronous_commit = off")
        with connection.transaction():
            connection.execute(f"CREATE SCHEMA {quote(schema)}".encode())
            own = qualified(schema, USUAL.name)
            source = qualified("public", USUAL.name)
            if connection.execute(f"SELECT to_regclass('{source}')".encode()).fetchone() != (None,):
                connection.execute(f"CREATE TABLE {own} AS TABLE {source}".encode())
            for statement in creating(before):
                connection.execute(statement.encode())


def _run(
    tenant: Database, history: History, revision: Revision, *, downgrade: bool = False
) -> None:
    with connect(tenant) as connection:
        connection.execute("SET synchronous_commit = off")
        running.run(history, connection, [revision], downgrade=downgrade)


def _holds(direction: str, premises: Premises, tenant: Database, wanted: Catalog) -> None:
    with connect(tenant) as connection:
        compare(direction, read(connection, filters=filters(premises.project)), wanted)
