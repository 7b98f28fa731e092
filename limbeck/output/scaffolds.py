"""The plan of `init`, as text."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import ndiff

from limbeck.project.scaffold import File, Scaffold

_VERBS = {"create": "create", "append": "add to", "change": "change", "keep": "keep"}


def plan(scaffold: Scaffold, facts: Sequence[tuple[str, str]] = ()) -> str:
    """Return a line for each fact and file, and the lines that are added to existing files."""
    lines = [f"In {scaffold.root}:"]
    if scaffold.adopted:
        lines.append(f"  the history in {scaffold.adopted} is adopted unchanged")
    lines += [f"  {name}: {value}" for name, value in facts]
    lines.append(f"  the models are {scaffold.models}")
    for file in scaffold.files:
        lines.append(f"  {_VERBS[file.action]:<7} {file.path}")
        lines.extend(_added(file))
    return "\n".join(lines)


def next_steps(scaffold: Scaffold) -> str:
    """Return the commands that follow."""
    unchanged = {str(file.path) for file in scaffold.files if file.action == "keep"}
    lines = ["Next:"]
    if "Makefile" in unchanged and "limbeck.mk" not in (scaffold.root / "Makefile").read_text(
        "utf-8"
    ):
        lines.append("  add a line to your Makefile: include limbeck.mk")
    if scaffold.missing:
        lines.append(f"  write your models; pyproject.toml names them as {scaffold.models}")
    copied = "write" if scaffold.adopted else "cp .env.example .env, and fill in"
    into = " into .env" if scaffold.adopted else ""
    if scaffold.neon:
        lines += [
            f"  {copied} NEON_API_KEY and NEON_PROJECT_ID{into}",
            "  limbeck branches list",
            "  limbeck branches create development --parent production --exists-ok",
        ]
    elif scaffold.adopted:
        lines += [
            "  write the URLs of your databases into .env: DATABASE_URL_PRODUCTION=postgresql://...",
            "  limbeck doctor",
            "  limbeck status",
        ]
    if not scaffold.adopted:
        lines += ['  limbeck generate -m "first tables"', "  limbeck migrate -e development"]
    return "\n".join(lines)


def _added(file: File) -> list[str]:
    if file.action == "change":
        lines = ndiff(file.before.splitlines(), file.text.splitlines())
        return [f"          {line}" for line in lines if line.startswith(("+", "-"))]
    if file.action != "append":
        return []
    return [f"          + {line}" for line in file.text.strip().splitlines()]
