"""Refuse a plan that row security would stop half-way, before its first statement.

Every session of limbeck's fails where row security would hide rows (`row_security.py`). A revision
of one transaction is then rolled back. One of several would have committed the first ones.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from limbeck.dataclass import dataclass
from limbeck.errors import DatabaseError
from limbeck.history.revisions import Revision, parsed
from limbeck.postgres.row_security import HINT
from limbeck.schema.sql import lexer
from limbeck.schema.sql.quoting import qualified, unquote

if TYPE_CHECKING:
    import psycopg

# What reads or writes rows, as the first word of a statement.
_ROWS: Final = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "COPY", "REFRESH"}
)
_HIDDEN: Final = """
SELECT n.nspname, c.relname, n.nspname = ANY (current_schemas(false)),
  ARRAY(SELECT conname::text FROM pg_constraint
    WHERE contype = 'f' AND NOT convalidated AND c.oid IN (conrelid, confrelid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relrowsecurity AND row_security_active(c.oid)"""


@dataclass(frozen=True, slots=True)
class _Use:
    """A statement that needs rows of the tables among the names in it.

    One that validates a constraint needs them if it is a foreign key. `unchecked` is the name of a
    new foreign key that is NOT VALID: it needs them where another statement validates it.
    """

    names: frozenset[str]
    validates: bool = False
    unchecked: str | None = None


def refuse(
    connection: psycopg.Connection[Any], revisions: Sequence[Revision], *, downgrade: bool
) -> None:
    """Raise an error if a revision of several transactions uses rows that the role cannot see.

    Its SQL is taken from the strings of its code, because nothing may run the code before its turn.
    A revision that sets row_security itself knows what it does.

    Raises:
        DatabaseError: one does; nothing was done.

    """
    uses = [(each, use) for each in revisions for use in _uses(each, downgrade=downgrade)]
    if not uses:
        return
    for schema, name, on_path, keys in connection.execute(_HIDDEN).fetchall():
        for revision, use in uses:
            named = name in use.names and (on_path or schema in use.names)
            if use.names.intersection(keys) if use.validates else named:
                table, role = qualified(schema, name), connection.info.user
                raise DatabaseError(
                    f"{revision} uses the rows of {table}, which row security hides from the "
                    f"role {role}; nothing was done",
                    hint=HINT,
                )


def _uses(revision: Revision, *, downgrade: bool) -> Iterator[_Use]:
    """Yield the statements that use rows; none if all is one transaction."""
    if not revision.commits or "row_security" in revision.path.read_text(encoding="utf-8"):
        return
    name = "downgrade" if downgrade else "upgrade"
    body = (each for each in parsed(revision.path).body if getattr(each, "name", "") == name)
    uses = [*_in_code([node for function in body for node in ast.walk(function)])]
    validated = {name for use in uses if use.validates for name in use.names}
    yield from (each for each in uses if each.unchecked is None or each.unchecked in validated)


def _in_code(nodes: Iterable[ast.AST]) -> Iterator[_Use]:
    sentences = set()
    for node in nodes:
        if isinstance(node, ast.Expr):
            sentences.add(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _of_call(node, node.func.attr)
        elif isinstance(node, ast.Constant) and node not in sentences:
            for statement in lexer.statements(node.value) if isinstance(node.value, str) else ():
                yield from _of_statement(statement)


def _of_call(call: ast.Call, name: str) -> Iterator[_Use]:
    """Yield what an operation of Alembic's uses, if its name says that it uses rows."""
    if name not in {"create_foreign_key", "bulk_insert"}:
        return
    strings = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
    unchecked = any(each.arg == "postgresql_not_valid" for each in call.keywords)
    names = frozenset(str(each) for each in strings)
    yield _Use(names, unchecked=str(strings[0]) if unchecked and strings else None)


def _of_statement(statement: str) -> Iterator[_Use]:
    words, names = lexer.words(statement), frozenset(lexer.identifiers(statement))
    first = words[0] if words else ""
    if first in _ROWS or (first == "CREATE" and _is_filled(words)):
        yield _Use(names)
    elif first == "ALTER" and "VALIDATE" in words:
        yield _Use(names, validates=True)
    elif first == "ALTER" and "REFERENCES" in words:
        valid = "VALID" not in words or "CONSTRAINT" not in words
        yield _Use(names, unchecked=None if valid else _after(words, "CONSTRAINT"))


def _is_filled(words: Sequence[str]) -> bool:
    """Return whether a CREATE statement fills what it creates from a query."""
    kinds = {"TABLE", "MATERIALIZED"}.intersection(words[1:4])
    return bool(kinds) and "AS" in words and "DATA" not in words


def _after(words: Sequence[str], word: str) -> str:
    text = words[words.index(word) + 1]
    return unquote(text) if text.startswith('"') else text.lower()
