"""Statements of SQL beside the tables: those about what the database has no more are removed.

An entity has a name and is changed in place; a statement is replaced as a whole.
"""

from __future__ import annotations

import ast

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import readable
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.redeclared import declares_same
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import Edit, without


def remove_statements(draft: Draft, sides: Sides) -> None:
    """Remove the calls at the top of a module that pull would no longer write.

    Args:
        draft: the module.
        sides: both schemas.

    """
    gone = {key(_call(text)) for text in sides.unstated}
    bereft = [_call(item.source.text) for item in sides.bereft]
    for statement in draft.parsed.tree.body:
        # A view that others may name is assigned to a variable.
        if not isinstance(statement, (ast.Expr, ast.Assign)):
            continue
        node = statement.value
        if key(node) in gone - {()} or any(declares_same(node, each) for each in bereft):
            draft.edits.append(without(draft.parsed, statement))


def insert_statements(draft: Draft, sides: Sides) -> None:
    """Insert new calls above those that have to come after them.

    Args:
        draft: the module.
        sides: both schemas.

    """
    keys = {key(_call(text)) for text in sides.preceding.values()}
    for statement in draft.parsed.tree.body:
        if not isinstance(statement, ast.Expr) or (own := key(statement.value)) not in keys:
            continue
        start = draft.parsed.start(statement)
        for item, text in sides.preceding.items():
            if key(_call(text)) == own:
                above = readable(draft.spelled(item.source), draft.parsed.text)
                draft.edits.append(Edit(start, start, f"{above}\n\n"))


def _call(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def key(node: ast.expr) -> tuple[str, ...]:
    """Return what a call is about: its function and its arguments but for those with a name."""
    if not isinstance(node, ast.Call):
        return ()
    # SQL in a triple-quoted string may be indented and wrapped in another way.
    return (called(node), *(" ".join(ast.unparse(item).split()) for item in node.args))
