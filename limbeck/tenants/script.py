"""What a revision does in a tenant's schema, as statements that are the same for all of them.

Where the Python of a revision only gives statements to `op`, one tenant has run it, and the others
get what it has sent: without Alembic, on several sessions at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import adopting, ledger
from limbeck.engine.batch import Statement
from limbeck.engine.ledger import Ledger
from limbeck.engine.version_rows import Chain, VersionRows
from limbeck.engine.version_table import VersionTable
from limbeck.history import code
from limbeck.history.history import History
from limbeck.history.plainness import is_repeatable
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import search_path
from limbeck.postgres.lock import key
from limbeck.schema.sql.quoting import literal, percent_escaped, quote

# What a statement might set for those after it, so that they would not find the tenant.
_ESCAPES: Final = re.compile(r"(?i)\b(search_path|discard|reset)\b")
_STAND_IN: Final = "limbeck stand-in for a tenant"
_RESETS: Final = ("RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL")


@dataclass(frozen=True, slots=True)
class Script:
    """One revision as statements; `rows` change the version rows of a stand-in for the tenant.

    `adopted` writes the revisions before it into the ledger, where that has none of the tenant.
    """

    revision: Revision
    statements: tuple[Statement, ...]
    rows: tuple[Statement, ...]
    values: dict[str, Any]
    adopted: tuple[Statement, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether all of it can be sent as one text, because no statement has parameters.

        Those of the rows are names and numbers, which are the same as literals.
        """
        return not any(each.parameters or each.many for each in self.statements)

    def template(self, connection: psycopg.Connection[Any]) -> str:
        """Return the transaction of a stand-in for a tenant as one text, but for its beginning."""
        about = ledger.about(self.revision, "upgrade", _STAND_IN)
        record = Statement(*ledger.finish(about, self.values, begun=False))
        ends = (*self._resets(), *self.rows, record, *self.adopted, Statement("COMMIT"))
        return _joined(_text(connection, each) for each in (*self.statements, *ends))

    @staticmethod
    def text(tenant: str, limits: Sequence[Statement], template: str) -> str:
        """Return one tenant's transaction as one text.

        Args:
            tenant: The schema.
            limits: What the transaction begins with, such as its lock timeout.
            template: What `template` returns.

        """
        path, lock = literal(search_path(tenant)), key(tenant)
        begin = f"SELECT set_config('search_path', {path}, true), pg_advisory_xact_lock({lock})"
        own = template.replace(quote(_STAND_IN), quote(tenant))
        own = own.replace(literal(_STAND_IN), literal(tenant))
        return _joined(["BEGIN", *(each.text for each in limits), begin, own])

    def of(self, tenant: str, limits: Sequence[Statement]) -> Iterator[Statement]:
        """Yield the statements of one tenant's transaction, as in `text`."""
        yield from (Statement("BEGIN"), *limits)
        path = search_path(tenant)
        # Another run may be in the schema by itself, such as `rollback --tenant`: hence the lock.
        yield Statement(
            "SELECT set_config('search_path', %s, true), pg_advisory_xact_lock(%s)",
            [path, key(tenant)],
        )
        yield from (*self.statements, *self._resets())
        own = percent_escaped(quote(tenant))
        for row in self.rows:
            name = own if row.parameters else quote(tenant)
            yield replace(row, text=row.text.replace(quote(_STAND_IN), name))
        about = ledger.about(self.revision, "upgrade", tenant)
        yield Statement(*ledger.finish(about, self.values, begun=False))
        for row in self.adopted:
            yield replace(row, parameters={**_named(row), "tenant": tenant})
        yield Statement("COMMIT")

    @staticmethod
    def _resets() -> Iterator[Statement]:
        """Yield what ends every revision, see `engine.defaults`."""
        return map(Statement, _RESETS)


def _named(statement: Statement) -> Mapping[str, Any]:
    """Return the parameters of a row of the ledger."""
    parameters: Any = statement.parameters
    return parameters or {}


def _joined(texts: Iterable[str]) -> str:
    # A statement may end with a comment.
    return "\n;\n".join(texts)


def _text(connection: psycopg.Connection[Any], statement: Statement) -> str:
    parameters: Any = statement.parameters
    if parameters is None:
        return statement.text
    return psycopg.ClientCursor(connection).mogrify(statement.text.encode(), parameters)


def scripts(
    history: History,
    current: Sequence[str],
    table: VersionTable,
    taken: Sequence[tuple[Revision, Sequence[Statement] | None]],
    *,
    adopts: bool = False,
) -> tuple[Script, ...] | None:
    """Return revisions as scripts; None where one of them has to run in each tenant by itself.

    Args:
        history: The history of the tenants.
        current: The version rows before the first of them.
        table: The version table that each tenant has.
        taken: The revisions that one tenant has run, with the statements that each has sent.
        adopts: Whether no ledger has the revisions before them.

    """
    scripts_: list[Script] = []
    # The same for all tenants: to compute it for each takes as long as their revisions.
    empty = Ledger((), exists=True, tenant=_STAND_IN)
    adopted = tuple(adopting.adopted(history, current, empty)) if adopts else ()
    chain, heads = Chain.of(history), set(current)
    stand_in = table._replace(schema=_STAND_IN)
    for revision, statements in taken:
        if (
            statements is None
            or not is_repeatable(revision)
            or any(_ESCAPES.search(each.text) for each in statements)
        ):
            return None
        rows = VersionRows(chain, heads, stand_in)
        rows.change(revision, downgrade=False)
        heads = rows.heads
        # No digest: only that of a half-done revision is compared, and this one is whole.
        values = {"steps": 0, "digest": "", "sql": code.checksum(revision.path)}
        script = Script(revision, tuple(statements), tuple(rows.statements), values, adopted)
        scripts_.append(script)
        adopted = ()
    return tuple(scripts_)
