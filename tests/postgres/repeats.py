"""Steps that create an object that exists already, or drop one that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from limbeck.schema.diff.steps import Step

# An index is built under the name that it has until a constraint is made from it.
INDEX = re.compile(r"(CREATE|DROP) (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:\w+\.)?(\w+)")
RENAMED = re.compile(r"ALTER INDEX (?:\w+\.)?(\w+) RENAME TO (\w+)")
# Kinds of objects that one statement creates and one drops.
KINDS = frozenset({"constraint", "table", "view", "column", "trigger", "policy", "sequence"})


def repeated(steps: Iterable[Step]) -> list[str]:
    """Return the statements that create or drop an object twice in a row."""
    last: dict[object, str] = {}
    repeats = []
    for step in steps:
        for verb, name in _actions(step):
            if last.get(name) == verb:
                repeats.append(step.sql)
            last[name] = verb
    return repeats


def _actions(step: Step) -> Iterator[tuple[str, object]]:
    if match := RENAMED.match(step.sql):
        yield "drop", match[1]
        yield "create", match[2]
    elif match := INDEX.match(step.sql):
        yield match[1].lower(), match[2]
    elif step.verb in {"create", "drop"} and step.address.kind in KINDS:
        yield step.verb, step.address
