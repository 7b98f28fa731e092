"""A column that has changed: its annotation and its arguments are edited in place."""

from __future__ import annotations

import ast

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.matching import given, keyed, tail
from limbeck.models.pull.edit.place import Place, add_argument
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import Edit
from limbeck.models.pull.render import columns, tables
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.source.text import Argument, Source
from limbeck.schema.catalog.objects.columns import Column

# Arguments that declare a constraint or an index are changed together with those.
_PARTS = frozenset({"name", "ForeignKey", "unique", "index"})
# The parameters of a dataclass's constructor are the author's choice, once they are there.
_CHOSEN = frozenset({"default", "init"})
# The arguments of SQLModel's Field that the database decides.
_FIELD = frozenset(
    {
        *("default", "default_factory", "primary_key", "foreign_key", "ondelete", "unique"),
        *("index", "nullable", "sa_column", "sa_type", "sa_column_args", "sa_column_kwargs"),
        *("max_length", "max_digits", "decimal_places"),
    }
)


def change_column(
    draft: Draft,
    place: Place,
    before: tuple[Column, Model],
    now: tuple[Column, Model],
    sides: Sides,
) -> None:
    """Edit the declaration of a column to describe the live schema.

    Args:
        draft: the module.
        place: the table in it.
        before: the column and its table as the working models have them.
        now: the column and its table as the database has them.
        sides: both schemas.

    """
    column = now[0]
    statement, call = place.statements.get(column.name), place.calls.get(column.name)
    if statement is None and call is None:
        draft.left.append(f"{column.address}: it differs, but is declared outside the class")
        return
    annotated = isinstance(statement, ast.AnnAssign) and is_mapped(statement.annotation)
    if isinstance(statement, ast.AnnAssign) and not annotated:
        # A field of SQLModel: its annotation and its arguments depend on each other.
        text = _field(draft, statement, before[0], now, sides)
        start, end = draft.parsed.start(statement), draft.parsed.end(statement)
        draft.edits.append(Edit(start, end, text))
        return
    own = keyed(columns.arguments(*before, sides.before, annotated=annotated))
    wanted = keyed(columns.arguments(*now, sides.after, annotated=annotated))
    plain = False
    if isinstance(statement, ast.AnnAssign):
        plain = _annotate(draft, statement, before[0], column, sides)
        if _loses_annotated(draft, statement, before[0], column, sides):
            # Its Annotated type had arguments, which the call has to have now.
            _add_missing(draft, place, column, own, wanted)
        nullable = given(call).get("nullable") if call else None
        if call and nullable and (before[0].not_null is None) != (column.not_null is None):
            draft.of(call).replaced[nullable] = f"nullable={column.not_null is None}"
    for key in [*own, *(key for key in wanted if key not in own)]:
        same = _text(own.get(key)) == _text(wanted.get(key))
        if key == "type" and same:
            same = not _loses_implied(call, before, now, sides)
        if key in _PARTS or same:
            continue
        if key == "type":
            implied = plain and columns.is_implied(column, now[1], sides.after)
            _change_type(draft, place, now, wanted[key], sides, implied=implied)
        else:
            _change_argument(draft, place, column, key, wanted.get(key))


def _loses_implied(
    call: ast.Call | None, before: tuple[Column, Model], now: tuple[Column, Model], sides: Sides
) -> bool:
    """Return whether a type that was not written, but implied by a foreign key, is so no more."""
    written = call is not None and "type" in given(call)
    implied = columns.is_implied(*before, sides.before)
    return not written and implied and not columns.is_implied(*now, sides.after)


def _field(
    draft: Draft, statement: ast.AnnAssign, before: Column, now: tuple[Column, Model], sides: Sides
) -> str:
    """Return the field of SQLModel for a column, with what only its author knows of it."""
    column, model = now
    text = draft.spelled(tables.attribute(column, model, sides.after))
    new = ast.parse(text).body[0]
    assert isinstance(new, ast.AnnAssign)  # noqa: S101 - an attribute is one
    if _value_type(before, sides.before) == _value_type(column, sides.after):
        value, _ = _apart(draft.parsed.source(statement.annotation))
        _, optional = _apart(ast.unparse(new.annotation))
        start = new.annotation.col_offset, new.annotation.end_col_offset
        own = draft.parsed.source(statement.annotation)
        text = text[: start[0]] + _together(draft, value, own, optional=optional) + text[start[1] :]
    call = statement.value
    extra = [
        draft.parsed.source(keyword)
        for keyword in (call.keywords if isinstance(call, ast.Call) else ())
        if keyword.arg not in _FIELD
    ]
    if not extra:
        return text
    head, _, value = text.partition(" = ")
    if value.endswith(")"):
        return f"{text[:-1]}, {', '.join(extra)})"
    given = [f"default={value}"] if value else []
    draft.imports.add("from sqlmodel import Field")
    return f"{head} = Field({', '.join([*given, *extra])})"


