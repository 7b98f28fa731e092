"""Statements of SQL beside the tables: those about what the database has no more are removed.

An entity has a name and is changed in place; a statement is replaced as a whole.
"""

from __future__ import annotations

import ast

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import without


def remove_statements(draft: Draft, sides: Sides) -> None:
    """Remove the calls at the top of a module that pull would no longer write.

    Args:
        draft: the module.
        sides: both schemas.

    """
    gone = {key(ast.parse(text, mode="eval").body) for text in sides.unstated}
    for statement in draft.parsed.tree.body:
        if isinstance(statement, ast.Expr) and key(statement.value) in gone - {()}:
            draft.edits.append(without(draft.parsed, statement))


def key(node: ast.expr) -> tuple[str, ...]:
    """Return what a call is about: its function and its arguments but for those with a name."""
    if not isinstance(node, ast.Call):
        return ()
    # SQL in a triple-quoted string may be indented and wrapped in another way.
    return (called(node), *(" ".join(ast.unparse(item).split()) for item in node.args))
