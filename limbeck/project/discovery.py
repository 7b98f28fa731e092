"""Find what a project has: the histories of Alembic, and the metadata of its models."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.project.script_location import places, sections
from limbeck.shell import command

SKIPPED: Final = {"tests", "test", "node_modules", "site-packages", "build", "dist", "docs"}
# What makes a base or something else that has the attribute `metadata`, by the name of its call.
MAKERS: Final = {"declarative_base", "automap_base", "registry", "SQLAlchemy"}
BASES: Final = {"DeclarativeBase", "DeclarativeBaseNoMeta"}


@dataclass(frozen=True, slots=True)
class Origin:
    """What describes a history: an ini file and its section; `ini` None is pyproject.toml."""

    ini: Path | None
    section: str
    folder: Path

    def name(self, root: Path) -> str:
        """Return the name by which `init --alembic-ini` knows it."""
        if self.ini is None:
            return "pyproject.toml"
        path = str(self.ini.relative_to(root))
        return path if self.section == "alembic" else f"{path}:{self.section}"

    def settings(self, root: Path) -> str:
        """Return the settings that lead limbeck to it, as lines of TOML."""
        if self.ini is None or (self.ini == root / "alembic.ini" and self.section == "alembic"):
            return ""
        lines = f'alembic-ini = "{self.ini.relative_to(root).as_posix()}"\n'
        return lines + (
            f'alembic-section = "{self.section}"\n' if self.section != "alembic" else ""
        )


def history(root: Path, tool: Mapping[str, Any], wanted: str | None) -> Origin | None:
    """Return what describes the history of a project; None where it has none.

    Args:
        root: the folder of the project.
        tool: [tool.alembic] of its pyproject.toml.
        wanted: the name of one of several.

    Raises:
        ConfigurationError: there are several, or none of this name, or a file cannot be read.

    """
    origins = list(_origins(root, tool))
    names = [origin.name(root) for origin in origins]
    if wanted is not None:
        if wanted not in names:
            known = f"there are {', '.join(names)}" if names else "there is none"
            raise ConfigurationError(f"no history is described by {wanted}; {known}")
        return origins[names.index(wanted)]
    if len(origins) > 1:
        raise ConfigurationError(
            f"there are several histories: {', '.join(names)}",
            hint=f"Choose one: {command('limbeck', 'init', '--alembic-ini', names[0])}",
        )
    return origins[0] if origins else None


def _origins(root: Path, tool: Mapping[str, Any]) -> Iterator[Origin]:
    """Yield the histories that files in the root describe, or else files below it."""
    top = [*_described(root, sorted(root.glob("*.ini"))), *_in_pyproject(root, tool)]
    yield from top or _described(root, _below(root, "alembic.ini"))


def _described(root: Path, paths: Iterable[Path]) -> Iterator[Origin]:
    for path in filter(_may_describe, paths):
        for name, values in sections(path).items():
            if name == "alembic" or "script_location" in values:
                folder, _ = places(root, {}, path, name)
                if (folder / "env.py").is_file():
                    yield Origin(path, name, folder)


def _may_describe(path: Path) -> bool:
    # Other tools have ini files, too, and not every one of them is read by Python's parser.
    return path.name == "alembic.ini" or "script_location" in path.read_text(errors="replace")


def _in_pyproject(root: Path, tool: Mapping[str, Any]) -> Iterator[Origin]:
    if tool.get("script_location"):
        folder, _ = places(root, tool)
        yield Origin(None, "alembic", folder)


def modules(root: Path) -> Iterator[Path]:
    """Yield the Python files below a folder, without those of tools and tests."""
    yield from _below(root, ".py")


def declares(path: Path) -> bool:
    """Return whether a module declares a table of its own."""
    return _declares(_parsed(path), sqlmodel=False)


def baseless(path: Path) -> Iterator[str]:
    """Yield the classes of a module that have a __tablename__, and neither base nor decorator."""
    classes = (node for node in ast.walk(_parsed(path)) if isinstance(node, ast.ClassDef))
    for node in classes:
        if not (node.bases or node.decorator_list) and "__tablename__" in _names(node):
            yield node.name


def references(root: Path, without: Iterable[Path] = ()) -> list[str]:
    """Return the references of all metadata below a folder, such as "app.models:Base.metadata".

    Each names the module from which most tables are reached by imports.

    Args:
        root: the folder of the project.
        without: the folders of histories, whose revisions may have models of their own.

    """
    code = Code.of(root, without)
    bases = [(module, name) for module, tree in code.trees.items() for name in _declared(tree)]
    if not bases:
        bases = [(module, "SQLModel") for module in sorted(code.declaring(sqlmodel=True))[:1]]
    return sorted({f"{code.exporter(module, name)}:{name}.metadata" for module, name in bases})


@dataclass(frozen=True, slots=True)
class Code:
    """The modules of a project, by their dotted names, parsed and not run."""

    paths: Mapping[str, Path]
    trees: Mapping[str, ast.Module]

    @classmethod
    def of(cls, root: Path, without: Iterable[Path] = ()) -> Code:
        """Return the modules below a folder, without those below some others."""
        histories = tuple(folder.resolve() for folder in without)
        paths = {
            name: path
            for path in modules(root)
            if not any(path.resolve().is_relative_to(folder) for folder in histories)
            and (name := _dotted(root, path))
        }
        return cls(paths, {name: _parsed(path) for name, path in paths.items()})

    def exporter(self, module: str, name: str) -> str:
        """Return the module that has a name of another one, and reaches most tables by imports.

        Where several reach as many, it is the nearest package of the module, then the module.
        """
        tables = self.declaring()
        own = [each for each in self.trees if each == module or self._imports(each, module, name)]
        packages = [each for each in own if f"{module}.".startswith(f"{each}.")]
        return max(
            own,
            key=lambda each: (
                len(tables & self.reached(each)),
                each in packages and each != module,
                each == module,
                -len(each),
            ),
        )

    def declaring(self, *, sqlmodel: bool = False) -> set[str]:
        """Return the modules that declare tables."""
        return {name for name, tree in self.trees.items() if _declares(tree, sqlmodel=sqlmodel)}

    def reached(self, module: str) -> set[str]:
        """Return the modules that the import of one imports, itself included."""
        reached: set[str] = set()
        todo = [module]
        while todo:
            if (name := todo.pop()) not in reached and name in self.trees:
                reached.add(name)
                todo += [each for each, _ in self._imported(name)]
                todo.append(name.rpartition(".")[0])  # the packages above it, too
        return reached

    def _imports(self, module: str, wanted: str, name: str) -> bool:
        return any(
            each == name and (origin == wanted or self._imports(origin, wanted, name))
            for origin, each in self._imported(module)
            if origin in self.trees and origin != module
        )

    def _imported(self, module: str) -> Iterator[tuple[str, str]]:
        """Yield the modules that one imports, with the names that it takes from them."""
        is_package = self.paths[module].name == "__init__.py"
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = _absolute(module, node, is_package=is_package)
                for alias in node.names:
                    yield origin, alias.asname or alias.name
                    yield f"{origin}.{alias.name}", ""  # it may be a module


def _absolute(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *filter(None, [node.module])])


def _declared(tree: ast.Module) -> Iterator[str]:
    """Yield the names at the top of a module that have metadata."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            if {_last(base) for base in node.bases} & BASES:
                yield node.name
            continue
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and _last(value.func) in MAKERS:
            yield ast.unparse(_targets(node)[0])


def _declares(tree: ast.Module, *, sqlmodel: bool) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            if any(each.arg == "table" for each in node.keywords):
                return True
            if not sqlmodel and "__tablename__" in _names(node):
                return True
        elif not sqlmodel and isinstance(node, ast.Call) and _last(node.func) == "Table":
            return True
    return False


def _names(node: ast.ClassDef) -> list[str]:
    """Return the names that a class assigns."""
    return [ast.unparse(target) for each in node.body for target in _targets(each)]


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _dotted(root: Path, path: Path) -> str:
    """Return the name under which a file is imported."""
    src = root / "src"
    top = src if path.is_relative_to(src) and not (src / "__init__.py").exists() else root
    parts = path.with_suffix("").relative_to(top).parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _below(root: Path, ending: str) -> Iterator[Path]:
    """Yield the files below a folder whose names end so, without those of tools and tests."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(ending))


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module(body=[], type_ignores=[])
