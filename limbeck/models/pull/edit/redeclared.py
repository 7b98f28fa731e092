"""An entity whose definition has changed: its call is edited in place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.syntax import Parsed
from limbeck.models.source.text import Source

_CODE = frozenset({"Function", "Procedure", "Aggregate"})


def change_entity(draft: Draft, made: Source) -> bool:
    """Give the call that declares an entity other arguments; say whether it is in the module.

    Args:
        draft: the module.
        made: the whole declaration as pull writes it.

    """
    wanted = ast.parse(made.text, mode="eval").body
    if not isinstance(wanted, ast.Call) or not wanted.args:
        return False
    calls = [node for node in ast.walk(draft.parsed.tree) if isinstance(node, ast.Call)]
    same = [node for node in calls if _is_same(node, wanted)]
    # People name the arguments of a function in its signature, or leave out what has a default.
    same = same or [node for node in calls if _signature(node) == _signature(wanted) != ""]
    if len(same) != 1:
        return False
    _change(draft, same[0], wanted, made)
    return True


def _signature(node: ast.Call) -> str:
    first = node.args[0] if called(node) in _CODE and node.args else None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return ""
    return f"{called(node)} {first.value.partition('(')[0].strip()}"


def _is_same(node: ast.Call, wanted: ast.Call) -> bool:
    if called(node) != called(wanted) or not node.args:
        return False
    first, other = node.args[0], wanted.args[0]
    own, name = (getattr(one, "value", None) for one in (first, other))
    if called(node) in {"Trigger", "Policy", "Rule"}:
        # Two tables may have one of the same name.
        texts = {ast.unparse(one.args[1]) for one in (node, wanted) if len(one.args) > 1}
        same = len(texts) == 1 or not isinstance(node.args[1], ast.Constant)
        return own == name and same
    # A function is known by its name and arguments; people space them as they like.
    return "".join(str(own).split()) == "".join(str(name).split())


def _change(draft: Draft, node: ast.Call, wanted: ast.Call, made: Source) -> None:
    pending = draft.of(node)
    sources = [_text(made.text, one) for one in wanted.args]
    for number, text in enumerate(sources):
        if number >= len(node.args):
            pending.positional.append(text)
        elif number and not _equal(node.args[number], wanted.args[number]):
            pending.replaced[node.args[number]] = text
    pending.removed += node.args[len(wanted.args) :]
    own = {one.arg: one for one in node.keywords}
    new = {one.arg: one for one in wanted.keywords}
    for name, keyword in new.items():
        if name in {"metadata", "schema", "before_tables"} and name in own:
            continue
        if name not in own:
            if name != "metadata":
                pending.keywords.append(_text(made.text, keyword))
        elif not _equal(own[name].value, keyword.value):
            pending.replaced[own[name]] = _text(made.text, keyword)
    pending.removed += list(_gone(own, new))


def _gone(
    own: dict[str | None, ast.keyword], new: dict[str | None, ast.keyword]
) -> Iterator[ast.keyword]:
    for name, keyword in own.items():
        if name not in new and name not in {None, "metadata", "schema", "before_tables"}:
            yield keyword


def _text(text: str, node: ast.expr | ast.keyword) -> str:
    parsed = Parsed.of(text)
    return text[parsed.start(node) : parsed.end(node)]


def _equal(one: ast.expr, other: ast.expr) -> bool:
    if isinstance(one, ast.Constant) and isinstance(other, ast.Constant):
        return " ".join(str(one.value).split()) == " ".join(str(other.value).split())
    return ast.dump(one) == ast.dump(other)
