"""Send all probes of a commit point in one round trip; each is rolled back by itself.

A function in the session's temporary schema runs them, each under a savepoint of its own, and the
transaction that creates it is rolled back: nothing stays, and no lock is held afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg

from limbeck.lint.probes.probe import FEW, Outcome, Probe, first
from limbeck.lint.probes.rows import ROLE, Row
from limbeck.postgres.connect import Connection
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.quoting import in_quotes, literal, qualified, quote

LOCK_TIMEOUT = "2s"  # nobody else uses a scratch database
STATEMENT_TIMEOUT = "60s"
# An SQLSTATE that Postgres does not use: it ends each probe, so that its savepoint is rolled back.
_ENDING = "LBK00"
_PROBE = f"""
CREATE FUNCTION pg_temp.limbeck_probe(probes json)
RETURNS TABLE (state text, message text, rows_seen text) LANGUAGE plpgsql AS $limbeck$
DECLARE probe json; wrong bigint; relation oid; place tid;
BEGIN
  FOR probe IN SELECT value FROM json_array_elements(probes) LOOP
    state := '00000'; message := ''; rows_seen := NULL; wrong := 0;
    BEGIN
      IF probe->>'before' IS NOT NULL THEN
        -- Rows that have no value of the new type yet, as the trigger lets the application write.
        BEGIN
          EXECUTE probe->>'before' INTO wrong;
        EXCEPTION WHEN data_exception THEN wrong := NULL;
        END;
      END IF;
      IF probe->>'role' IS NOT NULL THEN PERFORM set_config('role', probe->>'role', true); END IF;
      IF (probe->>'rows')::boolean THEN
        EXECUTE 'WITH t(x) AS (' || (probe->>'sql') || ') SELECT json_agg(x) FROM t' INTO rows_seen;
      ELSE
        IF (probe->>'places')::boolean THEN
          EXECUTE (probe->>'sql') || ' RETURNING tableoid, ctid' INTO relation, place;
        ELSE
          EXECUTE probe->>'sql';
        END IF;
        SET CONSTRAINTS ALL IMMEDIATE;
      END IF;
      IF probe->>'after' IS NOT NULL AND wrong IS NOT NULL THEN
        PERFORM set_config('role', 'none', true);
        BEGIN
          EXECUTE probe->>'after' INTO rows_seen USING relation, place;
          rows_seen := (rows_seen::bigint > wrong)::text;
        EXCEPTION WHEN data_exception THEN rows_seen := NULL;
        END;
      END IF;
      RAISE EXCEPTION USING ERRCODE = '{_ENDING}';
    EXCEPTION WHEN SQLSTATE '{_ENDING}' THEN NULL;
      WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        rows_seen := NULL;
    END;
    RETURN NEXT;
  END LOOP;
END $limbeck$"""
_TRY = f"""
CREATE FUNCTION pg_temp.limbeck_try(attempts json)
RETURNS TABLE (choice int, message text) LANGUAGE plpgsql AS $limbeck$
DECLARE attempt json; statement text; number bigint;
BEGIN
  FOR attempt IN SELECT value FROM json_array_elements(attempts) LOOP
    choice := NULL; message := '';
    FOR statement, number IN SELECT t.value, t.ordinality
        FROM json_array_elements_text(attempt->'tries') WITH ORDINALITY AS t LOOP
      BEGIN
        EXECUTE statement;
        SET CONSTRAINTS ALL IMMEDIATE;
        choice := number - 1;
        IF (attempt->>'keep')::boolean THEN EXIT; END IF;
        RAISE EXCEPTION USING ERRCODE = '{_ENDING}';
      EXCEPTION WHEN SQLSTATE '{_ENDING}' THEN EXIT;
        WHEN OTHERS THEN choice := NULL; message := SQLERRM;
      END;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $limbeck$"""
# A role outlives its database, so it is created once a server and stays: it may not log in, and
# has privileges in scratch databases only. Two sessions may create it at the same moment.
_ROLE = f"""DO $limbeck$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
    CREATE ROLE {ROLE} NOLOGIN;
  END IF;
  IF NOT pg_has_role('{ROLE}', {{how}}) THEN
    GRANT {ROLE} TO CURRENT_USER;
  END IF;
EXCEPTION WHEN OTHERS THEN NULL; END $limbeck$"""
_USABLE = """SELECT rolname FROM pg_roles WHERE rolname = ANY (ARRAY[{names}]::text[])
AND pg_has_role(oid, {how})"""
MEMBERSHIP_OPTIONS = 16  # the major since which a member may lack SET


def roles(connection: Connection, names: Iterable[str], *, create: bool) -> list[str]:
    """Return the roles that the session may take on, `limbeck_probe` first.

    Args:
        connection: a session of the owner of the scratch database.
        names: roles that policies and privileges name.
        create: whether `limbeck_probe` may be created.

    """
    major = connection.info.server_version // 10000
    how = "'SET'" if major >= MEMBERSHIP_OPTIONS else "'MEMBER'"
    if create:
        connection.execute(_ROLE.format(how=how).encode())
    own = [ROLE] if create else []
    wanted = list(dict.fromkeys([*own, *sorted(set(names) - {ROLE})]))
    query = _USABLE.format(names=", ".join(map(literal, wanted)), how=how)
    usable = {str(row[0]) for row in connection.execute(query.encode()).fetchall()}
    return [name for name in wanted if name in usable]


def grant(connection: Connection, role: str, relations: Sequence[Address]) -> None:
    """Give a role what an application has: rows of these tables and views, and their sequences."""
    if not relations:
        return
    names = ", ".join(qualified(each.schema, each.name) for each in relations)
    schemas = ", ".join(sorted({in_quotes(each.schema) for each in relations}))
    role = in_quotes(role)
    connection.execute(
        f"GRANT USAGE ON SCHEMA {schemas} TO {role};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {names} TO {role}".encode()
    )
    oids = ", ".join(
        f"{literal(qualified(each.schema, each.name))}::regclass" for each in relations
    )
    connection.execute(f"ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {role}".encode())
    connection.execute(_SEQUENCES.format(oids=oids, role=role.replace("'", "''")).encode())


# Of defaults that call nextval(), and of serial columns: an application's INSERT draws from them.
_SEQUENCES = """DO $limbeck$ DECLARE name text; BEGIN
  FOR name IN SELECT DISTINCT s.oid::regclass::text FROM pg_class s JOIN pg_depend d
    ON (d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
      AND d.classid = 'pg_attrdef'::regclass)
    JOIN pg_attrdef a ON a.oid = d.objid
    WHERE s.relkind = 'S' AND a.adrelid = ANY (ARRAY[{oids}]::oid[])
  LOOP EXECUTE 'GRANT USAGE ON SEQUENCE ' || name || ' TO {role}'; END LOOP;
