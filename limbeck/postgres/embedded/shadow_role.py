"""The role that owns the scratch databases of the embedded server; `Server.shadow_url` uses it.

SQL of revisions, models and pulled databases runs in scratch databases. A superuser could read and
write files and start programs there, and SET ROLE to a weaker role is undone by RESET ROLE, so the
session has to log in as a role without these rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from limbeck.errors import ServerError
from limbeck.postgres.embedded.cluster import PROBE_USER
from limbeck.postgres.embedded.cluster import SHADOW_USER as ROLE

# The major versions since which Postgres has these.
PARAMETER_GRANTS: Final = 15
SAFE_CREATEROLE: Final = 16
EVENT_TRIGGERS_OFF: Final = 17
# Names of databases that versions of limbeck before this role left: the superuser owns them.
_OLDER: Final = r"^limbeck_(scratch|replay)_"
# Roles that a project's SQL names, in ALTER TABLE ... OWNER TO for example. Those that reach a
# superuser or a predefined role (pg_execute_server_program) are none of them.
_ORDINARY: Final = """
SELECT r.rolname FROM pg_roles r
WHERE NOT (r.rolsuper OR r.rolcreaterole OR r.rolreplication) AND r.rolname !~ '^pg_'
  AND r.rolname <> %(role)s AND NOT pg_has_role(%(role)s, r.oid, 'MEMBER') AND NOT EXISTS (
    SELECT FROM pg_roles s WHERE (s.rolsuper OR s.rolname ~ '^pg_' OR s.rolname = %(role)s)
    AND pg_has_role(r.oid, s.oid, 'MEMBER'))
