"""Statements that every kind of object has: ALTER, DROP and COMMENT ON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.diff import sql
from limbeck.schema.diff.operations import Comment, Execute
from limbeck.schema.diff.situation import Alteration, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import altering, target
from limbeck.schema.sql.quoting import quote


def create(item: Object, text: str) -> list[Step]:
    """Return the statement that creates an object, and its COMMENT ON."""
    return [Step(Execute(text, "create", item.address)), *comment(item)]


def alter(item: Object, actions: Iterable[str], verb: str = "alter") -> list[Step]:
    """Return one ALTER for each action, such as "SET SCHEMA app"."""
    head, address = altering(item), item.address
    return [Step(Execute(f"{head} {action}", verb, address)) for action in actions]


def drop(item: Object, _situation: Situation) -> list[Step]:
    """Return the DROP of an object that has no data."""
    return [Step(Execute(f"DROP {target(item)}", "drop", item.address))]


def comment(item: Object, before: str | None = None) -> list[Step]:
    """Return the COMMENT ON an object, unless `before` is its comment already."""
    text = getattr(item, "comment", None)
    return [] if text == before else [Step(Comment(target(item), text, item.address, item, before))]


def comment_on_part(item: Object, name: str, text: str | None, before: str | None) -> Step:
    """Return the COMMENT ON a column of a view or a field of a composite type."""
    on = f"COLUMN {of(item.address)}.{quote(name)}"
    address: Address = item.address._replace(part=name)
    return Step(Comment(on, text, address, item, before))


def only_comment(before: Any, after: Any, _situation: Situation) -> Alteration | None:
    """Change the comment of an object that cannot be altered otherwise."""
    if replace(before, comment=after.comment) != after:
        return None
    return Alteration(tuple(comment(after, before.comment)))


def option_actions(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return the actions of an ALTER that change storage parameters ("fillfactor=70")."""
    gone = set(sql.option_names(before)) - set(sql.option_names(after))
    new = [option for option in after if option not in before]
    reset = [f"RESET ({', '.join(sorted(gone))})"] if gone else []
    return [*reset, f"SET ({sql.options(new)})"] if new else reset