END $limbeck$"""


def sample(connection: Connection, table: str, names: Sequence[str]) -> Row:
    """Return these columns of a row of an environment's table, as texts; none of an empty one.

    It is not the first row: an UPDATE of that one is to change it.
    """
    columns = ", ".join(f"{quote(name)}::text" for name in names)
    few = f"SELECT greatest(count(*) - 1, 0) FROM (SELECT FROM {table} LIMIT {FEW}) AS few"
    row = connection.execute(
        f"SELECT {columns} FROM {table} OFFSET ({few}) LIMIT 1".encode()
    ).fetchone()
    return {name: _text(value) for name, value in zip(names, row, strict=True)} if row else {}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def try_rows(
    connection: Connection, attempts: Sequence[tuple[Sequence[str], bool]]
) -> list[tuple[int | None, str]]:
    """Return which of several statements Postgres accepted in each attempt, in one round trip.

    Args:
        connection: a session of the owner, in no transaction.
        attempts: the statements to try in their order, and whether the effect of the first that
            is accepted stays.

    Returns:
        The number of the statement, None if all were refused, and the last error's message.

    """
    data = json.dumps([{"tries": list(tries), "keep": keep} for tries, keep in attempts])
    call = f"SELECT * FROM pg_temp.limbeck_try({literal(data)}::json)"
    rows = _called(connection, _TRY, call, "DROP FUNCTION pg_temp.limbeck_try(json); COMMIT")
    return [(row[0], str(row[1])) for row in rows]


def _question(probe: Probe, wrong: str | None, *, real: bool) -> dict[str, str | bool | None]:
    """Return a probe as the function in the database takes it."""
    asked = {"sql": probe.sql, "role": probe.role, "rows": probe.rows}
    if wrong is None or not probe.writes:
        return asked
    name = qualified(probe.relation.schema, probe.relation.name)
    count = f"SELECT count(*) FROM {name} WHERE ({wrong})"
    if not real:
        return {**asked, "before": count, "after": count}
    updated = first(name) if probe.action.startswith("UPDATE") else "false"
    return {
        **asked,
        "before": f"{count} AND {updated}",
        "after": f"{count} AND tableoid = $1 AND ctid = $2",
        "places": True,
    }


def ask(
    connection: Connection,
    probes: Sequence[Probe],
    settings: Mapping[str, str],
    wrong: Mapping[Address, str],
    *,
    real: bool = False,
) -> list[Outcome]:
    """Return the outcomes of probes, which leave nothing behind.

    Args:
        connection: a session of the owner, in no transaction.
        probes: the statements.
        settings: what policies read with current_setting().
        wrong: for a table, the condition for rows whose two sides differ; counted before and after.
        real: whether tables may have millions of rows: only the row that is written is looked at.

    """
    questions = [_question(each, wrong.get(each.relation), real=real) for each in probes]
    data = json.dumps(questions)
    sets = "".join(
        f"SELECT set_config({literal(name)}, {literal(value)}, true);"
        for name, value in settings.items()
    )
    call = f"{sets}SELECT * FROM pg_temp.limbeck_probe({literal(data)}::json)"
    rows = _called(connection, _PROBE, call, "ROLLBACK")
    return [_outcome(probe, *row) for probe, row in zip(probes, rows, strict=True)]


def _outcome(probe: Probe, state: str, message: str, seen: str | None) -> Outcome:
    if probe.rows:
        return Outcome(state, message, frozenset(json.loads(seen or "[]")))
    if seen == "true":
        return Outcome("apart", "the two sides of a row differ afterwards")
    return Outcome(state, message)


def _called(connection: Connection, function: str, call: str, end: str) -> list[Any]:
    """Create a function, call it, and end the transaction, in one message to the server."""
    limits = (
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; "
        f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"
    )
    cursor = psycopg.Cursor(connection)
    try:
        # A new session's plans: an expression of PL/pgSQL that this session has planned fails for
        # ever once the type of a column in it changes, as in any session that is not reconnected.
        cursor.execute(f"BEGIN; {limits}; DISCARD PLANS; {function}; {call}; {end}".encode())
    except psycopg.Error:
        connection.rollback()
        raise
    rows: list[Any] = []
    while True:
        if cursor.description is not None:
            rows = cursor.fetchall()
        if not cursor.nextset():
            return rows
