"""Branches in the three output formats of Neon's command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from limbeck.branches.base import Branch
from limbeck.output.data import plain_json, to_json, to_yaml
from limbeck.output.marks import Span, Table

if TYPE_CHECKING:
    from limbeck.output.answers.databases import BranchData
    from limbeck.schema.catalog.catalog import Catalog

MERMAID: Final = 50_000
MERMAID_LINKS: Final = 500
"""What GitHub draws: Mermaid's maxTextSize and maxEdges, which pages cannot raise."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


Form: TypeAlias = Literal["table", "json", "yaml", "versioned"]
"""`json` and `yaml` are as Neon's command line writes them; `versioned` is the JSON of `--json`."""


def several(branches: Sequence[Branch], output: Form) -> str:
    """Return a list of branches: a bare array as Neon's command line has it."""
    if output == "table":
        return Table(
            ("Name", "Parent", "Default", "Protected", "Created At"),
            [_row(branch) for branch in branches],
        )
    fields = [_fields(branch) for branch in branches]
    return to_json({"branches": fields}) if output == "versioned" else _data(fields, output)


def single(branch: Branch, output: Form) -> str:
    """Return one branch as an object."""
    return several([branch], output) if output == "table" else _data(_fields(branch), output)


def difference(base: str, compare: str, script: str, output: Form) -> str:
    """Return the script between the schemas of two branches, ended by a line break."""
    if output == "table":
        return script if script.endswith("\n") or not script else f"{script}\n"
    fields = {
        "base_branch": base,
        "compare_branch": compare,
        "has_changes": bool(script.strip()),
        "diff": script,
    }
    return _data(fields, output) + "\n"


def markdown(base: str, compare: str, script: str, catalogs: tuple[Catalog, Catalog]) -> str:
    """Return the script for a comment on a pull request, and a diagram of what has changed.

    Args:
        base: The name of the first branch.
        compare: The name of the second branch.
        script: The SQL between their schemas.
        catalogs: Both schemas.

    """
    title = f"**Schema: `{base}` to `{compare}`**"
    if not script.strip():
        return f"{title}: no difference\n"
    return f"{title}\n\n```sql\n{script.strip()}\n```\n{_picture(*catalogs)}"


def _picture(before: Catalog, after: Catalog) -> str:
    from limbeck.output.erd.mermaid import mermaid  # noqa: PLC0415 - most answers have no picture
    from limbeck.schema.diagram import diagram, narrowed  # noqa: PLC0415

    part = narrowed(diagram(after, before), changed=True)
    text = mermaid(part)
    if not part.boxes or len(text) > MERMAID or len(part.links) > MERMAID_LINKS:
        return ""
    return f"\n```mermaid\n{text}\n```\n"


def _data(value: Any, output: Form) -> str:
    if output == "versioned":
        return to_json(value)
    return plain_json(value) if output == "json" else to_yaml(value)


def _fields(branch: Branch) -> BranchData:
    fields: BranchData = {
        "name": branch.name,
        "parent": branch.parent,
        "default": branch.default,
        "protected": branch.protected,
        "created_at": _time(branch),
        "expires_at": branch.expires_at.strftime(_TIME) if branch.expires_at else None,
    }
    return {**fields, "id": branch.id} if branch.id else fields


def _row(branch: Branch) -> tuple[str, ...]:
    default = "yes" if branch.default else ""
    protected = Span("yes", "protected") if branch.protected else ""
    return branch.name, branch.parent or "", default, protected, _time(branch)


def _time(branch: Branch) -> str:
    return branch.created_at.strftime(_TIME)
