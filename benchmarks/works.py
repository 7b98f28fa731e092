"""What is measured: each work by its name, the sizes, and who does it."""

from __future__ import annotations

from dataclasses import dataclass

ONE = "generate, one column"
NOTHING = "generate, nothing changed"
PROTECTED = "migrate -e production with lint, first revision"
PENDING = "migrate, nothing pending"
LINT = "lint, one column"
PULL = "pull"
PROVED = "pull, proved"
PULL_AWAY = "pull, 30 ms away"
EQUAL = "diff of equal"
NEW = "migrate, new database"
NEW_AWAY = "migrate, new database, 30 ms away"
WAIT = "longest wait of readers while a column is added"
STATUS = "status"

TABLES, REVISIONS, ENVIRONMENTS = "tables", "revisions", "environments"


@dataclass(frozen=True, slots=True)
class Work:
    """Some work, by what it grows with, and the sizes at which it is measured.

    `share` is its part of the time that an ordinary work has.
    """

    name: str
    unit: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    share: float = 1.0


# Models that an edit has touched are read anew once, so what needs no edit comes first.
WORKS = (
    Work(NOTHING, TABLES, (10, 100, 1000, 5000), (10, 100)),
    Work(ONE, TABLES, (10, 100, 1000, 5000), (10, 100), 1.5),
    Work(LINT, TABLES, (1000,), (100,)),
    Work(PENDING, TABLES, (10, 100, 1000, 5000), (10, 100)),
    Work(PROTECTED, TABLES, (1000,), (100,)),
    Work(PULL, TABLES, (100, 1000, 5000), (100,)),
    Work(PULL_AWAY, TABLES, (1000,), (100,)),
    Work(PROVED, TABLES, (100,), (100,)),
    Work(EQUAL, TABLES, (100, 1000, 5000), (100,)),
    Work(NEW, REVISIONS, (1, 100, 500, 2000), (1, 100)),
    Work(NEW_AWAY, REVISIONS, (100, 500, 2000), (100,)),
    Work(PENDING, REVISIONS, (1, 100, 500, 2000), (1, 100)),
    Work(WAIT, REVISIONS, (1, 2000), (1, 100)),
    Work(STATUS, ENVIRONMENTS, (200,), (20,)),
)
