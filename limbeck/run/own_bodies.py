"""Functions that only the target has, and whose text names what a plan drops or renames.

A body in quotes leaves no trace in pg_depend: Postgres looks its names up when it runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from limbeck.phased.gates.uses import whole_word
from limbeck.postgres.connect import Connection, tenant_of
from limbeck.schema.sql.own_schemas import of_users
from limbeck.schema.sql.quoting import quote

_FUNCTIONS: Final = f"""
SELECT (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity, p.prosrc
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE l.lanname IN ('sql', 'plpgsql') AND {of_users("n.nspname")}
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
        AND e.objid = p.oid AND e.deptype = 'e')"""
# A trigger function need not name its table.
_NAMING: Final = f"""
SELECT DISTINCT f.identity, f.prosrc, r.holder FROM ({_FUNCTIONS}) AS f
JOIN jsonb_to_recordset(%(roots)s::jsonb) AS r(holder text, "table" text, word text, place text)
    ON f.prosrc ~* r.word
WHERE f.prosrc ~* r.place OR EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgfoid = to_regprocedure(f.identity) AND c.relname = r."table")
ORDER BY 1, 3"""


def bodies(connection: Connection) -> set[tuple[str, str]]:
    """Return all functions of users with their texts."""
    rows = connection.execute(_FUNCTIONS.encode()).fetchall()
    return {(str(identity), str(text)) for identity, text in rows}


def naming(
    connection: Connection, roots: Sequence[dict[str, Any]], known: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Yield each function that the history does not have, and which name of these it has.

    Args:
        connection: The target.
        roots: Tables and columns that a plan drops or renames.
        known: The functions of the history.

    """
    words = [
        {
            "holder": root["holder"],
            "table": root["table"],
            "word": whole_word(root["column"] or root["table"]),
            "place": whole_word(root["table"]),
        }
        for root in roots
        if root.get("table") and root["how"] in {"dropped", "renamed"}
    ]
    if not words:
        return
    seen: set[object] = set()
    tenant = tenant_of(connection)
    # Those of other tenants name tables of their own.
    inside = "" if tenant is None else f"{quote(tenant)}."
    for identity, text, holder in connection.execute(
        _NAMING.encode(), {"roots": json.dumps(words)}
    ).fetchall():
        own = str(identity).startswith(inside)
        if own and (identity, text) not in known and identity not in seen:
            seen.add(identity)
            yield str(identity), str(holder)
