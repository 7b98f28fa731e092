"""Pairs of schemas from the test suites of other tools, on the server of the run.

They lie beside the repository, and are read there. `make majors` runs them on each major.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.diff.script import script
from limbeck.schema.renames import parse
from tests.majors.servers import REPOSITORY
from tests.postgres.test_diff import carry_out, differences

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog

PAIRS = REPOSITORY.parent / "shared" / "corpora" / "pairs-open.jsonl.gz"
WANTED = 60

pytestmark = [
    pytest.mark.majors,
    pytest.mark.skipif(not PAIRS.exists(), reason=f"{PAIRS} is not here"),
]


def varied(pairs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield pairs of each tool and of each set of kinds in turn, until there are no more."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for pair in pairs:
        groups.setdefault((pair["source"], " ".join(sorted(pair["kinds"]))), []).append(pair)
    while groups:
        for key in list(groups):
            yield groups[key].pop(0)
            if not groups[key]:
                del groups[key]


def loaded(database: Database, text: str) -> bool:
    """Execute a script in an empty database; return whether this major could."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        try:
            connection.execute(text.encode())
        except psycopg.Error:
            return False
    return True


def catalog(database: Database) -> Catalog:
    with psycopg.connect(database.url, autocommit=True) as connection:
        return read(connection)


def test_sixty_pairs(make_database: Callable[..., Database]) -> None:
    with gzip.open(PAIRS, "rt") as lines:
        pairs = varied([json.loads(line) for line in lines])
    exact, wrong = 0, list[str]()
    while exact + len(wrong) < WANTED:
        pair, a, b = next(pairs), make_database("a"), make_database("b")
        if loaded(a, f"{pair['a']}\n{pair.get('seed') or ''}") and loaded(b, pair["b"]):
            problem = judged(pair, a, b)
            exact += not problem
            wrong += [f"{pair['source']}/{pair['name']}: {problem}"] if problem else []
    assert wrong == []
    assert exact == WANTED


def judged(pair: dict[str, Any], a: Database, b: Database) -> str:
    """Turn one schema of a pair into the other; return what is wrong."""
    before, after = catalog(a), catalog(b)
    answers = [answer.replace("->", ":") for answer in pair.get("renames") or ()]
    renames, _ = parse.answers(answers, before, after)
    steps = compare.steps(before, after, renames)
    with psycopg.connect(a.url, autocommit=True) as connection:
        try:
            carry_out(connection, steps)
        except psycopg.Error as error:
            return f"{error}\n{script(steps)}"
    return "\n".join(differences(catalog(a), after))
