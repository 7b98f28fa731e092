"""A column that has changed: its annotation and its arguments, in place."""

from __future__ import annotations

import ast

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.matching import given, keyed, tail
from limbeck.models.pull.edit.place import Place, add_argument
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import Edit
from limbeck.models.pull.render import columns, tables
from limbeck.models.pull.render.models import Model
from limbeck.models.source.text import Argument, Source
from limbeck.schema.catalog.objects.columns import Column

# What says a constraint or an index is changed with those.
_PARTS = frozenset({"name", "ForeignKey", "unique", "index"})
# What the constructor of a dataclass takes is a person's choice, once it is there.
_CHOSEN = frozenset({"default", "init"})


def change_column(
    draft: Draft,
    place: Place,
    before: tuple[Column, Model],
    now: tuple[Column, Model],
    sides: Sides,
) -> None:
    """Edit the declaration of a column, so that it is what the live schema has."""
    column = now[0]
    statement, call = place.statements.get(column.name), place.calls.get(column.name)
    if statement is None and call is None:
        draft.left.append(f"{column.address}: it differs, and is not declared in the class itself")
        return
    annotated = isinstance(statement, ast.AnnAssign) and _is_mapped(statement.annotation)
    if isinstance(statement, ast.AnnAssign) and not annotated:
        made = draft.spelled(tables.attribute(column, now[1], sides.after))
        start, end = draft.parsed.start(statement), draft.parsed.end(statement)
        draft.edits.append(Edit(start, end, made))
        return
    said = keyed(columns.arguments(*before, sides.before, annotated=annotated))
    wanted = keyed(columns.arguments(*now, sides.after, annotated=annotated))
    plain = False
    if isinstance(statement, ast.AnnAssign):
        plain = _annotate(draft, statement, before[0], column, sides)
        if call and (before[0].not_null is None) != (column.not_null is None):
            _renew(draft, call, "nullable", f"nullable={column.not_null is None}")
    for key in [*said, *(key for key in wanted if key not in said)]:
        if key in _PARTS or _text(said.get(key)) == _text(wanted.get(key)):
            continue
        if key == "type":
            implied = plain and columns.is_implied(column, now[1], sides.after)
            _change_type(draft, place, now, wanted[key], sides, implied=implied)
        else:
            _change_argument(draft, place, column, key, (said.get(key), wanted.get(key)))


def _text(argument: Argument | None) -> str | None:
    return argument.text if isinstance(argument, Source) else argument


def _is_mapped(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Subscript) and tail(annotation.value) == "Mapped"


def _change_type(  # noqa: PLR0913 - a type and its surroundings
    draft: Draft,
    place: Place,
    now: tuple[Column, Model],
    type_: Argument,
    sides: Sides,
    *,
    implied: bool,
) -> None:
    column, model = now
    if column.name in sides.known.tables[model.address].decorated:
        draft.left.append(f"{column.address}: its type is your own, the database has {column.type}")
        return
    call = place.calls.get(column.name)
    node = given(call).get("type") if call else None
    if call is not None and node is not None:
        made = draft.spelled(type_)
        keyword = f"{node.arg}=" if isinstance(node, ast.keyword) else ""
        draft.of(call).replaced[node] = f"{keyword}{made}"
    elif not implied:
        add_argument(draft, place, column, draft.spelled(type_), first=True)


def _change_argument(
    draft: Draft,
    place: Place,
    column: Column,
    key: str,
    sides: tuple[Argument | None, Argument | None],
) -> None:
    before, wanted = sides
    call = place.calls.get(column.name)
    node = given(call).get(key) if call else None
    if key in _CHOSEN and (node is not None) == (wanted is not None):
        return
    if wanted is None:
        if call is not None and node is not None:
            draft.of(call).removed.append(node)
    elif call is not None and node is not None:
        draft.of(call).replaced[node] = draft.spelled(wanted)
    elif before is None or node is None:
        add_argument(draft, place, column, draft.spelled(wanted))


def _renew(draft: Draft, call: ast.Call, key: str, text: str) -> None:
    if node := given(call).get(key):
        draft.of(call).replaced[node] = text


def _annotate(
    draft: Draft, statement: ast.AnnAssign, before: Column, now: Column, sides: Sides
) -> bool:
    """Edit the annotation of a column; say whether it is a plain one, which implies a type."""
    assert isinstance(statement.annotation, ast.Subscript)  # noqa: S101 - it is Mapped[...]
    node = statement.annotation.slice
    quoted = isinstance(node, ast.Constant) and isinstance(node.value, str)
    text = str(node.value) if isinstance(node, ast.Constant) else draft.parsed.source(node)
    value, optional = _apart(text)
    old, new = (
        columns.annotation(column, models).text.removesuffix(" | None")
        for column, models in ((before, sides.before), (now, sides.after))
    )
    spelled = draft.spelled_quietly(columns.annotation(now, sides.after))
    wanted = spelled.removesuffix(" | None") if old != new else value
    if old != new:
        draft.spelled(columns.annotation(now, sides.after))
    nullable = now.not_null is None
    keeps = (before.not_null is None) == nullable
    made = _together(draft, wanted, text, optional=optional if keeps else nullable)
    if made != text and (old != new or not keeps):
        place = draft.parsed.start(node) + quoted, draft.parsed.end(node) - quoted
        draft.edits.append(Edit(*place, made))
    return wanted == spelled.removesuffix(" | None")


def _apart(text: str) -> tuple[str, bool]:
    """Take an annotation apart: what it is beside None, and whether it may be None."""
    node = ast.parse(text.strip(), mode="eval").body
    if isinstance(node, ast.Subscript) and tail(node.value) == "Optional":
        return ast.unparse(node.slice), True
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
        return (ast.unparse(node.left), True) if node.right.value is None else (text, False)
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        return (ast.unparse(node.right), True) if node.left.value is None else (text, False)
    return text, False


def _together(draft: Draft, value: str, text: str, *, optional: bool) -> str:
    if not optional:
        return value
    names = {
        alias.name
        for node in ast.walk(draft.parsed.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "typing"
        for alias in node.names
    }
    if "Optional" in names and " | " not in text:
        return f"Optional[{value}]"
    return f"{value} | None"
