"""Finds what still uses the structure that a contract revision removes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import offline
from limbeck.events import Listener, Notice
from limbeck.history.history import History
from limbeck.phased.phases import Change
from limbeck.plurals import counted, nouns
from limbeck.postgres.connect import Connection
from limbeck.schema.sql.own_schemas import of_users
from limbeck.schema.sql.quoting import names, percent_escaped

_LOOK: Final = 1.0  # seconds between two samples of pg_stat_statements
# Seconds between two samples of the table statistics. A busy session reports what it wrote after
# at least 1 s (PGSTAT_MIN_INTERVAL in pgstat.c), and only when it is between transactions.
_FLUSH: Final = 2.5
_SHOWN: Final = 200  # characters of a statement

# What pg_depend knows: Postgres would refuse to drop the structure because of these objects, or
# drop them with it. An index or a constraint of this column alone is not a use of it.
_DEPENDENTS: Final = """
SELECT DISTINCT
    coalesce(pg_describe_object('pg_class'::regclass, r.ev_class, 0),
             pg_describe_object(d.classid, d.objid, d.objsubid)),
    coalesce(v.relname, p.proname, o.polname, t.tgname, c.conname, i.relname, a.attname, '')
FROM pg_depend d
LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_class v ON v.oid = r.ev_class
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_policy o ON d.classid = 'pg_policy'::regclass AND o.oid = d.objid
LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
LEFT JOIN pg_constraint c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid
LEFT JOIN pg_class i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid
LEFT JOIN pg_index x ON x.indexrelid = i.oid
LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
LEFT JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> ''
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %(table)s AND d.deptype IN ('n', 'a')
  AND (%(column)s = 0 OR d.refobjsubid = %(column)s)
  AND (v.oid <> %(table)s OR p.oid IS NOT NULL OR o.oid IS NOT NULL
       OR NOT t.tgisinternal AND %(column)s <> 0
       OR c.contype = 'f' AND c.conrelid <> %(table)s
       OR x.indnatts > 1 AND %(column)s <> 0
       OR a.attnum <> %(column)s
       OR d.classid = 'pg_publication_rel'::regclass)
ORDER BY 1"""

# A function body in quotes leaves no trace in pg_depend, so its text is searched. A trigger
# function need not name its table.
_FUNCTIONS: Final = f"""
SELECT 'function ' || p.oid::regprocedure::text, p.proname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE l.lanname IN ('sql', 'plpgsql') AND {of_users("n.nspname")}
  AND p.prosrc ~* %(word)s
  AND (p.prosrc ~* %(holder)s
       OR EXISTS (SELECT FROM pg_trigger WHERE tgfoid = p.oid AND tgrelid = %(table)s))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
       AND e.objid = p.oid AND e.deptype = 'e')
ORDER BY 1"""

_SESSIONS: Final = """
SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend' AND application_name NOT LIKE 'limbeck%%'
  AND (state = 'active' OR state_change > now() - interval '1 min')
  AND query ~* %(word)s AND query ~* %(holder)s AND query !~* %(ddl)s
ORDER BY pid"""

# Deletions do not count: in a table that is to be dropped, rows are deleted by ON DELETE CASCADE.
_WRITTEN: Final = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0)::int8 FROM pg_stat_all_tables
WHERE relid = %(table)s
   OR relid IN (SELECT relid FROM pg_partition_tree(%(table)s::oid::regclass))"""

_DDL: Final = r"^\s*(alter|create|drop|comment|analyze|vacuum|begin|explain)\M"


@dataclass(frozen=True, slots=True)
class Use:
    """A use of the old structure.

    `kind` is "object" (of the schema), "statement" (one that ran during the check), "session" or
    "writes" (to a table that is dropped).
    """

    kind: Literal["object", "statement", "session", "writes"]
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class _Old:
    """An old table, or a column of it if `column` is not 0; `word`, `holder` match their names."""

    name: str
    table: int
    column: int
    word: str
    holder: str

    @property
    def values(self) -> dict[str, object]:
        return {
            "table": self.table,
            "column": self.column,
            "word": self.word,
            "holder": self.holder,
            "ddl": _DDL,
        }


def uses(
    history: History, connection: Connection, change: Change, *, running: bool, listen: Listener
) -> tuple[Use, ...]:
    """Return what uses the names that a contract removes, except what its own SQL mentions.

    These are views, generated columns, policies, triggers, foreign keys, publications and
    functions, the latter also by the text of their bodies. With `running` also sessions of
    applications and, between two samples, statements that pg_stat_statements counts (prepared
    ones among them) and rows written to a table that is dropped.

    Args:
        history: The revision files.
        connection: The database.
        change: The change whose contract is pending.
        running: Whether an application may be running.
        listen: Receives a notice about statements that ran before, but not during the check.

    """
    if change.contract is None or not change.uses:
        return ()
    sql = offline.sql(history, [change.contract])[0]
    olds = [old for name in change.uses if (old := _old(connection, name))]
    users = [use for old in olds for use in _objects(connection, old, sql)]
    if running:
        users += [use for old in olds for use in _sessions(connection, old)]
        gone = [old for old in olds if not old.column and not _renamed(old, sql)]
        users += _meanwhile(connection, olds, gone, listen)
    return tuple(dict.fromkeys(users))


