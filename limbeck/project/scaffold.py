"""Plan and write the files of `limbeck init`.

The templates are this repository's own user-side files. An existing file is not changed; only
`.gitignore` and `pyproject.toml` get lines added at their end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Literal

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.project import bases, discovery
from limbeck.project.code import env_file
from limbeck.project.discovery import Origin
from limbeck.project.neon import switched
from limbeck.project.project import Project, tools
from limbeck.project.seen import completions
from limbeck.shell import command

_TEMPLATES = Path(__file__).parents[1] / "templates"
_IGNORED = (".env", ".limbeck/", ".venv/", "__pycache__/", "env_profiles/*.local.env")
_SCRIPT = Path("app", "migrate.py")
_PROFILES = Path("env_profiles")
_OWN = "app.models:Base.metadata"


@dataclass(frozen=True, slots=True)
class File:
    """One file of the plan, its path relative to the root; `text` is written or added.

    `before` is the present text of a file that is changed.
    """

    path: Path
    action: Literal["create", "append", "change", "keep"]
    text: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """A plan for one folder; nothing is written yet.

    `models` is the reference of the metadata, "package.module:Name.metadata". `adopted` is the
    script location of an existing history, else None; `settings` is [tool.limbeck].
    `missing` is whether nothing declares models yet, and `code` whether there are Python files.
    With `neon`, the profiles are branches of a Neon project instead of branches on this machine.
    """

    root: Path
    models: str
    adopted: Path | None
    files: tuple[File, ...]
    neon: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    missing: bool = False
    code: bool = False

    @property
    def project(self) -> Project:
        """The project as it will be."""
        return Project.at(self.root, dict(self.settings))

    @property
    def changes(self) -> tuple[File, ...]:
        """The files that are created or changed."""
        return tuple(file for file in self.files if file.action != "keep")


def plan(
    root: Path, *, models: str | None = None, ini: str | None = None, neon: bool = False
) -> Scaffold:
    """Return what `write` would do in a folder, which need not exist.

    Args:
        root: the folder of the project.
        models: the reference of the metadata; by default it is searched in env.py and the code.
        ini: what describes the history, "alembic.ini" or "alembic.ini:section", where there are
            several.
        neon: make branches of a Neon project of the profiles with DATABASE_URL=local.

    Raises:
        ConfigurationError: there are several histories or declarative bases, or no base beside a
            history, or a file cannot be read.

    """
    tool = tools(root)
    section = tool.get("limbeck")
    origin = discovery.history(root, tool.get("alembic", {}), ini or _known_ini(section or {}))
    adopted = _relative(root, origin.folder) if origin else None
    reference = models or (section or {}).get("models") or _find_models(root, origin)
    if reference is None and adopted:
        raise ConfigurationError(
            f"there is a history in {adopted}, but its models were not found",
            hint="Run `limbeck init --models package.module:Base.metadata`.",
        )
    missing, reference = reference is None, reference or _OWN
    code = discovery.has_code(root)
    example = reference == _OWN and not code
    text = "" if section is not None else _template("pyproject.toml").replace(_OWN, reference)
    text += origin.settings(root) if text and origin else ""
    settings = section if section is not None else tomllib.loads(text)["tool"]["limbeck"]
    files = [
        *_templates(root, adopted, example=example),
        _addition(root, ".gitignore", _missing_lines(root / ".gitignore")),
        _addition(root, "pyproject.toml", text),
    ]
    changes = _switched(root) if neon else _declared_majors(root)
    changed = {file.path: file for file in changes}
    files = [changed.pop(file.path, _at_neon(file) if neon else file) for file in files]
    files += changed.values()
    files.sort(key=lambda file: str(file.path))
    return Scaffold(root, reference, adopted, tuple(files), neon, settings, missing, code)


def write(scaffold: Scaffold) -> None:
    """Write the plan's files, unless one of them has appeared or changed meanwhile.

    Raises:
        ConfigurationError: a file differs from the plan; nothing was written.

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
        # A project that has a history has its own ways to start commands, and gets profiles only.
        if (path.parts[0] == "app" and not example) or (
            adopted and path.parts[0] != _PROFILES.name
        ):
            continue
        if (root / path).exists():
            yield File(path, "keep")
            continue
        text = source.read_text(encoding="utf-8")
        if path.suffix == ".mk" and not example and not (root / _SCRIPT).exists():
            text = _without_script(text)
        yield File(path, "create", text)


def _without_script(text: str) -> str:
    """Return limbeck.mk without the targets that run app/migrate.py, which is not written."""
    targets = [block for block in text.split("\n\n") if "app.migrate" not in block]
    return re.sub(r"db-migrate-\w+-script\s+", "", "\n\n".join(targets))


def _at_neon(file: File) -> File:
    """Return a new profile as a branch of the Neon project."""
    if file.action != "create" or file.path.parent != _PROFILES:
        return file
    return replace(file, text=switched(file.text, file.path.stem))


def _switched(root: Path) -> Iterator[File]:
    """Yield the existing profiles that are branches on this machine."""
    for path in sorted((root / _PROFILES).glob("*.env")):
        before = path.read_text(encoding="utf-8")
        name = path.name.removesuffix(".env").removesuffix(".local")
        if (after := switched(before, name)) != before:
            yield File(path.relative_to(root), "change", after, before)


def _declared_majors(root: Path) -> Iterator[File]:
    """Yield the existing profiles with the major that a connection has shown."""
    with suppress(ConfigurationError):  # no project yet, or one that says itself what is wrong
        project = Project.find(root)
        for completion in completions(project) if project.root == root else ():
            before = completion.path.read_text(encoding="utf-8")
            added = completion.text[len(before) :]
            yield File(completion.path.relative_to(root), "append", added, before)


def _known_ini(settings: Mapping[str, Any]) -> str | None:
    """Return the name of the history that settings of an earlier `init` lead to."""
    ini, section = settings.get("alembic-ini"), settings.get("alembic-section")
    if ini is None and section is None:
        return None
    return f"{ini or 'alembic.ini'}:{section}" if section else str(ini)


def _relative(root: Path, folder: Path) -> Path:
    return folder.relative_to(root) if folder.is_relative_to(root) else folder


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


def _find_models(root: Path, origin: Origin | None) -> str | None:
    named = env_file.metadata(origin.folder / "env.py") if origin else None
    if named:
        return _module_first([root, root / "src", *(origin.places.paths if origin else ())], named)
    folders = [each for each in origin.folders if each != root] if origin else []
    references = bases.references(root, folders, origin.places.paths if origin else ())
    if len(references) > 1:
        raise ConfigurationError(
            f"several declarative bases were found: {', '.join(references)}",
            hint=f"Choose one: {command('limbeck', 'init', '--models', references[0])}",
        )
    return references[0] if references else None


def _module_first(tops: Sequence[Path], reference: str) -> str:
    """Return a reference whose attributes are no modules: "a:models.Base" as "a.models:Base"."""
    module, _, attributes = reference.partition(":")
    first, _, rest = attributes.partition(".")
    path = Path(*module.split("."), first)
    for top in tops:
        if rest and ((top / path).is_dir() or (top / path).with_suffix(".py").is_file()):
            return _module_first(tops, f"{module}.{first}:{rest}")
    return reference
