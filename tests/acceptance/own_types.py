"""Python types that somebody gave to pulled models by hand, and which of them models have.

`give` edits a pulled package; `has` lists the own types of each column, in its source.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from limbeck.models.pull.edit.imports import assigned

Column: TypeAlias = tuple[str, str]
"""A table and one of its columns."""

OWN = '''\
"""Types of our own."""

from __future__ import annotations

from typing import Annotated, NewType

import sqlalchemy as sa
from sqlalchemy.orm import mapped_column


class Trimmed(sa.types.TypeDecorator[str]):
    """Text without spaces around it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Return what is stored."""
        return value.strip() if value is not None else None


Number = NewType("Number", int)
Word = Annotated[str, mapped_column(info={"word": True})]
'''
NAMES = ("Trimmed", "Number", "Word")
# A plain column of each kind, of one line: every third of them gets a type of our own.
INTEGER = re.compile(r"^(    \w+: Mapped\[)int((?: \| None)?\])$", re.MULTILINE)
STRING = re.compile(r"^(    \w+: Mapped\[)str((?: \| None)?\])$", re.MULTILINE)
TEXT = re.compile(
    r"^(    \w+: Mapped\[str(?: \| None)?\] = mapped_column\()sa\.Text\(\)", re.MULTILINE
)
ENUM = re.compile(r"^class (\w+)\(StrEnum\):\n((?:    \w+ = .+\n)+)", re.MULTILINE)


def give(folder: Path, package: str) -> None:
    """Give own types to some columns of a pulled package, and a Literal and an Enum to two enums.

    Args:
        folder: of the package.
        package: its dotted name.

    """
    (folder / "own.py").write_text(OWN)
    modules = sorted(set(folder.glob("*.py")) - {folder / "own.py", folder / "__init__.py"})
    is_text = re.search(r"^\s+str: sa\.Text", (folder / "base.py").read_text(), re.MULTILINE)
    for path in modules:
        text = before = path.read_text()
        text = _every(INTEGER, r"\1Number\2", text)
        text = _every(STRING, r"\1Word\2", text)
        text = TEXT.sub(r"\1Trimmed()", text, count=1)
        if is_text:
            text = STRING.sub(r"\1str\2 = mapped_column(Trimmed)", text, count=1)
        if text != before:
            path.write_text(_importing(text, package))
    base = folder / "base.py"
    base.write_text(_base(base.read_text(), package))
    enums = folder / "enums.py"
    if enums.exists():
        enums.write_text(_enums(enums.read_text()))


def _base(text: str, package: str) -> str:
    """Return the module of the base, which knows our integers."""
    line = "    type_annotation_map: ClassVar[dict[Any, Any]] = {"
    if line in text:
        text = text.replace(line, f"{line}Number: sa.Integer, ")
    else:
        text = f"{text.rstrip()}\n{line}Number: sa.Integer}}\n"
        text = text.replace(
            "import sqlalchemy", "from typing import Any, ClassVar\nimport sqlalchemy", 1
        )
    return text.replace(
        "import sqlalchemy", f"from {package}.own import Number\nimport sqlalchemy", 1
    )


def _every(pattern: re.Pattern[str], new: str, text: str) -> str:
    """Replace every third match."""
    number = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        return match.expand(new) if number % 3 == 1 else match[0]

    return pattern.sub(replaced, text)


def _importing(text: str, package: str) -> str:
    """Return a module that imports what it uses."""
    used = [name for name in NAMES if re.search(rf"\b{name}\b", text)]
    lines = [f"from {package}.own import {', '.join(used)}"]
    if "mapped_column" not in text.split("class ", maxsplit=1)[0]:
        lines.append("from sqlalchemy.orm import mapped_column")
    place = text.index("import sqlalchemy as sa") if "import sqlalchemy as sa" in text else None
    place = text.index("from sqlalchemy") if place is None else place
    return text[:place] + "\n".join(lines) + "\n" + text[place:]


def _enums(text: str) -> str:
    """Return the module of the enums: the first a Literal, the second a plain Enum."""
    classes = list(ENUM.finditer(text))[:2]
    for match in classes[1:]:
        text = text.replace(f"class {match[1]}(StrEnum)", f"class {match[1]}(Enum)")
        text = text.replace("from enum import StrEnum", "from enum import Enum, StrEnum")
    for match in classes[:1]:
        labels = ", ".join(line.partition(" = ")[2] for line in match[2].splitlines())
        text = text.replace(match[0], f"{match[1]} = Literal[{labels}]\n")
        text = re.sub(rf"    {match[1]},\n    values_callable=[^\n]+\n", f"    {labels},\n", text)
        text = re.sub(
            r"^(from enum import .+\n)", r"\1from typing import Literal\n", text, flags=re.MULTILINE
        )
    return text


def has(folder: Path) -> Mapping[Column, frozenset[str]]:
    """Return the own types in the source of each column: by the class's table and its attribute."""
    return dict(_has(folder))


def _has(folder: Path) -> Iterator[tuple[Column, frozenset[str]]]:
    enums = _enum_names(folder)
    for path in sorted(folder.glob("*.py")):
        for body in ast.walk(ast.parse(path.read_text())):
            if not isinstance(body, ast.ClassDef):
                continue
            table = next(_tables(body), "")
            for node in body.body:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                    if own := names & {*NAMES, *enums}:
                        yield (table, _column(node, node.target.id)), frozenset(own)


def _column(node: ast.AnnAssign, attribute: str) -> str:
    """Return the name of an attribute's column."""
    first = node.value.args[:1] if isinstance(node.value, ast.Call) else []
    names = [n.value for n in first if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return names[0] if names else attribute


def _tables(body: ast.ClassDef) -> Iterator[str]:
    for node in body.body:
        if isinstance(node, ast.Assign) and assigned(node) == "__tablename__":
            yield str(getattr(node.value, "value", ""))


def _enum_names(folder: Path) -> frozenset[str]:
    """Return the names of the classes and Literals of enums."""
    path = folder / "enums.py"
    body = ast.parse(path.read_text()).body if path.exists() else []
    return frozenset(
        node.name if isinstance(node, ast.ClassDef) else node.targets[0].id
        for node in body
        if isinstance(node, ast.ClassDef)
        or (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Subscript)
        )
    )
