"""Name what limbeck does not support of a project's Alembic files, from their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

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
    if _runs_in_a_loop(project.script_location / "env.py"):
        yield "migrations that env.py runs in a loop, such as one for each schema"


def _runs_in_a_loop(env: Path) -> bool:
    try:
        tree = ast.parse(env.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return False
    loops = (node for node in ast.walk(tree) if isinstance(node, ast.For | ast.AsyncFor))
    return any("run_migrations" in ast.unparse(each) for loop in loops for each in loop.body)
