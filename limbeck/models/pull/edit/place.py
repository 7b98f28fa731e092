"""Where a table is declared in a user's module, and insertions there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from limbeck.dataclass import dataclass
from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import assigned
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.syntax import Edit, after
from limbeck.models.pull.render.models import Model
from limbeck.schema.catalog.objects.columns import Column


@dataclass(frozen=True, slots=True)
class Place:
    """The declaration of a table: the statements and calls of its columns, and the rest.

    `body` is the class; None for a Table, whose call is `table`. `statements` are by column,
    `others` are those of the class that assign other attributes. `listed` is the tuple of
    __table_args__ or the Table's call, `dictionary` the options.
    """

    body: ast.ClassDef | None
    table: ast.Call | None
    statements: Mapping[str, ast.stmt]
    others: Mapping[str, ast.stmt]
    calls: Mapping[str, ast.Call]
    listed: ast.Tuple | ast.Call | None
    dictionary: ast.Dict | None

    @property
    def assigned(self) -> frozenset[str]:
        """The attributes to which the body of the class assigns a value."""
        body = self.body.body if self.body else ()
        names = (assigned(node) for node in body if getattr(node, "value", None) is not None)
        return frozenset(name for name in names if name is not None)

    @property
    def elements(self) -> Sequence[ast.expr]:
        """The elements of `listed`."""
        if self.listed is None:
            return ()
        return self.listed.elts if isinstance(self.listed, ast.Tuple) else self.listed.args


def find_class(tree: ast.Module, name: str) -> ast.ClassDef | None:
    """Return the class with a name, None where the module has none."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return next((node for node in classes if node.name == name), None)


def place_of(draft: Draft, model: Model) -> Place | None:
    """Return where a table is declared, None where it is not in this module."""
    tree = draft.parsed.tree
    if not model.mapped:
        call = next(_tables(tree, model), None)
        if call is None:
            return None
        return Place(None, call, {}, {}, dict(_core_columns(call)), call, None)
    body = find_class(tree, model.name)
    if body is None:
        return None
    statements = {name: node for node in body.body if (name := assigned(node)) is not None}
    attributes = {attribute: column for column, attribute in model.attributes.items()}
    others = {name: node for name, node in statements.items() if name not in attributes}
    own = {attributes[name]: node for name, node in statements.items() if name in attributes}
    calls = {column: call for column, node in own.items() if (call := _call(node)) is not None}
    value = getattr(statements.get("__table_args__"), "value", None)
    listed = value if isinstance(value, ast.Tuple) else None
    last = listed.elts[-1] if listed and listed.elts else value
    options = last if isinstance(last, ast.Dict) else None
    return Place(body, None, own, others, calls, listed, options)


def _tables(tree: ast.Module, model: Model) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == "Table" and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and name.value == model.address.name:
                yield node


def _core_columns(table: ast.Call) -> Iterator[tuple[str, ast.Call]]:
    for node in table.args:
        if isinstance(node, ast.Call) and called(node) == "Column" and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value), node


def _call(statement: ast.stmt) -> ast.Call | None:
    """Return the mapped_column(...) or Column(...) of a statement; SQLModel has it in Field."""
    value = getattr(statement, "value", None)
    nodes = [node for node in ast.walk(value) if isinstance(node, ast.Call)] if value else []
    return next((node for node in nodes if called(node) in {"mapped_column", "Column"}), None)


def anchor(body: ast.ClassDef) -> ast.stmt:
    """Return the statement of a class below which table arguments and first columns belong."""
    names = {"__tablename__", "__table_args__", "__table__"}
    named = [node for node in body.body if assigned(node) in names]
    docstring = [node for node in body.body[:1] if isinstance(node, ast.Expr)]
    return ([*docstring, *named] or body.body[:1])[-1]


def add_statement(draft: Draft, place: Place, text: str, below: ast.stmt | None = None) -> None:
    """Add a statement to a class: below another one, else below the name of its table.

    Args:
        draft: the module.
        place: the class.
        text: the statement, of one line.
        below: the statement that it follows.

    """
    if place.body is not None:
        draft.edits.append(after(draft.parsed, below or anchor(place.body), text))


def _is_named(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Constant) and isinstance(first.value, str)


def add_argument(
    draft: Draft, place: Place, column: Column, text: str, *, first: bool = False
) -> None:
    """Add an argument to the call that declares a column, or add the call.

    Args:
        draft: the module.
        place: the table.
        column: the column.
        text: the argument.
        first: whether it precedes the other positional arguments, as a type does.

    """
    call = place.calls.get(column.name)
    statement = place.statements.get(column.name)
    if call is not None:
        if first and (rest := call.args[_is_named(call) :]):
            start = draft.parsed.start(rest[0])
            draft.edits.append(Edit(start, start, f"{text}, "))
            return
        changes = draft.of(call)
        is_keyword = text.partition("=")[0].isidentifier()
        (changes.keywords if is_keyword else changes.positional).append(text)
    elif isinstance(statement, ast.AnnAssign) and statement.value is None:
        draft.bare.setdefault(statement, []).append(text)
        draft.imports.add("from sqlalchemy.orm import mapped_column")
    else:
        draft.left.append(f"{column.address}: {text} is missing where the column is declared")
