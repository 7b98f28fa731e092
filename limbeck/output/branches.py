"""Branches in the three output formats of Neon's command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limbeck.branches.base import Branch
from limbeck.output.data import to_json, to_yaml
from limbeck.output.marks import Span, Table

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def several(branches: Sequence[Branch], output: str) -> str:
    """Return a list of branches: a bare array in JSON and YAML."""
    if output == "table":
        return Table(
            ("Name", "Parent", "Default", "Protected", "Created At"),
            [_row(branch) for branch in branches],
        )
    return _data([_fields(branch) for branch in branches], output)


def single(branch: Branch, output: str) -> str:
    """Return one branch: a bare object in JSON and YAML."""
    return several([branch], output) if output == "table" else _data(_fields(branch), output)


def difference(base: str, compare: str, script: str, output: str) -> str:
    """Return the script between the schemas of two branches, ended by a line break."""
    if output == "table":
        return script if script.endswith("\n") or not script else f"{script}\n"
    if output == "markdown":
        return _markdown(base, compare, script)
    fields = {
        "base_branch": base,
        "compare_branch": compare,
        "has_changes": bool(script.strip()),
        "diff": script,
    }
    return _data(fields, output) + "\n"


def _markdown(base: str, compare: str, script: str) -> str:
    title = f"**Schema: `{base}` to `{compare}`**"
    if not script.strip():
        return f"{title}: no difference\n"
    return f"{title}\n\n```sql\n{script.strip()}\n```\n"


def _data(value: Any, output: str) -> str:
    return to_json(value) if output == "json" else to_yaml(value)


def _fields(branch: Branch) -> dict[str, Any]:
    return {
        "name": branch.name,
        "parent": branch.parent,
        "default": branch.default,
        "protected": branch.protected,
        "created_at": _time(branch),
        "expires_at": branch.expires_at.strftime(_TIME) if branch.expires_at else None,
        **({"id": branch.id} if branch.id else {}),
    }


def _row(branch: Branch) -> tuple[str, ...]:
    default = "yes" if branch.default else ""
    protected = Span("yes", "protected") if branch.protected else ""
    return branch.name, branch.parent or "", default, protected, _time(branch)


def _time(branch: Branch) -> str:
    return branch.created_at.strftime(_TIME)
