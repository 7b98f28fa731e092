"""Drift at a glance: an object that is new or missing as a whole, without its parts."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.schema.catalog.catalog import Change
from limbeck.schema.catalog.objects.grants import DefaultGrant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject


def outermost(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes without those that follow from a new or missing object.

    A table created by hand is one change: its columns, constraints, indexes, triggers, grants and
    owned sequences are left out.
    """
    wholes = {
        (change.address.schema, change.address.name, _sign(change))
        for change in changes
        if _owner(change) is None and _sign(change)
    }
    return tuple(
        change
        for change in changes
        if (owner := _owner(change)) is None or (*owner, _sign(change)) not in wholes
    )


def named(changes: Sequence[Change], most: int = 5) -> str:
    """Return the names of the outermost changes, with their signs."""
    names = [_signed(change) for change in outermost(changes)]
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join(names[:most] + more)


def _signed(change: Change) -> str:
    sign = "+" if change.before is None else "-" if change.after is None else "~"
    return f"{sign} {change.address}"


def _sign(change: Change) -> str:
    return "+" if change.before is None else "-" if change.after is None else ""


def _owner(change: Change) -> tuple[str, str] | None:
    """Return the schema and name of the object that the changed one belongs to."""
    address, changed = change.address, change.after or change.before
    match changed:
        case Index():
            return changed.table.schema, changed.table.name
        case SequenceObject(owned_by=owner) if owner is not None:
            return owner.schema, owner.name
        case DefaultGrant():
            return None
    return (address.schema, address.name) if address.part else None
