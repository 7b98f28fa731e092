"""The rows of Alembic's version table, and the statements by which a revision changes them.

They are those of Alembic's `HeadMaintainer` and `RevisionStep` (alembic/runtime/migration.py). A
process whose revisions run in a worker needs neither Alembic nor SQLAlchemy for them; a test
compares both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.engine.batch import Statement
from limbeck.engine.version_table import VersionTable
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.schema.sql.quoting import qualified, quote

_MOVING: Final = "WITH moved AS ({} RETURNING 1) SELECT 1 / count(*) FROM moved"
"""Fails by itself where no row is changed: the COMMIT is sent before its result is read."""


@dataclass(frozen=True)
class Chain:
    """The revisions of a history by their ids, as the version rows depend on them."""

    revisions: Mapping[str, Revision]

    @classmethod
    def of(cls, history: History) -> Chain:
        """Return the chain of a history."""
        return cls({revision.id: revision for revision in history.revisions()})

    def parents(self, id_: str) -> tuple[str, ...]:
        """Return the ids that a revision's row replaces: of its parents and of what it needs.

        What one of its ancestors needs as well has given up its row there.
        """
        revision = self.revisions[id_]
        if not revision.needs:
            return revision.down
        needs = set(revision.needs) - self._needed_before.get(id_, frozenset())
        return tuple(dict.fromkeys((*revision.down, *sorted(needs))))

    @cached_property
    def _needed_before(self) -> Mapping[str, frozenset[str]]:
        """What the ancestors of a revision need, for each that needs something itself."""
        return {
            id_: frozenset(
                need
                for ancestor in self._reached(revision.down, only_down=True)
                for need in self.revisions[ancestor].needs
            )
            for id_, revision in self.revisions.items()
            if revision.needs
        }

    def below(self, ids: Iterable[str]) -> set[str]:
        """Return these ids and those of all revisions below them."""
        return self._reached(ids, only_down=False)

    def _reached(self, ids: Iterable[str], *, only_down: bool) -> set[str]:
        open_, reached = list(ids), set[str]()
        while open_:
            id_ = open_.pop()
            if id_ in self.revisions and id_ not in reached:
                reached.add(id_)
                open_ += self.revisions[id_].down if only_down else self.parents(id_)
        return reached


class VersionRows:
    """The ids in the version table, and the statements that change them.

    They are sent with the last step of their revision.

    Args:
        chain: the revisions.
        heads: the ids before the first change; without any, the table is created.
        table: the name of the table.

    """

    def __init__(self, chain: Chain, heads: Collection[str], table: VersionTable) -> None:
        self.chain = chain
        self.heads = set(heads)
        self.statements: list[Statement] = []
        self._table = qualified(table.schema or "", table.name)
        if not heads:
            key = f"CONSTRAINT {quote(f'{table.name}_pkc')} PRIMARY KEY (version_num)"
            columns = f"version_num VARCHAR(32) NOT NULL, {key}"
            create = f"CREATE TABLE IF NOT EXISTS {self._table} ({columns})"
            self.statements.append(Statement(create))

    def change(self, revision: Revision, *, downgrade: bool) -> None:
        """Change the rows as a revision does that runs, or is taken back."""
        (self._taken_back if downgrade else self._applied)(revision.id)

    def _applied(self, id_: str) -> None:
        parents = self.chain.parents(id_)
        if not self.heads.intersection(parents):
            self._insert(id_)
            return
        # A parent that a row above it covers has none of its own.
        others = self.heads.difference(parents)
        covered = self.chain.below(others) if len(parents) > 1 and others else set[str]()
        rows = [each for each in parents if each in self.heads and each not in covered]
        *merged, last = rows or [each for each in parents if each in self.heads]
        for each in merged:
            self._delete(each)
        self._update(last, id_)

    def _taken_back(self, id_: str) -> None:
        parents = self.chain.parents(id_)
        others = self.heads - {id_}
        covered = self.chain.below(others) if others else self._below_each_other(parents)
        rows = [each for each in parents if each not in covered]
        for each in rows[:-1]:
            self._insert(each)
        if rows:
            self._update(id_, rows[-1])
        else:
            self._delete(id_)

    def _below_each_other(self, ids: Iterable[str]) -> set[str]:
        return {each for id_ in ids for each in self.chain.below([id_]) if each != id_}

    def _insert(self, version: str) -> None:
        self.heads.add(version)
        self._write("INSERT INTO {} (version_num) VALUES (%s)", version)

    def _delete(self, version: str) -> None:
        self.heads.remove(version)
        self._write(_MOVING.format("DELETE FROM {} WHERE version_num = %s"), version)

    def _update(self, from_: str, to: str) -> None:
        self.heads.remove(from_)
        self.heads.add(to)
        update = "UPDATE {} SET version_num = %s WHERE version_num = %s"
        self._write(_MOVING.format(update), to, from_)

    def _write(self, statement: str, *values: str) -> None:
        # One row each: a row that another migrator moved meanwhile must fail the revision.
        text = statement.format(self._table.replace("%", "%%"))
        self.statements.append(Statement(text, values, rows=1))
