"""Refuse a plan that row security would stop half-way, before its first statement.

Every session of limbeck's fails where row security would hide rows (`row_security.py`). A revision
of one transaction is then rolled back. One of several would have committed the first ones.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from limbeck.errors import DatabaseError
from limbeck.history.revisions import Revision, parsed
from limbeck.postgres.row_security import HINT
from limbeck.schema.sql import lexer
from limbeck.schema.sql.quoting import qualified

if TYPE_CHECKING:
    import psycopg

# What reads or writes rows, as the first word of a statement.
_ROWS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "COPY"})
_HIDDEN: Final = """
SELECT n.nspname, c.relname, n.nspname = ANY (current_schemas(false))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relrowsecurity AND row_security_active(c.oid)"""


def refuse(
    connection: psycopg.Connection[Any], revisions: Sequence[Revision], *, downgrade: bool
) -> None:
    """Raise an error if a revision of several transactions uses rows that the role cannot see.

    Its SQL is taken from the strings of its code, because nothing may run the code before its turn.
    A revision that sets row_security itself knows what it does.

    Raises:
        DatabaseError: one does; nothing was done.

    """
    statements = {each: [*_statements(each, downgrade=downgrade)] for each in revisions}
    if not any(statements.values()):
        return
    for schema, name, on_path in connection.execute(_HIDDEN).fetchall():
        for revision, texts in statements.items():
            for words in texts:
                if name in words and (on_path or schema in words):
                    table, role = qualified(schema, name), connection.info.user
                    raise DatabaseError(
                        f"{revision} uses the rows of {table}, which row security hides from the "
                        f"role {role}; nothing was done",
                        hint=HINT,
                    )


def _statements(revision: Revision, *, downgrade: bool) -> Iterator[frozenset[str]]:
    """Yield the identifiers of each statement that uses rows; none if all is one transaction."""
    text = revision.path.read_text(encoding="utf-8")
    if "row_security" in text or not commits(text):
        return
    name = "downgrade" if downgrade else "upgrade"
    body = (each for each in parsed(revision.path).body if getattr(each, "name", "") == name)
    nodes = [node for function in body for node in ast.walk(function)]
    sentences = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in sentences:
            for statement in lexer.statements(node.value):
                if lexer.first_word(statement) in _ROWS:
                    yield frozenset(lexer.identifiers(statement))


def commits(text: str) -> bool:
    """Return whether a revision may commit before its end, as far as its text tells."""
    return "autocommit_block" in text or "COMMIT" in text.upper()
