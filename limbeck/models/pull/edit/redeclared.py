"""An entity with a new definition: the call that declares it is edited in place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import readable
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.syntax import Edit
from limbeck.models.source.text import Source
from limbeck.schema.sql.quoting import schema_and_name

_CODE = frozenset({"Function", "Procedure", "Aggregate"})
# Arguments that are the author's choice, once they are there.
_CHOSEN = frozenset({"metadata", "schema", "before_tables"})
# Those that it may do without.
_OPTIONAL = frozenset({"metadata", "columns"})


def change_entity(draft: Draft, declaration: Source) -> bool:
    """Change the arguments of the call that declares an entity; return whether it is here.

    Args:
        draft: the module.
        declaration: the whole declaration as pull writes it.

    """
    wanted = ast.parse(declaration.text, mode="eval").body
    if not isinstance(wanted, ast.Call) or not wanted.args:
        return False
    calls = [node for node in ast.walk(draft.parsed.tree) if isinstance(node, ast.Call)]
    same = [node for node in calls if _is_same(node, wanted)]
    # People name the arguments of a function in its signature, or leave out what has a default.
    same = same or [node for node in calls if _signature(node) == _signature(wanted) != ""]
    if not same and (other := _other_form(calls, wanted)) is not None:
        text = readable(draft.spelled(declaration), draft.parsed.text)
        draft.edits.append(Edit(draft.parsed.start(other), draft.parsed.end(other), text))
        return True
    if len(same) != 1:
        return False
    _change(draft, same[0], wanted, declaration)
    return True


def declares_same(node: ast.expr, wanted: ast.expr) -> bool:
    """Return whether two calls declare an object of the same kind, schema and name."""
    if not (isinstance(node, ast.Call) and isinstance(wanted, ast.Call) and wanted.args):
        return False
    same = _is_same(node, wanted) or _signature(node) == _signature(wanted) != ""
    return same and _schema(node) == _schema(wanted)


def _schema(node: ast.Call) -> str:
    given = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
    return given.get("schema") or "public"


def _other_form(calls: Iterable[ast.Call], wanted: ast.Call) -> ast.Call | None:
    """Return the call of another kind that declares the same partition, if there is one."""
    form, table = called(wanted), _table(wanted)
    others = [node for node in calls if table == _table(node) and called(node) != form]
    return others[0] if table is not None and len(others) == 1 else None


def _table(node: ast.Call) -> tuple[str, str] | None:
    """Return the schema and the name of a table that a call declares beside the classes."""
    values = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    match called(node), values:
        case "Definition", ["TABLE", str(path), *_]:
            schema, name = schema_and_name(path)
        case "Partition", [str(name), *_]:
            schema = _schema(node)
        case _:
            return None
    return schema or "public", name


def _signature(node: ast.Call) -> str:
    first = node.args[0] if called(node) in _CODE and node.args else None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return ""
    return f"{called(node)} {first.value.partition('(')[0].strip()}"


def _is_same(node: ast.Call, wanted: ast.Call) -> bool:
    if called(node) != called(wanted) or not node.args:
        return False
    own, name = (getattr(call.args[0], "value", None) for call in (node, wanted))
    if called(node) == "Definition":
        # The kind comes first, and the name after it.
        return [ast.unparse(item) for item in node.args[:2]] == [
            ast.unparse(item) for item in wanted.args[:2]
        ]
    if called(node) in {"Trigger", "Policy", "Rule"}:
        # Two tables may each have one of the same name.
        tables = {ast.unparse(call.args[1]) for call in (node, wanted) if len(call.args) > 1}
        same = len(tables) == 1 or not isinstance(node.args[1], ast.Constant)
        return own == name and same
    # A function is identified by its name and arguments; people space them as they like.
    return "".join(str(own).split()) == "".join(str(name).split())


def _change(draft: Draft, node: ast.Call, wanted: ast.Call, declaration: Source) -> None:
    changes = draft.of(node)
    for number, argument in enumerate(wanted.args):
        text = _text(declaration, argument)
        if number >= len(node.args):
            changes.positional.append(text)
        # The first argument is the name, by which the call was identified.
        elif number and not _equal(node.args[number], argument):
            changes.replaced[node.args[number]] = text
    changes.removed += node.args[len(wanted.args) :]
    own = {keyword.arg: keyword for keyword in node.keywords}
    new = {keyword.arg: keyword for keyword in wanted.keywords}
    for name, keyword in new.items():
        if name not in own:
            changes.keywords += [] if name in _OPTIONAL else [_text(declaration, keyword)]
        elif name == "columns" and not _equal(own[name].value, keyword.value):
            types = Source(_text(declaration, keyword.value), declaration.imports)
            changes.replaced[own[name].value] = draft.spelled(types)
        elif name not in _CHOSEN and not _equal(own[name].value, keyword.value):
            changes.replaced[own[name]] = _text(declaration, keyword)
    changes.removed += list(_gone(own, new))


def _gone(
    own: dict[str | None, ast.keyword], new: dict[str | None, ast.keyword]
) -> Iterator[ast.keyword]:
    for name, keyword in own.items():
        if name is not None and name not in new and name not in _CHOSEN:
            yield keyword


def _text(declaration: Source, node: ast.expr | ast.keyword) -> str:
    return ast.get_source_segment(declaration.text, node) or ""


def _equal(own: ast.expr, wanted: ast.expr) -> bool:
    if isinstance(own, ast.Constant) and isinstance(wanted, ast.Constant):
        # SQL in a triple-quoted string may be indented and wrapped in another way.
        return " ".join(str(own.value).split()) == " ".join(str(wanted.value).split())
    return ast.dump(own) == ast.dump(wanted)
