"""Views and materialized views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.views import View, ViewColumn
from limbeck.schema.diff import sql, statements
from limbeck.schema.diff.operations import AlterViewDefault, Execute
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import target
from limbeck.schema.sql.quoting import quote


def create(view: View, _members: Members, _situation: Situation) -> list[Step]:
    """Create a view."""
    blank = replace(view, comment=None, columns=())
    return [Step(Execute(_text(view), "create", view.address)), *_settings(blank, view)]


def _text(view: View, verb: str = "CREATE") -> str:
    kind = "MATERIALIZED VIEW" if view.materialized else "VIEW"
    text = f"{verb} {kind} {of(view.address)}"
    if view.access_method:
        text += f" USING {quote(view.access_method)}"
    if view.options:
        text += f" WITH ({sql.options(view.options)})"
    text += f" AS\n{view.definition}"
    return text if view.populated or not view.materialized else f"{text}\nWITH NO DATA"


def alter(before: View, after: View, _situation: Situation) -> Alteration | None:
    """Alter a view; CREATE OR REPLACE VIEW keeps the columns and can only append new ones."""
    if before.materialized != after.materialized:
        return None
    steps: list[Step] = []
    if before.definition != after.definition:
        columns = _shape(after)[: len(before.columns)]
        if after.materialized or columns != _shape(before):
            return None
        steps.append(Step(Execute(_text(after, "CREATE OR REPLACE"), "alter", after.address)))
        before = replace(before, options=after.options)
    elif _shape(before) != _shape(after):
        if [t for _, t in _shape(before)] != [t for _, t in _shape(after)]:
            return None
        steps += _renamed(before, after)
        before = replace(before, columns=tuple(map(_renamed_column, before.columns, after.columns)))
    elif before.populated != after.populated:
        data = "" if after.populated else " WITH NO DATA"
        text = f"REFRESH {target(after)}{data}"
        steps.append(Step(Execute(text, "alter", after.address)))
    return Alteration((*steps, *_settings(before, after)))


def _renamed(before: View, after: View) -> list[Step]:
    pairs = zip(before.columns, after.columns, strict=True)
    names = [(quote(old.name), quote(new.name)) for old, new in pairs]
    actions = [f"RENAME COLUMN {old} TO {new}" for old, new in names if old != new]
    return statements.alter(after, actions, "rename")


def _renamed_column(before: ViewColumn, after: ViewColumn) -> ViewColumn:
    return replace(before, name=after.name)


def _shape(view: View) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in view.columns]


def _settings(before: View, after: View) -> list[Step]:
    texts: list[str] = []
    if before.access_method != after.access_method:
        texts.append(f"SET ACCESS METHOD {quote(after.access_method or 'heap')}")
    texts += statements.option_actions(before.options, after.options)
    steps = statements.alter(after, texts)
    return [*steps, *_columns(before, after), *statements.comment(after, before.comment)]


def _columns(before: View, after: View) -> Iterator[Step]:
    old = {column.name: column for column in before.columns}
    for column in after.columns:
        was = old.get(column.name) or ViewColumn(name=column.name, type=column.type)
        if was.default != column.default:
            text = f"SET DEFAULT {column.default}" if column.default else "DROP DEFAULT"
            alter = f"ALTER VIEW {of(after.address)} ALTER COLUMN {quote(column.name)}"
            yield Step(AlterViewDefault(f"{alter} {text}", "alter", after.address))
        if was.comment != column.comment:
            yield statements.comment_on_part(after, column.name, column.comment, was.comment)