def _old(connection: Connection, name: str) -> _Old | None:
    parts = names(name)
    schema, table, *rest = parts if len(parts) > 1 else ("public", *parts)
    row = connection.execute(
        "SELECT c.oid::int8, coalesce(a.attnum, 0) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %s AND a.attnum > 0"
        " WHERE n.nspname = %s AND c.relname = %s",
        [rest[0] if rest else None, schema, table],
    ).fetchone()
    if row is None or (rest and not row[1]):
        return None  # another kind of object, such as a type, or dropped already
    word, holder = (rest[0] if rest else table), table
    return _Old(name, int(str(row[0])), int(str(row[1])), whole_word(word), whole_word(holder))


def _objects(connection: Connection, old: _Old, sql: str) -> Iterator[Use]:
    # A rename keeps dependent objects intact; only texts that contain the old name break.
    questions = [_FUNCTIONS] if _renamed(old, sql) else [_DEPENDENTS, _FUNCTIONS]
    for question in questions:
        for text, name in connection.execute(question.encode(), old.values).fetchall():
            if not re.search(rf"(?<!\w){re.escape(str(name))}(?!\w)", sql) or not name:
                yield Use("object", str(text))


def _renamed(old: _Old, sql: str) -> bool:
    """Return whether the contract renames the old structure instead of dropping it."""
    pattern = rf"(?i)\brename\b[^;]*{_python(old.word)}[\"]?\s+to\b"
    return re.search(pattern, sql) is not None


def _sessions(connection: Connection, old: _Old) -> Iterator[Use]:
    rows = connection.execute(_SESSIONS.encode(), old.values).fetchall()
    for pid, user, application, query in rows:
        who = ", ".join(str(name) for name in (user, application) if name)
        yield Use("session", f"session {pid} ({who}): {_short(query)}")


def _meanwhile(
    connection: Connection, olds: Sequence[_Old], gone: Sequence[_Old], listen: Listener
) -> Iterator[Use]:
    """Yield what happens between two samples: statements that run, rows that are written."""
    before, written = _calls(connection, olds), _written(connection, gone)
    if not before and not written:
        return
    time.sleep(_FLUSH if written else _LOOK)
    yield from _called(before, _calls(connection, olds), listen)
    for name, rows in _written(connection, gone).items():
        if more := rows - written[name]:
            changed = f"{counted(more, 'row')} {nouns(more, 'was', 'were')}"
            yield Use("writes", f"{changed} written to {name} in {_FLUSH} s")


def _called(before: dict[str, int], after: dict[str, int], listen: Listener) -> Iterator[Use]:
    """Yield the statements that ran; report the others in a notice."""
    quiet = []
    for query, calls in after.items():
        if calls > before.get(query, 0):
            yield Use("statement", f"statement called during the check: {_short(query)}")
        else:
            quiet.append(query)
    if quiet:
        names = "".join(f"\n    {_short(query)}" for query in quiet[:10])
        listen(Notice(f"In pg_stat_statements, but not called during this check:{names}"))


def _written(connection: Connection, tables: Sequence[_Old]) -> dict[str, int]:
    """Return how many rows were written to each table so far, by the table statistics."""
    counts = {}
    for table in tables:
        row = connection.execute(_WRITTEN.encode(), table.values).fetchone()
        counts[table.name] = int(str(row[0])) if row else 0
    return counts


def _calls(connection: Connection, olds: Sequence[_Old]) -> dict[str, int]:
    row = connection.execute(
        "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
        " WHERE extname = 'pg_stat_statements'"
    ).fetchone()
    if row is None:
        return {}
    counts: dict[str, int] = {}
    schema = percent_escaped(str(row[0]))
    try:
        for old in olds:
            rows = connection.execute(
                f"SELECT query, sum(calls)::int8 FROM {schema}.pg_stat_statements s"
                " JOIN pg_database d ON d.oid = s.dbid WHERE datname = current_database()"
                " AND query ~* %(word)s AND query ~* %(holder)s AND query !~* %(ddl)s"
                " GROUP BY query".encode(),
                old.values,
            ).fetchall()
            counts |= {str(query): int(str(calls)) for query, calls in rows}
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return {}  # the extension is created, but not in shared_preload_libraries
    return counts


def _short(query: object) -> str:
    return " ".join(str(query).split())[:_SHOWN]


def whole_word(name: str) -> str:
    """Return a Postgres regular expression for a name as a whole word."""
    escaped = re.sub(r"(\W)", r"\\\1", name)
    return rf"(^|[^[:alnum:]_]){escaped}($|[^[:alnum:]_])"


def _python(pattern: str) -> str:
    return pattern.replace("(^|[^[:alnum:]_])", r"(?<!\w)").replace("($|[^[:alnum:]_])", r"(?!\w)")
