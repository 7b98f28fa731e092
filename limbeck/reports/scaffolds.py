"""The plan of `init`, as text."""

from __future__ import annotations

from limbeck.scaffold import File, Scaffold

_VERBS = {"create": "create", "append": "add to", "keep": "keep"}


def plan(scaffold: Scaffold) -> str:
    """Return a line for each file, and what is added to files that are there already."""
    lines = [f"In {scaffold.root}:"]
    if scaffold.adopted:
        lines.append(f"  the history in {scaffold.adopted} is adopted as it is")
    lines.append(f"  the models are {scaffold.models}")
    for file in scaffold.files:
        lines.append(f"  {_VERBS[file.action]:<7} {file.path}")
        lines.extend(_added(file))
    return "\n".join(lines)


def next_steps(scaffold: Scaffold) -> str:
    """Return what to type after the files are written."""
    kept = {str(file.path) for file in scaffold.files if file.action == "keep"}
    lines = ["Next:"]
    if "Makefile" in kept:
        lines.append("  add a line to your Makefile: include limbeck.mk")
    if scaffold.adopted:
        lines += [
            "  cp .env.example .env, and fill in the URLs of your databases",
            "  limbeck status",
        ]
    else:
        lines += ['  limbeck generate -m "first tables"', "  limbeck migrate -e development"]
    return "\n".join(lines)


def _added(file: File) -> list[str]:
    if file.action != "append":
        return []
    return [f"          + {line}" for line in file.text.strip().splitlines()]
