"""What the project's code answers from another process: models and revisions as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limbeck.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Described:
    """The models as SQL: the statements that create them in an empty database, in their order.

    `schemas` are those that the tables name, `enums` the enums of all columns (schema, name,
    column, labels). `read` is what their import has read since `began`, by kind, see `recording`;
    None where that is not known.
    """

    statements: tuple[str, ...]
    schemas: tuple[str, ...]
    enums: tuple[tuple[str | None, str, str, tuple[str, ...]], ...]
    read: Mapping[str, Sequence[str]] | None
    began: float


@dataclass(frozen=True, slots=True)
class Rendered:
    """A revision as SQL, up to what needs a database; `error` is what it raised there."""

    text: str
    steps: int
    error: str | None = None
