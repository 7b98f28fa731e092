"""The schemas of `--json` answers: derived from their types, and what answers are held against.

`python -m tests.schemas` writes docs/json/*.schema.json (`make schemas`).
"""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import click
import pytest
from jsonschema import Draft202012Validator

from limbeck.output import data
from limbeck.output.answers import (
    databases,
    everyday,
    fleets,
    history,
    phased,
    review,
    setup,
    tenants,
)

FOLDER = Path(__file__).parents[1] / "docs" / "json"
Schema: TypeAlias = dict[str, Any]

BRANCHES = ("create", "get", "rename", "reset", "restore", "set-default", "set-expiration")
RUNS = (everyday.RunAnswer, everyday.PlanAnswer)
# With the name of a fleet after -e, these commands are those of the group `fleet`.
ROLLOUTS = (*RUNS, fleets.FleetRunAnswer, fleets.FleetAnswer)
ANSWERS: dict[str, Sequence[type]] = {
    "generate": [everyday.GeneratedAnswer, tenants.TenantsGeneratedAnswer],
    "migrate": [*ROLLOUTS, tenants.TenantsRunAnswer, tenants.TenantsPlanAnswer],
    "status": [everyday.StatusAnswer, tenants.TenantsStatusAnswer, fleets.FleetAnswer],
    "check": [everyday.CheckAnswer, fleets.FleetCheckAnswer],
    "rollback": ROLLOUTS,
    "push": [everyday.PushAnswer, everyday.PushPlanAnswer],
    "log": [everyday.LogAnswer],
    "show": [everyday.ShowAnswer],
    "lint": [review.LintAnswer],
    "diff": [review.DiffAnswer],
    "rehearse": [review.RehearseAnswer],
    "erd": [review.ErdAnswer],
    "preview up": [review.PreviewAnswer],
    "expand": [everyday.GeneratedAnswer],
    "backfill": [
        *(phased.BackfillAnswer, phased.BackfillPlanAnswer),
        *(tenants.TenantsBackfillAnswer, tenants.TenantsBackfillPlanAnswer),
    ],
    "contract": ROLLOUTS,
    "undo": [phased.UndoAnswer],
    "revision": [history.RevisionAnswer],
    "merge": [history.MergeAnswer],
    "squash": [history.SquashAnswer],
    "accept": [history.AcceptAnswer],
    "baseline": [history.BaselineAnswer],
    "repair": [history.RepairAnswer],
    "pull": [databases.PullAnswer],
    "branches list": [databases.BranchesAnswer],
    "branches prune": [databases.BranchesAnswer],
    "branches diff": [databases.BranchDiffAnswer],
    **{f"branches {verb}": [databases.BranchData] for verb in (*BRANCHES, "delete")},
    **{f"fleet {verb}": [fleets.FleetAnswer] for verb in ("status", "plan", "lint")},
    **{f"fleet {v}": [fleets.FleetRunAnswer] for v in ("migrate", "rollback", "backfill", "undo")},
    "fleet check": [fleets.FleetCheckAnswer],
    "fleet create": [fleets.TenantAnswer],
    "tenants list": [tenants.TenantsAnswer],
    "tenants create": [tenants.TenantsAnswer],
    "url": [databases.UrlAnswer],
    "init": [setup.InitAnswer, setup.InitTryAnswer],
    "doctor": [setup.DoctorAnswer],
    "local status": [setup.LocalStatusAnswer],
}
"""The answers of each command; several where options decide which it is."""
SEVERAL = {"migrate"}
"""Commands that print a list with `--all-databases`."""


def schema(command: str, *, closed: bool = False) -> Schema:
    """Return the schema of a command's answers; a `closed` one allows no undocumented keys."""
    deriving = _Deriving(closed=closed)
    answers = [deriving.answer(answer) for answer in ANSWERS[command]]
    whole: Schema = answers[0] if len(answers) == 1 else {"anyOf": answers}
    if command in SEVERAL:
        whole = {"anyOf": [*answers, {"type": "array", "items": {"anyOf": answers}}]}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"limbeck {command} --json",
    }
    return {**head, **whole, "$defs": dict(sorted(deriving.parts.items()))}


def path(command: str) -> Path:
    """Return the file of a command's schema."""
    return FOLDER / f"{command.replace(' ', '-')}.schema.json"


def text(command: str) -> str:
    """Return the text of that file."""
    return json.dumps(schema(command), indent=2) + "\n"