def _value_type(column: Column, models: Models) -> str:
    return columns.annotation(column, models).text.removesuffix(" | None")


def _text(argument: Argument | None) -> str | None:
    return argument.text if isinstance(argument, Source) else argument


def is_mapped(annotation: ast.expr) -> bool:
    """Return whether an annotation is Mapped[...]; a field of SQLModel has none of these."""
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
        draft.left.append(
            f"{column.address}: its type is the models' own; it has become {column.type}"
        )
        return
    call = place.calls.get(column.name)
    node = given(call).get("type") if call else None
    if call is not None and node is not None:
        keyword = f"{node.arg}=" if isinstance(node, ast.keyword) else ""
        draft.of(call).replaced[node] = f"{keyword}{draft.spelled(type_)}"
    elif not implied:
        add_argument(draft, place, column, draft.spelled(type_), first=True)


def _change_argument(
    draft: Draft, place: Place, column: Column, key: str, wanted: Argument | None
) -> None:
    call = place.calls.get(column.name)
    node = given(call).get(key) if call else None
    if key in _CHOSEN and (node is not None) == (wanted is not None):
        return
    if wanted is None:
        if call is not None and node is not None:
            draft.of(call).removed.append(node)
    elif call is not None and node is not None:
        draft.of(call).replaced[node] = draft.spelled(wanted)
    else:
        add_argument(draft, place, column, draft.spelled(wanted))


def _loses_annotated(
    draft: Draft, statement: ast.AnnAssign, before: Column, now: Column, sides: Sides
) -> bool:
    """Return whether an annotation of the author's own is replaced by a plain one."""
    old, new = _value_type(before, sides.before), _value_type(now, sides.after)
    value, _ = _apart(_inside(draft, statement))
    return old != new and value not in {old, draft.spelled_quietly(Source(old))}


def _add_missing(
    draft: Draft,
    place: Place,
    column: Column,
    own: dict[str, Argument],
    wanted: dict[str, Argument],
) -> None:
    call = place.calls.get(column.name)
    written = given(call) if call else {}
    for key, argument in wanted.items():
        if key != "type" and key not in written and _text(own.get(key)) == _text(argument):
            add_argument(draft, place, column, draft.spelled(argument))


def _inside(draft: Draft, statement: ast.AnnAssign) -> str:
    """Return the text in Mapped[...], without quotes around it."""
    assert isinstance(statement.annotation, ast.Subscript)  # noqa: S101 - it is Mapped[...]
    node = statement.annotation.slice
    return str(node.value) if isinstance(node, ast.Constant) else draft.parsed.source(node)


def _annotate(
    draft: Draft, statement: ast.AnnAssign, before: Column, now: Column, sides: Sides
) -> bool:
    """Edit the annotation of a column; return whether it is a plain one, which implies a type."""
    assert isinstance(statement.annotation, ast.Subscript)  # noqa: S101 - it is Mapped[...]
    node = statement.annotation.slice
    quoted = isinstance(node, ast.Constant) and isinstance(node.value, str)
    text = _inside(draft, statement)
    value, optional = _apart(text)
    old, new = _value_type(before, sides.before), _value_type(now, sides.after)
    annotation = columns.annotation(now, sides.after)
    # An annotation that stays needs no new imports.
    spelled = draft.spelled(annotation) if old != new else draft.spelled_quietly(annotation)
    wanted = spelled.removesuffix(" | None") if old != new else value
    nullable = now.not_null is None
    same = (before.not_null is None) == nullable
    edited = _together(draft, wanted, text, optional=optional if same else nullable)
    if edited != text and (old != new or not same):
        start, end = draft.parsed.start(node) + quoted, draft.parsed.end(node) - quoted
        draft.edits.append(Edit(start, end, edited))
    return wanted == spelled.removesuffix(" | None")


def _apart(text: str) -> tuple[str, bool]:
    """Return an annotation without None, and whether it allows None."""
    node = ast.parse(text.strip(), mode="eval").body
    if isinstance(node, ast.Subscript) and tail(node.value) == "Optional":
        return ast.unparse(node.slice), True
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
        return (ast.unparse(node.left), True) if node.right.value is None else (text, False)
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        return (ast.unparse(node.right), True) if node.left.value is None else (text, False)
    return text, False


def _together(draft: Draft, value: str, text: str, *, optional: bool) -> str:
    """Return an annotation with or without None, in the way that the module writes it."""
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
