"""The source of working models with the new names of tables and columns in it.

The names in Python stay. What is renamed: where a table or a column is declared, and every name
in a string that refers to it, except for SQL, which the merge then writes as the database has it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from limbeck.models.pull.edit.arguments import change_option
from limbeck.models.pull.edit.attributes import is_mapped
from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.known import Working
from limbeck.models.pull.edit.matching import called, given, tail
from limbeck.models.pull.edit.moving import Renames
from limbeck.models.pull.edit.place import Place, add_statement, place_of
from limbeck.models.pull.edit.syntax import Edit
from limbeck.models.pull.edit.workplace import Workplace
from limbeck.models.pull.render.contents import Contents
from limbeck.models.pull.render.entity import dotted
from limbeck.models.pull.render.models import Known, Model
from limbeck.models.source.text import literal
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.renames.move import names_of
from limbeck.schema.renames.tokens import Names, substituted
from limbeck.schema.sql.quoting import names

# Calls about parts of a table, in which a string may be the name of one of its columns.
_PARTS = frozenset(
    {
        *("Index", "UniqueConstraint", "PrimaryKeyConstraint", "ExcludeConstraint"),
        *("ForeignKeyConstraint", "NotNull"),
    }
)
# Entities and the places of their arguments that name a table.
_ENTITIES = {"Policy": 1, "Trigger": 1, "Rule": 1, "RowSecurity": 0, "Partition": 1}
_RELATIONSHIPS = frozenset({"relationship", "Relationship"})


def rename(place: Workplace, known: Working, before: Catalog, renames: Renames) -> None:
    """Write the new names into the modules of a workplace.

    Args:
        place: the modules; their drafts are made of what they have then.
        known: the working models, by the old names.
        before: the schema that they create.
        renames: the renames.

    """
    # Unqualified, as a module writes it: only the last part of a name.
    sql = names_of(renames.each)
    for path in place.modules:
        draft = Draft(place.draft_at(path).parsed)
        for address, own in known.tables.items():
            if place.path(own.module) == path:
                _declaration(draft, address, own, before, renames, sql)
            if not own.mapped:
                draft.edits += _columns_of(draft, own.name, renames.columns.get(address, {}))
        draft.edits += _references(draft, renames)
        place.rewrite(path, draft)


def written(place: Workplace) -> frozenset[str]:
    """Return the strings in the source that may be names of constraints, indexes or sequences."""
    return frozenset(
        node.value
        for path in place.modules
        for node in ast.walk(place.draft_at(path).parsed.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _declaration(  # noqa: PLR0913, PLR0917 - a table and its surroundings
    draft: Draft, address: Address, own: Known, before: Catalog, renames: Renames, sql: Names
) -> None:
    """Rename a table and its columns where they are declared."""
    columns = renames.columns.get(address, {})
    table = before.objects.get(address)
    new = renames.table(address)
    if not isinstance(table, Table) or (new == address and not columns):
        return
    contents = Contents(table, (), (), (), None)
    place = place_of(draft, Model(contents, own.name, own.mapped, own.module, own.attributes))
    if place is None:
        draft.left.append(f"{address}: {own.name} is not declared where it was imported from")
        return
    if new != address:
        _table(draft, place, address, new)
    for column, name in columns.items():
        _column(draft, place, column, name)
    scopes = [place.listed or place.others.get("__table_args__"), *place.calls.values()]
    if place.body is None:
        scopes = [place.table]
    for scope in filter(None, scopes):
        for node in ast.walk(scope):
            if called(node) in _PARTS and isinstance(node, ast.Call):
                draft.edits += _in_part(draft, node, columns, sql)


def _table(draft: Draft, place: Place, old: Address, new: Address) -> None:
    node = place.table.args[0] if place.table else None
    if place.body is not None:
        node = getattr(place.others.get("__tablename__"), "value", None)
        inside = getattr(place.others.get("__table__"), "value", None)
        node = inside.args[0] if isinstance(inside, ast.Call) and inside.args else node
    if isinstance(node, ast.Constant):
        draft.edits.append(_replaced(draft, node, new.name))
    elif old.name != new.name:
        add_statement(draft, place, f"__tablename__ = {literal(new.name)}")
    if old.schema != new.schema:
        schema = None if new.schema == "public" else literal(new.schema)
        change_option(draft, place, "schema", schema)


def _column(draft: Draft, place: Place, old: str, new: str) -> None:
    """Rename a column where it is declared; the attribute stays."""
    call, statement = place.calls.get(old), place.statements.get(old)
    name = given(call).get("name") if call else None
    value = name.value if isinstance(name, ast.keyword) else name
    if isinstance(value, ast.Constant):
        draft.edits.append(_replaced(draft, value, new))
    elif call is not None:
        every: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        every.sort(key=draft.parsed.start)
        start = draft.parsed.start(every[0]) if every else draft.parsed.end(call) - 1
        draft.edits.append(Edit(start, start, f"{literal(new)}{', ' if every else ''}"))
    elif isinstance(statement, ast.AnnAssign) and is_mapped(statement.annotation):
        draft.bare.setdefault(statement, []).append(literal(new))
        draft.imports.add("from sqlalchemy.orm import mapped_column")
    elif statement is None:
        draft.left.append(f"{old}: it is renamed to {new}, but declared outside the class")


def _in_part(
    draft: Draft, call: ast.Call, columns: Mapping[str, str], sql: Names
) -> Iterator[Edit]:
    """Rename columns in a constraint or an index."""
    named = call.args[:1] if called(call) == "Index" else []
    skipped = {id(node) for node in named}
    skipped |= {id(item.value) for item in call.keywords if item.arg in {"name", "comment"}}
    if called(call) == "ForeignKeyConstraint":
        skipped |= {id(node) for node in call.args[1:]}
    pending: list[ast.AST] = [call]
    while pending:
        node = pending.pop()
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Constant):
            for item in _strings([node]):
                yield from _changed(draft, item, columns.get(item.value, item.value))
        elif called(node) in {"text", "literal_column"} and isinstance(node, ast.Call):
            for item in _strings(node.args[:1]):
                yield from _changed(draft, item, substituted(item.value, sql))
        else:
            pending += ast.iter_child_nodes(node)


def _references(draft: Draft, renames: Renames) -> Iterator[Edit]:
    """Yield the edits of strings that refer to renamed tables and columns from anywhere."""
    for node in ast.walk(draft.parsed.tree):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        for string in _strings(_targets(node)):
            yield from _changed(draft, string, _referred(string.value, renames))
        at = _ENTITIES.get(name, len(node.args))
        for string in _strings(node.args[at : at + 1]):
            yield from _changed(draft, string, _named(string.value, renames))
        if name in _RELATIONSHIPS:
            yield from _related(draft, node, renames)
        if name == "Sequence":
            yield from _owner(draft, node, renames)


def _targets(call: ast.Call) -> Iterable[ast.expr]:
    """Return the arguments of a foreign key that name the columns which it refers to."""
    if called(call) == "ForeignKeyConstraint":
        return getattr(call.args[1], "elts", ()) if len(call.args) > 1 else ()
    return call.args[:1] if called(call) == "ForeignKey" else ()


def _strings(nodes: Iterable[ast.AST]) -> Iterator[_String]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield cast("_String", node)


class _String(ast.Constant):
    """A constant that is a string."""

    value: str


def _owner(draft: Draft, call: ast.Call, renames: Renames) -> Iterator[Edit]:
    """Rename in owned_by=("users", "id")."""
    for keyword in call.keywords:
        pair = getattr(keyword.value, "elts", ())
        strings = list(_strings(pair))
        if keyword.arg == "owned_by" and len(strings) == len(("table", "column")):
            table, column = strings
            yield from _changed(draft, table, _named(table.value, renames))
            name = renames.column(_address(table.value), column.value)
            yield from _changed(draft, column, name)


def _related(draft: Draft, call: ast.Call, renames: Renames) -> Iterator[Edit]:
    """Rename in secondary="users_groups" and in conditions such as "users_groups.c.user_id"."""
    for keyword in call.keywords:
        if keyword.arg in {"back_populates", "backref"}:
            continue
        changed = _key if keyword.arg == "secondary" else _condition
        for node in _strings(ast.walk(keyword.value)):
            yield from _changed(draft, node, changed(node.value, renames))


def _condition(text: str, renames: Renames) -> str:
    for table in {*renames.tables, *renames.columns}:
        old, new = (_plain(at) for at in (table, renames.table(table)))
        for column, name in renames.columns.get(table, {}).items():
            text = re.sub(rf"\b{re.escape(old)}\.c\.{re.escape(column)}\b", f"{old}.c.{name}", text)
        text = re.sub(rf"\b{re.escape(old)}(?=\.c\.)", new, text)
    return text


def _changed(draft: Draft, node: ast.expr, text: str) -> Iterator[Edit]:
    if isinstance(node, ast.Constant) and node.value != text:
        yield _replaced(draft, node, text)


def _replaced(draft: Draft, node: ast.expr, text: str) -> Edit:
    """Return the edit that replaces a string, with the quotes that it has."""
    own = draft.parsed.source(node)
    spelled = literal(text)
    if own.startswith("'") and not own.startswith("'''") and not {"'", "\\"} & {*text}:
        spelled = f"'{text}'"
    return Edit(draft.parsed.start(node), draft.parsed.end(node), spelled)


def _plain(address: Address) -> str:
    return address.name if address.schema == "public" else f"{address.schema}.{address.name}"


def _address(text: str) -> Address:
    parts = names(text)
    return Address("table", parts[0] if len(parts) > 1 else "public", parts[-1])


def _named(text: str, renames: Renames) -> str:
    """Return the name of a table in SQL as it is now."""
    address = renames.tables.get(_address(text))
    return text if address is None else dotted(address)


def _referred(text: str, renames: Renames) -> str:
    """Return the column that a foreign key refers to, such as "users.id", as it is now."""
    table, dot, column = text.rpartition(".")
    address = _of_key(table)
    return f"{_key(table, renames)}.{renames.column(address, column)}" if dot else text


def _key(text: str, renames: Renames) -> str:
    """Return the key of a table in a MetaData, such as "shop.users", as it is now."""
    address = renames.tables.get(_of_key(text))
    return text if address is None else _plain(address)


def _of_key(key: str) -> Address:
    schema, _, name = key.rpartition(".")
    return Address("table", schema or "public", name)


def _columns_of(draft: Draft, variable: str, columns: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits of variable.c.column."""
    for node in ast.walk(draft.parsed.tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)):
            continue
        of_table = node.value.attr in {"c", "columns"} and tail(node.value.value) == variable
        if of_table and node.attr in columns:
            end = draft.parsed.end(node)
            yield Edit(end - len(node.attr), end, columns[node.attr])
