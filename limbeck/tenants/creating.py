"""Create a tenant: a copy of the template's schema with its rows, or the tenants' revisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
from psycopg import sql

from limbeck.engine import version_table
from limbeck.engine.ledger import TENANT_TABLE
from limbeck.errors import ConfigurationError, MigrationError
from limbeck.generate.tenants import creating
from limbeck.history.history import History
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.run import applying
from limbeck.run.drift import named
from limbeck.schema.catalog.read import read
from limbeck.schema.sql.own_schemas import STATE
from limbeck.shadow.filters import filters
from limbeck.tenants.migrating import Where

_LONGEST = 63  # bytes that Postgres keeps of a name (NAMEDATALEN - 1)
_HAS_LEDGER = "SELECT to_regclass('limbeck_state.tenant_ledger') IS NOT NULL"
_FORGET = "DELETE FROM limbeck_state.tenant_ledger WHERE tenant = %s"
_TABLES = """
SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
    FILTER (WHERE a.attgenerated = '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND c.relname <> %s
GROUP BY c.oid, c.relname ORDER BY c.oid"""
_SEQUENCES = """
SELECT c.relname::text FROM pg_class c
WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'S'"""
_PRIVILEGES = """
SELECT format('GRANT %%s ON SCHEMA %%I TO %%s', a.privilege_type, %s::text,
  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = %s AND a.grantee <> n.nspowner"""


def create(where: Where, name: str) -> None:
    """Create the schema of a tenant at the head of the tenants' history.

    Args:
        where: The environment.
        name: The schema.

    Raises:
        ConfigurationError: There is a schema of that name, or the name is too long.
        MigrationError: Postgres refuses a statement; nothing is left of the tenant.

    """
    if len(name.encode()) > _LONGEST:
        raise ConfigurationError(
            f"the name {name} has {len(name.encode())} bytes", hint=f"Postgres keeps {_LONGEST}."
        )
    with connect(where.database, autocommit=True, listen=where.listen) as connection:
        query = "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY (%s)"
        wanted = [name, where.project.template]
        existing = {row[0] for row in connection.execute(query, [wanted]).fetchall()}
        if name in existing:
            raise ConfigurationError(f"there is a schema {name} already")
        _forget(connection, name)
        template = where.project.template
        if template in existing:
            _copied(where, str(template), name)
            return
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    plan = where.plan(name)
    applying.apply(plan, confirm=lambda _: True, allow=None, listen=where.listen)


def _forget(connection: Connection, name: str) -> None:
    """Delete what the ledger says of an earlier tenant of this name."""
    if connection.execute(_HAS_LEDGER).fetchone() == (True,):
        connection.execute(_FORGET, [name])


def _copied(where: Where, template: str, name: str) -> None:
    """Copy a template in one transaction, and compare the copy with it before the COMMIT."""
    own = replace(filters(where.project.of_tenant(template)), grants=True)
    with connect(_in(where.database, template)) as connection:
        wanted = read(connection, filters=own)
    with connect(_in(where.database, name)) as connection:
        try:
            with connection.transaction():
                for statement in _statements(where, connection, template, name):
                    connection.execute(statement)
                for text in creating(wanted):
                    connection.execute(text.encode())
                _fill(where, connection, template, name)
                if changes := read(connection, filters=own).changes_to(wanted):
                    raise MigrationError(
                        f"the copy of {template} is not like it: {named(changes)}; {name} was not "
                        "created",
                        hint="Leave out the setting template: then the revisions make the tenant.",
                    )
        except psycopg.Error as error:
            raise MigrationError(
                f"{name} cannot be made of {template}: {error.diag.message_primary or error}",
                hint="Grant the role CREATE on the database, and SELECT on the template.",
            ) from error


def _in(database: Database, tenant: str) -> Database:
    return replace(database, tenant=tenant, hides=())


def _statements(
    where: Where, connection: Connection, template: str, name: str
) -> Iterator[sql.Composed | bytes]:
    """Yield what creates the schema with its privileges, version rows and rows of the ledger."""
    yield sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name))
    for (grant,) in connection.execute(_PRIVILEGES, [name, template]).fetchall():
        yield str(grant).encode()
    table = version_table.of(History.of(where.project.only("tenants"), where.profile), connection)
    of = (sql.Identifier(schema, table.name) for schema in (name, template))
    key = sql.Identifier(f"{table.name}_pkc")  # as Alembic calls it
    yield sql.SQL(
        "CREATE TABLE {0} (version_num varchar(32) NOT NULL,"
        " CONSTRAINT {2} PRIMARY KEY (version_num)); INSERT INTO {0} TABLE {1}"
    ).format(*of, key)
    ledger = sql.Identifier(STATE, TENANT_TABLE)
    yield sql.SQL(
        "INSERT INTO {0} SELECT copy.* FROM {0} AS l, LATERAL jsonb_populate_record("
        "l, jsonb_build_object('tenant', {1}::text)) AS copy WHERE l.tenant = {2}"
    ).format(ledger, sql.Literal(name), sql.Literal(template))


def _fill(where: Where, connection: Connection, template: str, name: str) -> None:
    """Copy the rows of the template, such as those that each tenant begins with."""
    versions = version_table.of(
        History.of(where.project.only("tenants"), where.profile), connection
    )
    quoted = sql.Identifier(template).as_string()
    for table, columns in connection.execute(_TABLES, [quoted, versions.name]).fetchall():
        names: list[str] = columns  # type: ignore[assignment]  # an array
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        connection.execute(
            sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
                sql.Identifier(name, str(table)),
                listed,
                listed,
                sql.Identifier(template, str(table)),
            )
        )
    for (sequence,) in connection.execute(_SEQUENCES, [quoted]).fetchall():
        of = (
            sql.Identifier(name, str(sequence)).as_string(),
            sql.Identifier(template, str(sequence)),
        )
        query = sql.SQL("SELECT setval({}, last_value, is_called) FROM {}")
        connection.execute(query.format(sql.Literal(of[0]), of[1]))