"""


_OWNERS: Final = (
    ("pg_class", "relowner", "relacl"),
    ("pg_proc", "proowner", "proacl"),
    ("pg_type", "typowner", "typacl"),
    ("pg_namespace", "nspowner", "nspacl"),
    ("pg_operator", "oprowner", None),
    ("pg_opclass", "opcowner", None),
    ("pg_opfamily", "opfowner", None),
    ("pg_collation", "collowner", None),
    ("pg_conversion", "conowner", None),
    ("pg_statistic_ext", "stxowner", None),
    ("pg_ts_dict", "dictowner", None),
    ("pg_ts_config", "cfgowner", None),
    ("pg_largeobject_metadata", "lomowner", "lomacl"),
    ("pg_foreign_server", "srvowner", "srvacl"),
    ("pg_default_acl", "defaclrole", "defaclacl"),
    ("pg_extension", "extowner", None),
    ("pg_event_trigger", "evtowner", None),
    ("pg_publication", "pubowner", None),
)
# An ACL as text: {limbeck=arwd/limbeck,app=r/limbeck}. The owner stands in it by name.
_RENAMED: Final = (
    r"regexp_replace(regexp_replace({acl}::text, '(^\{{|,)limbeck=', '\1limbeck_shadow=', 'g'), "
    r"'/limbeck(?=[,}}])', '/limbeck_shadow', 'g')::aclitem[]"
)


def prepare(url: str, password: Path) -> None:
    """Create the role, or put its attributes, settings and password right again.

    A role may change its own password and settings, so code that has run as this role may have.

    Args:
        url: a database of the server, for its superuser.
        password: the file with the role's password.

    Raises:
        ServerError: the superuser cannot log in, or the server is read-only.

    """
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            _prepare(connection, password.read_bytes().strip())
    except psycopg.Error as error:
        raise ServerError(f"the local server has no role {ROLE}: {error}") from error


def _prepare(connection: psycopg.Connection[tuple[object, ...]], password: bytes) -> None:
    version = connection.info.server_version // 10000
    # Since 16, the role creates the one of the probes when it needs it.
    for role in (ROLE,) if version >= SAFE_CREATEROLE else (ROLE, PROBE_USER):
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
            connection.execute(f"CREATE ROLE {role}".encode())
    verifier = connection.pgconn.encrypt_password(password, ROLE.encode(), b"scram-sha-256")
    for statement in _statements(version, verifier.decode()):
        connection.execute(statement.encode())
    _join_roles(connection)
    query = "SELECT datname FROM pg_database WHERE datname ~ %s AND datdba = 10"
    for row in connection.execute(query, [_OLDER]).fetchall():
        # Never copied again, because the role is part of a replay's name; only dropped.
        change = sql.SQL(f"ALTER DATABASE {{}} OWNER TO {ROLE}")
        connection.execute(change.format(sql.Identifier(str(row[0]))))


def take_over(url: str) -> None:
    """Make the role the owner of a copied database and of all that its superuser owns there.

    REASSIGN OWNED refuses the superuser that initdb has made, and ALTER ... OWNER TO would lock and
    rewrite one object after the other; nobody else uses the copy yet. Members of extensions stay
    the superuser's: PUBLIC may not execute the dangerous ones.

    Args:
        url: the copy, for the server's superuser.

    """
    with psycopg.connect(url, autocommit=True) as connection:
        _join_roles(connection)
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL(f"ALTER DATABASE {{}} OWNER TO {ROLE}").format(name))
        role = connection.execute("SELECT %s::regrole::oid", [ROLE]).fetchone()
        with connection.transaction():
            for statement in _takeover(int(role[0]) if role else 0):
                connection.execute(statement.encode())
            if connection.info.server_version // 10000 < EVENT_TRIGGERS_OFF:
                # Their functions belong to the role now. Only a superuser can enable them again.
                connection.execute("UPDATE pg_event_trigger SET evtenabled = 'D', evtowner = 10")


def _takeover(role: int) -> Iterator[str]:
    for table, owner, acl in _OWNERS:
        own = f", {acl} = {_RENAMED.format(acl=acl)}" if acl else ""
        yield f"""UPDATE pg_catalog.{table} t SET {owner} = {role}{own}
            WHERE {owner} = 10 AND oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d
                WHERE d.classid = t.tableoid AND d.objid = t.oid AND d.deptype = 'e')"""
    columns = _RENAMED.format(acl="attacl")
    yield f"""UPDATE pg_catalog.pg_attribute SET attacl = {columns}
        WHERE attacl IS NOT NULL AND attrelid >= 16384"""


def _join_roles(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    for row in connection.execute(_ORDINARY, {"role": ROLE}).fetchall():
        grant = sql.SQL(f"GRANT {{}} TO {ROLE}")
        connection.execute(grant.format(sql.Identifier(str(row[0]))))


def _statements(version: int, verifier: str) -> Iterator[str]:
    # Before 16, CREATEROLE gives membership in pg_execute_server_program to anybody.
    roles = "CREATEROLE" if version >= SAFE_CREATEROLE else "NOCREATEROLE"
    yield (
        # BYPASSRLS, because a superuser sees all rows, and revisions change them.
        f"ALTER ROLE {ROLE} NOSUPERUSER NOREPLICATION LOGIN CREATEDB BYPASSRLS {roles} "
        f"CONNECTION LIMIT -1 VALID UNTIL 'infinity' PASSWORD '{verifier}'"
    )
    yield f"ALTER ROLE {ROLE} RESET ALL"
    if version >= PARAMETER_GRANTS:
        # It only disables triggers. `lint` fills tables with it, and revisions load data.
        yield f"GRANT SET ON PARAMETER session_replication_role TO {ROLE}"
    if version >= SAFE_CREATEROLE:
        # So that a revision may CREATE ROLE and then make it the owner of a table.
        yield f"ALTER ROLE {ROLE} SET createrole_self_grant = 'set, inherit'"
    if version >= EVENT_TRIGGERS_OFF:
        # The scripts of trusted extensions run as the superuser, and fire event triggers.
        yield f"ALTER ROLE {ROLE} SET event_triggers = off"
