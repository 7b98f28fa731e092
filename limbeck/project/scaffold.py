"""What `init` writes: a plan of files first, then the files.

The templates are this repository's own user-side files. A file that is there already is kept as
it is; only `.gitignore` and `pyproject.toml` get lines added, at their end.
"""

from __future__ import annotations

import ast
import configparser
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from limbeck.errors import ConfigurationError
from limbeck.project.code.in_process import user_code
from limbeck.project.neon import switched

_TEMPLATES = Path(__file__).parents[1] / "templates"
_IGNORED = (".env", ".limbeck/", "env_profiles/*.local.env")
_PROFILES = Path("env_profiles")
_OWN = "app.models:Base.metadata"
_SKIPPED = {"tests", "test", "node_modules", "site-packages", "build", "dist", "docs"}


@dataclass(frozen=True, slots=True)
class File:
    """One file of the plan, its path relative to the root; `text` is what is written or added.

    `before` is what a file has that is changed.
    """

    path: Path
    action: Literal["create", "append", "change", "keep"]
    text: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """A plan for one folder; nothing is written yet.

    `models` is where the metadata is, "package.module:Name.metadata". `adopted` is the script
    location of a history that was there already, else None. With `neon` the profiles are branches
    of a Neon project, not of this machine.
    """

    root: Path
    models: str
    adopted: Path | None
    files: tuple[File, ...]
    neon: bool = False

    @property
    def changes(self) -> tuple[File, ...]:
        """The files that are created or added to."""
        return tuple(file for file in self.files if file.action != "keep")


def plan(root: Path, *, models: str | None = None, neon: bool = False) -> Scaffold:
    """Look at a folder (it need not exist) and say what `write` would do there.

    Args:
        root: The folder of the project.
        models: Where the metadata is; found in env.py or in the code when it is not given.
        neon: Have the profiles that say DATABASE_URL=local be branches of a Neon project.

    Raises:
        ConfigurationError: there are several declarative bases, or none beside a history, or a
            file cannot be read.

    """
    adopted = _script_location(root)
    if adopted:
        _refuse_other_table(root / adopted / "env.py")
    section = _section(root)
    found = models or (section or {}).get("models") or _find_models(root, adopted)
    if found is None and adopted:
        raise ConfigurationError(
            f"the history in {adopted} is there, but its models were not found",
            hint="Say where they are: limbeck init --models package.module:Base.metadata",
        )
    found = found or _OWN
    example = found == _OWN and not (root / "app").exists()
    text = "" if section is not None else _template("pyproject.toml").replace(_OWN, found)
    files = [
        *_templates(root, adopted, example=example),
        _addition(root, ".gitignore", _missing_lines(root / ".gitignore")),
        _addition(root, "pyproject.toml", text),
    ]
    if neon:
        changed = {file.path: file for file in _switched(root)}
        files = [changed.pop(file.path, _at_neon(file)) for file in files]
        files += changed.values()
    files.sort(key=lambda file: str(file.path))
    return Scaffold(root, found, adopted, tuple(files), neon)


def write(scaffold: Scaffold) -> None:
    """Write the plan's files, after looking that none of them has appeared meanwhile.

    Raises:
        ConfigurationError: a file is there that the plan did not see; nothing was written.

    """
    for file in scaffold.changes:
        target = scaffold.root / file.path
        now = target.read_text(encoding="utf-8") if target.exists() else ""
        if file.action in {"create", "change"} and now != file.before:
            raise ConfigurationError(
                f"{file.path} has appeared or changed since the plan was made; nothing was written",
                hint="Run `limbeck init` again.",
            )
    for file in scaffold.changes:
        target = scaffold.root / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w" if file.action == "change" else "a", encoding="utf-8") as opened:
            opened.write(file.text)
    if scaffold.adopted is None:
        (scaffold.root / "alembic" / "versions").mkdir(parents=True, exist_ok=True)


def _templates(root: Path, adopted: Path | None, *, example: bool) -> Iterator[File]:
    for source in sorted(_TEMPLATES.rglob("*")):
        path = source.relative_to(_TEMPLATES)
        if not source.is_file() or path.name == "pyproject.toml" or "__pycache__" in path.parts:
            continue
        if (path.parts[0] == "app" and not example) or (path.parts[0] == "alembic" and adopted):
            continue
        if (root / path).exists():
            yield File(path, "keep")
        else:
            yield File(path, "create", source.read_text(encoding="utf-8"))


