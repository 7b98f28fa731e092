"""Pushes in the ledger: changes that `limbeck push` has made of a database without a revision."""

from __future__ import annotations

import platform
from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.engine import ledger
from limbeck.engine.batch import Statement
from limbeck.engine.ledger import PUSHES, About, Ledger

# Alembic refuses an id with this sign, so that no revision has such a name.
_MARK: Final = "push@"
_FORGET: Final = """
DELETE FROM limbeck_state.ledger WHERE action IN ('push', 'unpush') AND finished IS NULL"""


@dataclass(frozen=True, slots=True)
class Push:
    """A change without a revision, as the ledger records it.

    `base` are the revisions that its database holds already, by their version rows or by earlier
    pushes. `fingerprint` is that of the schema afterwards. `restores` says that this schema is that
    of the version rows again, so that nothing pushed is left. `earlier` counts the statements of an
    interrupted push that it completes.
    """

    base: tuple[str, ...]
    message: str
    statements: tuple[str, ...]
    fingerprint: str
    restores: bool = False
    earlier: int = 0

    @property
    def about(self) -> About:
        """What a row of the ledger says of it."""
        return {
            "revision": f"{_MARK}{','.join(self.base) or 'base'}",
            "action": "unpush" if self.restores else "push",
            "message": self.message,
            "file": self.fingerprint,
            "author": ledger.author(),
            "host": platform.node() or None,
        }

    def finish(self, digest: str) -> list[Statement]:
        """Return the statements that record its end, in place of the rows of interrupted pushes."""
        values: dict[str, Any] = {
            "steps": self.earlier + len(self.statements),
            "digest": digest,
            "sql": "".join(f"{statement};\n" for statement in self.statements),
        }
        return [Statement(_FORGET), Statement(*ledger.finish(self.about, values, begun=False))]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed to a database since its last revision.

    `statements` is the number of statements; `interrupted` counts those of a last push that was
    interrupted, None where it was not. `base` are the revisions that the last push began with.
    """

    statements: int
    base: tuple[str, ...]
    interrupted: int | None = None


def outstanding(entries: Ledger) -> Pushed | None:
    """Return what was pushed since the last revision was applied, reverted or marked, if any."""
    rows = []
    for entry in reversed(entries.entries):
        if entry.action not in PUSHES or (entry.action == "unpush" and entry.finished):
            break
        rows.append(entry)
    if not rows:
        return None
    base = rows[0].revision.removeprefix(_MARK)
    open_ = [entry.steps for entry in rows if not entry.finished]
    return Pushed(
        sum(entry.steps for entry in rows),
        () if base == "base" else tuple(base.split(",")),
        sum(open_) if open_ else None,
    )


def forgotten(entries: Ledger) -> list[Statement]:
    """Return the statement that deletes the rows of interrupted pushes, if there are any."""
    begun = any(entry.action in PUSHES and not entry.finished for entry in entries.entries)
    return [Statement(_FORGET)] if begun else []
