"""The version rows change as Alembic changes them, whatever the shape of the history."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.runtime.migration import HeadMaintainer, RevisionStep
from alembic.script import revision as alembic

from limbeck.engine.version_rows import Chain, VersionRows
from limbeck.engine.version_table import VersionTable
from limbeck.history.revisions import Revision


def histories(seed: int) -> Iterator[dict[str, Revision]]:
    """Yield histories with branches, merges and dependencies, parents first."""
    chance = random.Random(seed)  # noqa: S311 - the same ones each time
    for _ in range(200):
        revisions: dict[str, Revision] = {}
        for number in range(chance.randint(2, 12)):
            known = list(revisions)
            covered = {id_ for each in revisions.values() for id_ in each.parents}
            tops = [id_ for id_ in known if id_ not in covered]
            down = chance.sample(known, min(len(known), chance.choice((0, 1, 1, 1))))
            if len(tops) > 1 and chance.random() < 0.3:
                down = chance.sample(tops, chance.randint(2, len(tops)))
            needs = chance.sample(tops, min(len(tops), chance.choice((0, 0, 0, 1, 2))))
            id_ = f"r{number}"
            revisions[id_] = Revision(
                id=id_,
                down=tuple(down),
                message="",
                path=Path(id_),
                doc="",
                needs=tuple(each for each in needs if each not in down),
            )
        yield revisions


def theirs(revisions: dict[str, Revision]) -> alembic.RevisionMap:
    """Return Alembic's map of the same revisions."""
    each = [
        alembic.Revision(id_, revision.down, revision.needs or None)
        for id_, revision in revisions.items()
    ]
    for revision in each:
        vars(revision)["module"] = SimpleNamespace(upgrade=None, downgrade=None)
    return alembic.RevisionMap(lambda: each)


@pytest.mark.filterwarnings("ignore:Revision")
def test_every_step_up_and_down_leaves_the_rows_that_alembic_leaves() -> None:
    compared = 0
    for revisions in histories(19):
        chain, map_ = Chain(revisions), theirs(revisions)
        context: Any = None
        heads: set[str] = set()
        order = [(id_, False) for id_ in revisions] + [(id_, True) for id_ in reversed(revisions)]
        for id_, downgrade in order:
            script: Any = map_.get_revision(id_)
            assert {*chain.parents(id_)} == {*script._normalized_down_revisions}  # noqa: SLF001
            rows, ours = _Rows(context, heads), VersionRows(chain, heads, VersionTable())
            try:
                rows.update_to_step(RevisionStep(map_, script, not downgrade))
            except KeyError:  # a row that is not there, in histories that Alembic cannot run
                break
            ours.change(revisions[id_], downgrade=downgrade)
            assert ours.heads == rows.heads, (id_, downgrade, heads, revisions)
            heads, compared = ours.heads, compared + 1
    assert compared > 2000


def test_each_statement_changes_one_row_and_names_are_quoted_where_they_must_be() -> None:
    chain = Chain({"a": Revision(id="a", down=(), message="", path=Path("a"), doc="")})
    rows = VersionRows(chain, (), VersionTable("My versions", "App"))
    rows.change(chain.revisions["a"], downgrade=False)
    create, insert = rows.statements
    assert create.text.startswith('CREATE TABLE IF NOT EXISTS "App"."My versions" (version_num')
    assert insert.text == 'INSERT INTO "App"."My versions" (version_num) VALUES (%s)'
    assert (insert.parameters, insert.rows) == (("a",), 1)


class _Rows(HeadMaintainer):
    """Alembic's rows without a database."""

    def _insert_version(self, version: str) -> None:
        self.heads.add(version)

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)

    def _update_version(self, from_: str, to_: str) -> None:
        self.heads.remove(from_)
        self.heads.add(to_)