def _at_neon(file: File) -> File:
    """A new profile as a branch of the Neon project."""
    if file.action != "create" or file.path.parent != _PROFILES:
        return file
    return replace(file, text=switched(file.text, file.path.stem))


def _switched(root: Path) -> Iterator[File]:
    """The profiles that are there, where they are branches of this machine."""
    for path in sorted((root / _PROFILES).glob("*.env")):
        before = path.read_text(encoding="utf-8")
        name = path.name.removesuffix(".env").removesuffix(".local")
        if (after := switched(before, name)) != before:
            yield File(path.relative_to(root), "change", after, before)


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _addition(root: Path, name: str, text: str) -> File:
    if not text:
        return File(Path(name), "keep")
    target = root / name
    if not target.exists():
        return File(Path(name), "create", text)
    before = target.read_text(encoding="utf-8")
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    return File(Path(name), "append", gap + text)


def _missing_lines(gitignore: Path) -> str:
    lines = gitignore.read_text(encoding="utf-8").splitlines() if gitignore.exists() else []
    return "".join(f"{line}\n" for line in _IGNORED if line not in lines)


def _section(root: Path) -> dict[str, str] | None:
    """What [tool.limbeck] of pyproject.toml says already; None when it is not there."""
    path = root / "pyproject.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"pyproject.toml is not valid TOML: {error}", hint="Correct it, then init again."
        ) from None
    section: dict[str, str] | None = content.get("tool", {}).get("limbeck")
    return section


def _script_location(root: Path) -> Path | None:
    """Where an existing alembic.ini keeps its scripts, relative to the root."""
    path = root / "alembic.ini"
    if not path.exists():
        return None
    parser = configparser.ConfigParser(defaults={"here": str(root)})
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        location = Path(parser.get("alembic", "script_location"))
    except configparser.Error as error:
        raise ConfigurationError(
            f"alembic.ini cannot be read: {error.message}", hint="Correct it, then init again."
        ) from None
    location = location.relative_to(root) if location.is_relative_to(root) else location
    return location if (root / location).is_dir() else None


def _refuse_other_table(env: Path) -> None:
    """Raise where a history is recorded in another table than Alembic's usual one."""
    used = user_code(env.parent).env_file(env).arguments
    if names := [name for name in ("version_table", "version_table_schema") if name in used]:
        raise ConfigurationError(
            f"{env.parent.name}/env.py sets {', '.join(names)}; limbeck reads the revisions that "
            "are applied from alembic_version on the search path",
            hint="rename the table, or ALTER TABLE ... SET SCHEMA, and take the argument out",
        )


def _find_models(root: Path, adopted: Path | None) -> str | None:
    named = user_code(root).env_file(root / adopted / "env.py").metadata if adopted else None
    if named:
        return named
    bases = sorted(_bases(root))
    if len(bases) > 1:
        raise ConfigurationError(
            f"several declarative bases were found: {', '.join(bases)}",
            hint=f"Say which one: limbeck init --models {bases[0]}",
        )
    return bases[0] if bases else None


def _bases(root: Path) -> Iterator[str]:
    """Yield every declarative base below a folder, seen from the package that exports it."""
    for path in _modules(root):
        for name in _declared(_parsed(path)):
            package = path.parent if path.name == "__init__.py" else _exporter(path.parent, name)
            module = (package or path.with_suffix("")).relative_to(root).parts
            yield f"{'.'.join(module)}:{name}.metadata"


def _modules(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED
            and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _declared(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            if bases & {"DeclarativeBase", "DeclarativeBaseNoMeta"}:
                yield node.name
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func).rpartition(".")[2] == "declarative_base"
        ):
            yield ast.unparse(node.targets[0])


def _exporter(folder: Path, name: str) -> Path | None:
    """The folder itself, when its __init__.py imports the name."""
    init = folder / "__init__.py"
    imported = (
        alias.name
        for node in (ast.walk(_parsed(init)) if init.exists() else ())
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )
    return folder if name in imported else None


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return ast.Module(body=[], type_ignores=[])
