"""Objects that differ between two catalogs, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from limbeck.output.marks import Meaning, Span
from limbeck.schema.catalog.catalog import Change

if TYPE_CHECKING:
    from limbeck.output.answers.parts import ObjectChange

_SIGNS: Mapping[str, tuple[str, Meaning]] = {
    "new": ("+", "added"),
    "gone": ("-", "removed"),
    "changed": ("~", "changed"),
}


def changes_data(changes: Sequence[Change]) -> list[ObjectChange]:
    """Return the object of each change, and whether it is new, gone or changed."""
    return [
        {
            "change": _kind(change),
            "kind": change.address.kind,
            "object": str(change.address),
        }
        for change in changes
    ]


def change_line(change: Change) -> str:
    """Return a line such as "+ table public.books"; "-" is a missing object, "~" a changed one."""
    sign, meaning = _SIGNS[_kind(change)]
    return Span(f"{sign} {change.address}", meaning)


def _kind(change: Change) -> Literal["new", "gone", "changed"]:
    return "new" if change.before is None else "gone" if change.after is None else "changed"
