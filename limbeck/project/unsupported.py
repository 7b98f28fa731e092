"""Name what limbeck does not support of a project's Alembic files, from their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from limbeck.project.code import env_file
from limbeck.project.project import Project, tools
from limbeck.project.script_location import sections


def unsupported(project: Project) -> Iterator[str]:
    """Yield what has no effect in limbeck, or makes it fail, by the names that Alembic has for it.

    What an env.py configures is known only once it has run, see `shadow.filters.configured`.
    """
    described = sections(project.ini or project.root / "alembic.ini")
    values = described.get(project.section, {})
    if databases := values.get("databases"):
        yield f"several databases in one history (databases = {databases})"
    if values.get("sourceless", "").lower() == "true":
        yield "sourceless"
    url = re.match(r"(\w+)(\+\w+)?://", values.get("sqlalchemy.url", ""))
    if url and url[1] not in {"postgresql", "postgres", "driver"}:  # the last is Alembic's example
        yield f"databases other than Postgres (sqlalchemy.url is one of {url[1]})"
    tool = tools(project.root).get("alembic", {}).get("post_write_hooks")
    if described.get("post_write_hooks", {}).get("hooks") or tool:
        yield "post_write_hooks (limbeck formats a revision with ruff)"
    tree = _tree(project.script_location / "env.py")
    if project.tenants is None and env_file.loops(project.script_location / "env.py"):
        yield (
            "migrations that env.py runs in a loop; if that is one for each schema, set `tenants` "
            f'and `tenant-versions = "{_versions(project)}"` in [tool.limbeck]'
        )
    if not values.get("version_locations") and _sets_version_locations(tree):
        yield "version_locations that env.py sets: write them into alembic.ini as well"


def _versions(project: Project) -> str:
    folder = project.versions or project.script_location / "versions"
    inside = folder.is_relative_to(project.root)
    return folder.relative_to(project.root).as_posix() if inside else str(folder)


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module(body=[], type_ignores=[])


def _sets_version_locations(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(".version_locations")
        for node in ast.walk(tree)
    )
