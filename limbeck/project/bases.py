"""Find the metadata of a project's models, and the modules that declare tables, as source text."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.project import syntax
from limbeck.project.discovery import modules

# A project that is installed by itself: a member of a workspace, a service of a monorepo.
INSTALLED: Final = ("pyproject.toml", "setup.py", "setup.cfg")
NAMES_SRC: Final = re.compile(r"^\s*(from|import) src\b", re.MULTILINE)


def declares(path: Path, base: str = "") -> bool:
    """Return whether a module declares a table of its own.

    Args:
        path: its file; a revision declares none.
        base: the name of a declarative base, whose classes need no __tablename__.

    """
    tree = syntax.parsed(path)
    return not syntax.is_revision(tree) and (
        syntax.declares_table(tree, sqlmodel=False)
        or any(syntax.is_table(each, {base}) for each in syntax.classes(tree))
    )


def baseless(path: Path) -> Iterator[str]:
    """Yield the classes of a module that have a __tablename__, and neither base nor decorator."""
    for node in syntax.classes(syntax.parsed(path)):
        if not (node.bases or node.decorator_list) and "__tablename__" in syntax.assigned(node):
            yield node.name


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
    given = {name for tree in code.trees.values() for name in syntax.registries(tree)}
    bases = [
        (module, name, f"{name}.metadata")
        for module, name in code.bases
        if name.rpartition(".")[2] not in given
    ]
    if not bases:
        tables = code.declaring(sqlmodel=True)
        bases = [(module, "SQLModel", "SQLModel.metadata") for module in sorted(tables)[:1]]
    bases = bases or [(*each, each[1]) for each in code.metadata]
    return sorted({f"{code.exporter(module, name)}:{path}" for module, name, path in bases})


def filled(
    root: Path,
    reference: str,
    env_py: Path,
    without: Iterable[Path] = (),
    imported_from: Iterable[Path] = (),
) -> str:
    """Return the reference of an env.py, or another one of the same base that reaches its tables.

    An env.py may import nothing but the module of the base: under Alembic, its revisions import
    the models.

    Args:
        root: the folder of the project.
        reference: where env.py has its target_metadata from.
        env_py: its path.
        without: as of `references`.
        imported_from: as of `references`.

    """
    module, _, attributes = reference.partition(":")
    name, _, rest = attributes.partition(".")
    tops = (root, root / "src", *imported_from)
    near = {
        module,
        *(each for each, _ in syntax.taken("", syntax.parsed(env_py), is_package=False)),
    }
    paths = (top / each.replace(".", "/") for top in tops for each in near)
    files = (file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py"))
    if any(declares(file, name) for file in files if file.is_file()):
        return reference
    code = Code.of(root, without, imported_from)
    reached = set().union(*map(code.reached, near))
    if module not in code.trees or reached & code.declaring():
        return reference
    return f"{code.exporter(module, name)}:{name}{rest and f'.{rest}'}"


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
        trees = {name: syntax.parsed(path) for name, path in paths.items()}
        trees = {name: tree for name, tree in trees.items() if not syntax.is_revision(tree)}
        return cls({name: paths[name] for name in trees}, trees)

    @cached_property
    def bases(self) -> list[tuple[str, str]]:
        """The modules with the names of what has the attribute `metadata`."""
        return [
            (module, name)
            for module, tree in self.trees.items()
            for name in syntax.having_metadata(tree)
        ]

    @cached_property
    def metadata(self) -> list[tuple[str, str]]:
        """The modules with the names of what is a MetaData by itself."""
        return [
            (module, name)
            for module, tree in self.trees.items()
            for name in syntax.results(tree, {"MetaData"})
        ]

    @cached_property
    def models(self) -> set[str]:
        """The names of bases, and of classes that derive from one, however indirectly."""
        names = {name for _, name in self.bases}
        classes = [node for tree in self.trees.values() for node in syntax.classes(tree)]
        while more := {each.name for each in classes if syntax.derives(each, names)} - names:
            names |= more
        return names

    def exporter(self, module: str, name: str) -> str:
        """Return the module that has a name of another one, and reaches most tables by imports.

        Where several reach as many, it is the nearest package of the module, then the module.
        """
        tables = self.declaring()
        holding = self._holding(module, name)
        own = [each for each in self.trees if each in holding]
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
        return {
            name
            for name, tree in self.trees.items()
            if syntax.declares_table(tree, sqlmodel=sqlmodel)
            or (
                not sqlmodel
                and any(syntax.is_table(each, self.models) for each in syntax.classes(tree))
            )
        }

    def reached(self, module: str) -> set[str]:
        """Return the modules that the import of one imports, itself included."""
        reached: set[str] = set()
        todo = [module]
        while todo:
            if (name := todo.pop()) not in reached and name in self.trees:
                reached.add(name)
                todo += [each for each, _ in self._imported[name]]
                todo.append(name.rpartition(".")[0])  # the packages above it, too
        return reached

    def _holding(self, module: str, name: str) -> set[str]:
        """Return the modules that have a name of another one, however they came by it."""
        holding: set[str] = set()
        todo = [module]
        while todo:
            if (origin := todo.pop()) not in holding:
                holding.add(origin)
                todo += self._importers.get((origin, name), [])
                todo += self._importers.get((origin, "*"), [])
        return holding

    @cached_property
    def _importers(self) -> Mapping[tuple[str, str], list[str]]:
        """The modules that import a name from a module."""
        importers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for module, imported in self._imported.items():
            for each in imported:
                importers[each].append(module)
        return importers

    @cached_property
    def _imported(self) -> Mapping[str, list[tuple[str, str]]]:
        """The modules of the project that each one imports, with the names that it takes."""
        return {
            module: [
                each
                for each in syntax.taken(module, tree, is_package=self.is_package(module))
                if each[0] in self.trees
            ]
            for module, tree in self.trees.items()
        }

    def is_package(self, module: str) -> bool:
        """Return whether a module is a package."""
        return self.paths[module].name == "__init__.py"


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
