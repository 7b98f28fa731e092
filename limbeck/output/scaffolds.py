"""What `init` understands of a project and would write, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import ndiff
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.plurals import counted
from limbeck.project.code.interpreter import is_own
from limbeck.project.scaffold import File, Scaffold
from limbeck.run.understanding import Recorded, Understanding

if TYPE_CHECKING:
    from limbeck.output.answers.setup import InitAnswer, UnderstoodData

_VERBS = {"create": "create", "append": "add to", "change": "change"}


def plan(scaffold: Scaffold, understood: Understanding | None) -> str:
    """Return what limbeck understands, what it does not support, and what it would write."""
    return "\n".join([*about(scaffold, understood), *_writing(scaffold)])


def plan_data(scaffold: Scaffold, understood: Understanding | None) -> InitAnswer:
    """Return the same, for JSON."""
    return {
        "root": str(scaffold.root),
        "history": str(scaffold.adopted) if scaffold.adopted else None,
        "models": scaffold.models,
        "understood": _data(understood) if understood else None,
        "unsupported": list(understood.unsupported) if understood else [],
        "files": [
            {"path": str(file.path), "action": file.action, "lines": _lines(file)}
            for file in scaffold.changes
            if file.action != "keep"
        ],
    }


def about(scaffold: Scaffold, understood: Understanding | None) -> Iterator[str]:
    """Yield the lines about the project: before it exists, only the line about its models."""
    yield f"In {scaffold.root}:"
    if understood is None:
        origin = "still to be written" if scaffold.code else "a sample"
        yield f"  models: {scaffold.models}, {origin}"
        return
    if scaffold.adopted:
        yield f"  history: {', '.join(_history(scaffold, understood))}"
    if understood.history.baseline:
        yield f"  baseline: {understood.history.baseline}"
    yield f"  models: {', '.join(_models(understood))}"
    yield from (f"  models: {problem}" for problem in understood.problems)
    if not is_own(Path(understood.interpreter)):
        yield f"  interpreter: {understood.interpreter}"
    if understood.env_problem:
        yield f"  env.py: {understood.env_problem}"
    yield from (f"  not supported: {name}" for name in understood.unsupported)


def _history(scaffold: Scaffold, understood: Understanding) -> Iterator[str]:
    """Yield what the history is, such as "67 revisions in migrations" and "one head"."""
    recorded, env = understood.history, understood.env
    yield f"{counted(recorded.revisions, 'revision')} in {scaffold.adopted}"
    yield from _heads(recorded)
    if not understood.env_problem:
        names = filter(None, (env.version_table_schema, env.version_table))
        yield f"version table {'.'.join(names)}"


def _models(understood: Understanding) -> Iterator[str]:
    known, env = understood.tables is not None, understood.env
    tables = f"{counted(understood.tables or 0, 'table')} from " if known else ""
    yield f"{tables}{understood.models}"
    if env.include_object or env.include_name:
        yield "filters of env.py honoured"


def _heads(recorded: Recorded) -> Iterator[str]:
    heads = len(recorded.heads)
    if recorded.lasting:
        yield f"{heads} heads that stay ({', '.join(recorded.lasting)})"
    elif recorded.revisions:
        yield "one head" if heads == 1 else f"{heads} heads"
    if recorded.folders > 1:
        yield counted(recorded.folders, "folder")
    if recorded.depends_on:
        yield "depends_on"


def _data(understood: Understanding) -> UnderstoodData:
    recorded, env = understood.history, understood.env
    return {
        "revisions": recorded.revisions,
        "heads": list(recorded.heads),
        "lasting_heads": list(recorded.lasting),
        "folders": recorded.folders,
        "depends_on": recorded.depends_on,
        "version_table": env.version_table,
        "version_table_schema": env.version_table_schema,
        "tables": understood.tables,
        "env_py": list(env.honoured),
        "problems": [*understood.problems, *filter(None, [understood.env_problem])],
        "interpreter": understood.interpreter,
        "outside": understood.outside or None,
    }


def _writing(scaffold: Scaffold) -> Iterator[str]:
    """Yield the files that are written, with the lines that existing ones get."""
    if not scaffold.changes:
        return
    created = [file for file in scaffold.changes if file.action == "create"]
    others = len(scaffold.changes) - len(created)
    grown = f", and lines at the end of {others}" if others else ""
    changed = f", and {counted(others, 'change')}" if others else ""
    appended = all(file.action != "change" for file in scaffold.changes)
    new = counted(len(created), "new file")
    yield f"  to write: {new}{grown if appended else changed}; all else stays as it is"
    for file in scaffold.changes:
        yield f"    {_VERBS[file.action]:<7} {file.path}"
        if file.action != "create" or file.path.name == "pyproject.toml":
            yield from (f"            {line}" for line in _lines(file))


def _lines(file: File) -> list[str]:
    """Return the lines that a file gets or, after "- ", loses."""
    if file.action == "change":
        lines = ndiff(file.before.splitlines(), file.text.splitlines())
        return [line for line in lines if line.startswith(("+", "-"))]
    return [f"+ {line}" for line in file.text.strip().splitlines()]


def next_steps(scaffold: Scaffold) -> str:
    """Return the commands that follow."""
    unchanged = {str(file.path) for file in scaffold.files if file.action == "keep"}
    lines = ["Next:"]
    if "Makefile" in unchanged and "limbeck.mk" not in (scaffold.root / "Makefile").read_text(
        "utf-8"
    ):
        lines.append("  add a line to your Makefile: include limbeck.mk")
    if scaffold.missing and scaffold.code:
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
