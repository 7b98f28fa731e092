"""What a revision does in a tenant's schema, as statements that are the same for all of them.

Where the Python of a revision only gives statements to `op`, one tenant has run it, and the others
get what it has sent: without Alembic, on several sessions at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.engine import ledger
from limbeck.engine.batch import Statement
from limbeck.engine.version_rows import Chain, VersionRows
from limbeck.engine.version_table import VersionTable
from limbeck.history import code
from limbeck.history.history import History
from limbeck.history.plainness import is_repeatable
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import search_path
from limbeck.postgres.lock import key
from limbeck.schema.sql.quoting import percent_escaped, quote

# What a statement might set for those after it, so that they would not find the tenant.
_ESCAPES: Final = re.compile(r"(?i)\b(search_path|discard|reset)\b")
_STAND_IN: Final = "limbeck stand-in for a tenant"
_RESETS: Final = ("RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL")


@dataclass(frozen=True, slots=True)
class Script:
    """One revision as statements; `rows` change the version rows of a stand-in for the tenant."""

    revision: Revision
    statements: tuple[Statement, ...]
    rows: tuple[Statement, ...]
    values: dict[str, Any]

    def of(self, tenant: str, limits: Sequence[Statement]) -> Iterator[Statement]:
        """Yield what one tenant's transaction is, but for its COMMIT.

        Args:
            tenant: The schema.
            limits: What the transaction begins with, such as its lock timeout.

        """
        yield from (Statement("BEGIN"), *limits)
        path = search_path(tenant)
        # Another run may be in the schema by itself, such as `rollback --tenant`: hence the lock.
        yield Statement(
            "SELECT set_config('search_path', %s, true), pg_advisory_xact_lock(%s)",
            [path, key(tenant)],
        )
        yield from self.statements
        # As at the end of every revision, see `engine.defaults`.
        yield from map(Statement, _RESETS)
        own = percent_escaped(quote(tenant))
        for row in self.rows:
            name = own if row.parameters else quote(tenant)
            yield replace(row, text=row.text.replace(quote(_STAND_IN), name))
        about = ledger.about(self.revision, "upgrade", tenant)
        yield Statement(*ledger.finish(about, self.values, begun=False))


def scripts(
    history: History,
    current: Sequence[str],
    table: VersionTable,
    taken: Sequence[tuple[Revision, Sequence[Statement] | None]],
) -> tuple[Script, ...] | None:
    """Return revisions as scripts; None where one of them has to run in each tenant by itself.

    Args:
        history: The history of the tenants.
        current: The version rows before the first of them.
        table: The version table that each tenant has.
        taken: The revisions that one tenant has run, with the statements that each has sent.

    """
    scripts_: list[Script] = []
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
        scripts_.append(Script(revision, tuple(statements), tuple(rows.statements), values))
    return tuple(scripts_)
