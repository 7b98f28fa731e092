"""Tables are sorted in the order in which SQLAlchemy sorts them, in linear time."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table
from sqlalchemy.exc import CircularDependencyError
from sqlalchemy.util import topological

from limbeck.project.code.worker import levels, statements_of


@pytest.mark.parametrize("seed", range(20))
def test_levels_are_those_of_sqlalchemy(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    for _ in range(50):
        items = random.sample(range(20), random.randint(1, 9))
        pairs = [(random.randrange(20), random.randrange(20)) for _ in range(10)]
        edges = {pair for pair in pairs if pair[0] < pair[1] or random.random() < 0.1}
        try:
            wanted = list(topological.sort_as_subsets(edges, items))
        except CircularDependencyError:
            wanted = []
        assert levels(edges, items) == wanted


def test_a_long_chain_of_foreign_keys_is_not_left_to_sqlalchemy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metadata = MetaData()
    for number in reversed(range(50)):
        key = [ForeignKey(f"t{number - 1:02}.id")] if number else []
        Table(f"t{number:02}", metadata, Column("id", Integer, *key, primary_key=True))
    slow: list[object] = []
    monkeypatch.setattr(topological, "sort_as_subsets", lambda *tables: slow.append(tables))
    statements = statements_of(metadata, 180000)
    assert [text.split()[2] for text in statements] == [f"t{number:02}" for number in range(50)]
    assert slow == []
