"""Find the metadata of a project's models, and the modules that declare tables, as source text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.project.declarations import (
    Telling,
    declared,
    declares_table,
    derives,
    given,
    is_abstract,
    is_revision,
    is_table,
    made_by,
    parsed,
    telling,
)
from limbeck.project.discovery import modules

# A project that is installed by itself: a member of a workspace, a service of a monorepo.
INSTALLED: Final = ("pyproject.toml", "setup.py", "setup.cfg")
NAMES_SRC: Final = re.compile(r"^\s*(from|import) src\b", re.MULTILINE)


def references(
    root: Path, without: Iterable[Path] = (), imported_from: Iterable[Path] = ()
) -> list[str]:
    """Return the references of all metadata below a folder, such as "app.models:Base.metadata".

    Each names the module from which most tables are reached by imports.

    Args:
        root: the folder of the project.
        without: the folders of histories, whose revisions may have models of their own.
        imported_from: further folders from which the project imports its modules.

    """
    code = Code.of(root, without, imported_from)
    used = {name for tree in code.trees.values() for name in given(tree)}
    bases = [
        (*code.widest(module, name), "metadata")
        for module, name in code.bases
        if name.rpartition(".")[2] not in used
    ]
    if not bases:
        tables = code.declaring(sqlmodel=True)
        bases = [(module, "SQLModel", "metadata") for module in sorted(tables)[:1]]
    bases = bases or [(*each, "") for each in code.metadata]
    return sorted(
        {
            f"{code.exporter(module, name)}:{'.'.join(filter(None, (name, attribute)))}"
            for module, name, attribute in bases
        }
    )


@dataclass(frozen=True)
class Code:
    """The modules of a project, by their dotted names, parsed and not run."""

    paths: Mapping[str, Path]
    trees: Mapping[str, ast.Module]

    @classmethod
    def of(
        cls, root: Path, without: Iterable[Path] = (), imported_from: Iterable[Path] = ()
    ) -> Code:
        """Return the modules below a folder, without revisions and those below some others."""
        histories = tuple(folder.resolve() for folder in without)
        tops = _Tops(root, tuple(imported_from))
        paths = {
            name: path
            for path in modules(root)
            if not any(path.resolve().is_relative_to(folder) for folder in histories)
            and (name := tops.dotted(path))
        }
        trees = {name: parsed(path) for name, path in paths.items()}
        trees = {name: tree for name, tree in trees.items() if not is_revision(tree)}
        return cls({name: paths[name] for name in trees}, trees)

    @cached_property
    def bases(self) -> list[tuple[str, str]]:
        """The modules with the names of what has the attribute `metadata`."""
        return [(module, name) for module, tree in self.trees.items() for name in declared(tree)]

    @cached_property
    def metadata(self) -> list[tuple[str, str]]:
        """The modules with the names of what is a MetaData by itself."""
        return [
            (module, name)
            for module, tree in self.trees.items()
            for name in made_by(tree, {"MetaData"})
        ]

    @cached_property
    def models(self) -> set[str]:
        """The names of bases, and of classes that derive from one, however indirectly."""
        names = {name for _, name in self.bases}
        every = [node for _, node in self.classes]
        while more := {each.name for each in every if derives(each, names)} - names:
            names |= more
        return names

    @cached_property
    def classes(self) -> list[tuple[str, ast.ClassDef]]:
        """All classes, with the names of their modules."""
        return [
            (module, node)
            for module, nodes in self.nodes.items()
            for node in nodes
            if isinstance(node, ast.ClassDef)
        ]

    @cached_property
    def nodes(self) -> dict[str, list[Telling]]:
        """What tells what each module declares and imports."""
        return {module: telling(tree) for module, tree in self.trees.items()}

    @cached_property
    def tables(self) -> set[str]:
        """The modules that declare tables."""
        return self.declaring(sqlmodel=False)

    @cached_property
    def imports(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """What each module imports: other modules, with the names that it takes from them."""
        return {module: tuple(self._imported(module)) for module in self.trees}

    def widest(self, module: str, name: str) -> tuple[str, str]:
        """Return a base, or an abstract class of its own if only that leads to tables."""

        def reach(place: tuple[str, str]) -> int:
            return len(self.tables & self.reached(self.exporter(*place)))

        names, places = {name}, [(module, name)]
        while more := [each for each in self._abstract(names) if each not in places]:
            places += more
            names |= {each for _, each in more}
        return places[0] if reach(places[0]) else max(places, key=reach)

    def _abstract(self, names: set[str]) -> Iterator[tuple[str, str]]:
        for module, node in self.classes:
            if derives(node, names) and is_abstract(node):
                yield module, node.name

    def exporter(self, module: str, name: str) -> str:
        """Return the module that has a name of another one, and reaches most tables by imports.

        Where several reach as many, it is the nearest package of the module, then the module.
        """
        own = [each for each in self.trees if each == module or self._imports(each, module, name)]
        packages = [each for each in own if f"{module}.".startswith(f"{each}.")]
        return max(
            own,
            key=lambda each: (
                len(self.tables & self.reached(each)),
                each in packages and each != module,
                each == module,
                -len(each),
            ),
        )

    def declaring(self, *, sqlmodel: bool) -> set[str]:
        """Return the modules that declare tables."""
        own = {module for module, node in self.classes if is_table(node, self.models)}
        return (set() if sqlmodel else own) | {
            module
            for module, nodes in self.nodes.items()
            if declares_table(nodes, sqlmodel=sqlmodel)
        }

    def reached(self, module: str) -> set[str]:
        """Return the modules that the import of one imports, itself included."""
        reached: set[str] = set()
        todo = [module]
        while todo:
            if (name := todo.pop()) not in reached and name in self.trees:
                reached.add(name)
                todo += [each for each, _ in self.imports[name]]
                todo.append(name.rpartition(".")[0])  # the packages above it, too
        return reached

    def _imports(
        self, module: str, wanted: str, name: str, seen: frozenset[str] = frozenset()
    ) -> bool:
        return any(
            each in {name, "*"}
            and (origin == wanted or self._imports(origin, wanted, name, seen | {module}))
            for origin, each in self.imports[module]
            if origin in self.trees and origin != module and origin not in seen
        )

    def _imported(self, module: str) -> Iterator[tuple[str, str]]:
        """Yield the modules that one imports, with the names that it takes from them."""
        is_package = self.paths[module].name == "__init__.py"
        for node in self.nodes[module]:
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = _absolute(module, node, is_package=is_package)
                for alias in node.names:
                    yield origin, alias.asname or alias.name
                    yield f"{origin}.{alias.name}", ""  # it may be a module


@dataclass(frozen=True)
class _Tops:
    """The folders from which modules are imported: those of the settings, `src`, other projects."""

    root: Path
    given: tuple[Path, ...]

    @cached_property
    def names_src(self) -> bool:
        """Whether the project's own modules are imported as `src.shop`."""
        texts = (path.read_text("utf-8", errors="replace") for path in modules(self.root))
        return (self.root / "src" / "__init__.py").exists() or any(map(NAMES_SRC.search, texts))

    def dotted(self, path: Path) -> str:
        """Return the name under which a file is imported; "" if it has none."""
        parents = path.parents[: len(path.relative_to(self.root).parts)]
        top = next((folder for folder in parents if self._is_top(folder)), self.root)
        parts = path.with_suffix("").relative_to(top).parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        return ".".join(parts) if all(map(str.isidentifier, parts)) else ""

    def _is_top(self, folder: Path) -> bool:
        if folder == self.root or folder in self.given:
            return True
        if folder.name == "src" and not (folder / "__init__.py").exists():
            return not (folder.parent == self.root and self.names_src)
        return any((folder / name).exists() for name in INSTALLED)


def _absolute(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *filter(None, [node.module])])
