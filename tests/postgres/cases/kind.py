"""What happens to each kind of object: it is added, changed, renamed and dropped, all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.postgres.cases.case import Case

# Which name stands for what: the number is the same before and after a rename.
ADDED, CHANGED, DROPPED = ("added", 1), ("changed", 2), ("dropped", 3)
NAMED, RENAMED = ("named", 4), ("renamed", 4)


@dataclass(frozen=True, slots=True)
class Kind:
    """SQL that makes one object in three ways, [n] being its name and [k] its number.

    `one` is there, `other` is there changed, `none` is what is there without it; `base` stands
    before and after. Where nothing can change, `other` is empty and `unchanging` says why; where
    it cannot be renamed, `named` (the whole name of one) is empty and `nameless` says why.
    """

    name: str
    one: str
    other: str = ""
    none: str = ""
    base: str = ""
    named: str = ""
    rows: str = ""
    unchanging: str = ""
    nameless: str = ""

    def case(self) -> Case:
        """Return the case in which all of it happens."""
        before = [(self.none, ADDED), (self.one, DROPPED)]
        after = [(self.one, ADDED), (self.none, DROPPED)]
        verbs, renames = "added, dropped", tuple[str, ...]()
        if self.other:
            before, after = [*before, (self.one, CHANGED)], [*after, (self.other, CHANGED)]
            verbs += ", changed"
        if self.named:
            before, after = [*before, (self.one, NAMED)], [*after, (self.one, RENAMED)]
            verbs += ", renamed"
            renames = (f"{written(self.named, NAMED)}:{written(self.named, RENAMED)}",)
        return Case(
            f"{self.name} {verbs}",
            self.base + ";\n".join(written(*each) for each in before),
            self.base + ";\n".join(written(*each) for each in after),
            renames,
            self.rows,
        )


def written(text: str, place: tuple[str, int]) -> str:
    """Return SQL for one name and number."""
    return re.sub(r"\[k\]", str(place[1]), text.replace("[n]", place[0]))


def attribute(name: str, plain: str, *said: str, base: str = "", rows: str = "") -> Kind:
    """Return the kind of what is said of a whole: where [a] stands, nothing, one or another."""
    one, other = (*said, "")[:2]
    if not other:
        rows = re.sub(r"INSERT INTO t2 [^;]*;", "", rows)
    return Kind(
        name,
        plain.replace("[a]", one),
        plain.replace("[a]", other) if other else "",
        plain.replace("[a]", ""),
        base,
        rows=rows,
        unchanging="" if other else "it is said or it is not",
        nameless="it has no name",
    )
