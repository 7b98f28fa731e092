"""The message of a revision that was given none: a few words on what its steps do."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.column_operations import RenameColumn
from limbeck.schema.diff.operations import (
    AddConstraint,
    CreateIndex,
    DropConstraint,
    DropIndex,
    RenameTable,
)
from limbeck.schema.diff.retyping import separated
from limbeck.schema.diff.steps import Step

_VERBS = {"create": "add", "alter": "change", "drop": "drop", "rename": "rename"}
_PREPOSITIONS = {"create": "to", "alter": "in", "drop": "from", "rename": "in"}
# Objects with parts that need no mention where the whole is created or dropped.
_WHOLE = {"table", "view", "function", "enum", "domain", "composite", "range", "sequence", "schema"}
# Objects that are often renamed only because their table or column is.
NAMED_AFTER = frozenset({"index", "constraint", "sequence"})
_NAMED = 3  # names that fit into a message


def message(steps: Sequence[Step]) -> str:
    """Return a message for steps, such as "add published_year to books"."""
    subjects = list(dict.fromkeys(_subjects(steps)))
    if len(subjects) == 1:
        return _single(*subjects[0])
    verbs = {verb for verb, _, _ in subjects}
    if len(verbs) == 1 and len(subjects) <= _NAMED:
        verb = next(iter(verbs))
        if all(not address.part for _, address, _ in subjects):
            return f"{_VERBS[verb]} {_list(_noun(address) for _, address, _ in subjects)}"
        tables = {address[1:3] for _, address, _ in subjects}
        if len(tables) == 1 and all(address.part for _, address, _ in subjects):
            names = _list(address.part for _, address, _ in subjects)
            return f"{_VERBS[verb]} {names} {_PREPOSITIONS[verb]} {subjects[0][1].name}"
    return f"{len(subjects)} changes to {_list(address.name for _, address, _ in subjects)}"


def _single(verb: str, address: Address, new: str) -> str:
    if verb == "rename":
        return f"rename {'.'.join(filter(None, (address.name, address.part)))} to {new}".strip()
    if not address.part:
        return f"{_VERBS[verb]} {_noun(address)}"
    if verb == "create":
        return f"add {_part(address)} to {address.name}"
    if address.kind == "column":
        return f"{_VERBS[verb]} {address.name}.{address.part}"
    return f"{_VERBS[verb]} {_part(address)} {_PREPOSITIONS[verb]} {address.name}"


def _part(address: Address) -> str:
    return address.part if address.kind in {"column", "index"} else f"{address.kind} {address.part}"


def _noun(address: Address) -> str:
    name = address.name.partition("(")[0]
    return name if address.kind == "table" else f"{address.kind.replace('_', ' ')} {name}"


def _list(names: Iterator[str]) -> str:
    unique = list(dict.fromkeys(names))
    if len(unique) <= _NAMED:
        return ", ".join(unique)
    return f"{', '.join(unique[:_NAMED])} and {len(unique) - _NAMED} more"


def _subjects(steps: Sequence[Step]) -> Iterator[tuple[str, Address, str]]:
    steps = tuple(separated(steps))
    whole = {
        (step.address.schema, step.address.name)
        for step in steps
        if step.address.kind in _WHOLE and step.verb in {"create", "drop"} and not step.address.part
    }
    columns = {(step.verb, step.address) for step in steps if step.address.kind == "column"}
    renamed = any(isinstance(step.operation, RenameTable | RenameColumn) for step in steps)
    for step in steps:
        if renamed and step.verb == "rename" and step.address.kind in NAMED_AFTER:
            continue
        address = _placed(step)
        if address.part and (address.schema, address.name) in whole:
            continue
        if not _comes_along(step, columns):
            yield step.verb, address, _new_name(step)


def _comes_along(step: Step, columns: Container[tuple[str, Address]]) -> bool:
    """Return whether a key, check or index is created or dropped together with its columns."""
    match step.operation:
        case AddConstraint(constraint) | DropConstraint(constraint):
            schema, table, names = constraint.schema, constraint.table, constraint.columns
        case CreateIndex(index) | DropIndex(index):
            schema, table = index.table.schema, index.table.name
            names = tuple(key.column or "" for key in index.keys)
        case _:
            return False
    addresses = (Address("column", schema, table, name) for name in names)
    return bool(names) and all((step.verb, address) in columns for address in addresses)


def _placed(step: Step) -> Address:
    # An index has an address beside that of its table; for a reader it is a part of the table.
    if isinstance(step.operation, CreateIndex | DropIndex):
        index = step.operation.item
        return Address("index", index.table.schema, index.table.name, index.name)
    return step.address


def _new_name(step: Step) -> str:
    if isinstance(step.operation, RenameTable | RenameColumn):
        return step.operation.name
    return ""