@dataclass
class _Deriving:
    """A schema that is being derived, and the parts that it refers to."""

    closed: bool
    parts: dict[str, Schema] = field(default_factory=dict)

    def answer(self, answer: type) -> Schema:
        """Return the schema of an answer: a shape with a version."""
        whole = self._shape(answer)
        version: Schema = {"const": data.VERSION, "description": "The version of all answers."}
        properties = {"version": version, **whole["properties"]}
        return {**whole, "properties": properties, "required": ["version", *whole["required"]]}

    def _shape(self, shape: Any) -> Schema:
        docs, hints = _docs(shape), get_type_hints(shape, include_extras=True)
        properties = {
            name: self._of(hint) | ({"description": docs[name]} if name in docs else {})
            for name, hint in hints.items()
        }
        required = [name for name, hint in hints.items() if get_origin(hint) is not NotRequired]
        own: Schema = {"description": " ".join((inspect.getdoc(shape) or "").split())}
        own |= {"type": "object", "properties": properties, "required": required}
        return own | ({"additionalProperties": False} if self.closed else {})

    def _of(self, hint: Any) -> Schema:  # noqa: PLR0911 - a table
        origin, inner = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._of(inner[0]) | {"description": inner[1]}
        if origin is NotRequired:
            return self._of(inner[0])
        if origin is list:
            return {"type": "array", "items": self._of(inner[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self._of(inner[1])}
        if origin is Literal:
            return {"enum": list(inner)}
        if origin in {Union, types.UnionType}:
            return self._either([self._of(each) for each in inner])
        if hint in _PLAIN:
            return {"type": _PLAIN[hint]}
        if hint.__name__ not in self.parts:
            self.parts[hint.__name__] = {}
            self.parts[hint.__name__] = self._shape(hint)
        return {"$ref": f"#/$defs/{hint.__name__}"}

    @staticmethod
    def _either(schemas: Sequence[Schema]) -> Schema:
        if all(set(each) == {"type"} for each in schemas):
            return {"type": [each["type"] for each in schemas]}
        return {"anyOf": list(schemas)}


_PLAIN = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
}


def _docs(shape: Any) -> dict[str, str]:
    """Return the docstrings of the keys of a shape and of those that it extends."""
    module = sys.modules[shape.__module__]
    if (definition := _classes(module).get(shape.__name__)) is None:
        return {}
    docs: dict[str, str] = {}
    for base in definition.bases:
        docs |= _docs(getattr(module, ast.unparse(base)))
    return docs | dict(_keys(definition.body))


@cache
def _classes(module: types.ModuleType) -> dict[str, ast.ClassDef]:
    body = ast.parse(inspect.getsource(module)).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef)}


def _keys(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for key, doc in pairwise(body):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name):
            match doc:
                case ast.Expr(ast.Constant(str(words))):
                    yield key.target.id, " ".join(words.split())


@cache
def _validator(command: str) -> Draft202012Validator:
    return Draft202012Validator(schema(command, closed=True))


def faults(command: str, answer: Any) -> list[str]:
    """Return where an answer is not as its command's schema, closed, describes it."""
    if command not in ANSWERS:
        return [f"{command}: no schema in tests/schemas.py"]
    errors = _validator(command).iter_errors(json.loads(json.dumps(answer)))
    return [f"{command} --json: {error.json_path}: {error.message[:300]}" for error in errors]


def _faults_of(command: str, printed: str | bytes) -> list[str]:
    try:
        return faults(command, json.loads(printed))
    except ValueError:
        return [f"{command} --json: stdout is not JSON: {printed[:100]!r}"]


def words(arguments: object) -> str | None:
    """Return the command of a command line that asks limbeck for JSON."""
    line = [str(word) for word in arguments] if isinstance(arguments, list | tuple) else []
    if "--json" not in line or Path(line[0]).name != "limbeck":
        return None
    return _named(line)


def _named(line: Sequence[str]) -> str:
    """Return the command of a line: two words for one of a group."""
    pair = " ".join(line[1:3])
    return pair if pair in ANSWERS else line[1]


@contextmanager
def checking(violations: list[str]) -> Iterator[None]:
    """Hold every answer that a command of limbeck prints as JSON against its schema.

    A command of this process is known by Click's context, a program by its arguments.
    """
    patch = pytest.MonkeyPatch()
    versioned: Callable[[Any], Any] = data.versioned
    communicate: Callable[..., Any] = subprocess.Popen.communicate

    def checked(value: Any) -> Any:
        answer = versioned(value)
        if context := click.get_current_context(silent=True):
            # `contract` runs `migrate` in a context below its own.
            violations.extend(faults(_named(context.command_path.split()), answer))
        return answer

    def communicated(self: subprocess.Popen[Any], *arguments: Any, **options: Any) -> Any:
        printed = communicate(self, *arguments, **options)
        if (command := words(self.args)) and printed[0]:
            violations.extend(_faults_of(command, printed[0]))
        return printed

    patch.setattr(data, "versioned", checked)
    patch.setattr(subprocess.Popen, "communicate", communicated)
    yield
    patch.undo()


if __name__ == "__main__":
    for each in FOLDER.glob("*.schema.json"):
        each.unlink()
    for name in ANSWERS:
        path(name).write_text(text(name), encoding="utf-8")
