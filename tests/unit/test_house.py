"""The structure of the source tree: no import circles, names of the domain, stable facades."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import limbeck

REPOSITORY = Path(__file__).parents[2]
SOURCES = [path for path in (REPOSITORY / "limbeck").rglob("*.py") if "templates" not in path.parts]
EMPTY_NAMES = {"found", "one", "said", "made", "told", "way", "work", "kept"}
"""Names that say nothing of what they hold; the noun of the domain takes their place."""

FACADES = {
    "limbeck": limbeck.__all__,
    "limbeck.entities": ("Extension", "Function", "Partition", "Policy", "Trigger", "View"),
    "limbeck.env": ("run",),
    "limbeck.migrate": ("WAIT", "Hooks", "Keep", "Plan", "Report", "apply", "plan", "stamp"),
    "limbeck.testing": ("Copies",),
    "limbeck.settings": ("Profile", "Project", "database", "urls"),
    "limbeck.sources": ("Live", "Models", "Replay", "Shadow", "parse"),
}


def module_of(path: Path) -> str:
    """Return the dotted name of a source file."""
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """Yield each module of limbeck that a file imports, also in functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module in modules:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {module_of(path): path for path in SOURCES}
    # The package's own __init__ hands on names of every room, for type checkers only.
    graph = {
        module: set(imports(path, modules)) - {"limbeck", module}
        for module, path in modules.items()
        if module != "limbeck"
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that a file gives to something, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case (
                ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.ExceptHandler(name=str(name))
                | ast.alias(asname=str(name))
            ):
                yield name, node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_names_are_nouns_of_the_domain(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [(name, line) for name, line in names(tree) if name in EMPTY_NAMES] == []


@pytest.mark.parametrize("facade", FACADES)
def test_the_import_paths_in_users_files_stay(facade: str) -> None:
    module = import_module(facade)
    assert [name for name in FACADES[facade] if not hasattr(module, name)] == []


def test_only_facades_hand_names_on() -> None:
    """A package with names of its own is a facade; everything else is imported from its home."""
    packages = [path for path in SOURCES if path.name == "__init__.py"]
    with_names = {module_of(path) for path in packages if "__all__" in path.read_text("utf-8")}
    assert with_names == {
        "limbeck",
        "limbeck.entities",
        "limbeck.generate",
    }


def test_dataclasses_are_compiled_when_they_are_called() -> None:
    """`limbeck --help` has a single one, and need not load a module for it."""
    line = re.compile(r"^from dataclasses import .*\bdataclass\b", re.MULTILINE)
    others = {module_of(path) for path in SOURCES if line.search(path.read_text("utf-8"))}
    assert others == {"limbeck.cli.invocation"}, "import it from limbeck.dataclass"
