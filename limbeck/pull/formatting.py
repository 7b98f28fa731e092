"""Formatting, as the repository that the models go to has it."""

from __future__ import annotations

import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruff import find_ruff_bin

from limbeck.errors import LimbeckError

# RUF022 sorts __all__ as it wants to see it sorted.
_SORTING = ("--select", "I001,RUF022", "--fix-only", "--unsafe-fixes")
# A statement that stands before each module where many are one text.
_MARK = "limbeck_module_"
_MARKED = re.compile(rf"^{_MARK}\d+$", re.MULTILINE)


def modules_formatted(files: Mapping[str, str], root: Path | None, package: str) -> dict[str, str]:
    """Return modules that begin with a docstring, with sorted imports and formatted by ruff.

    They go through ruff as one text: a thousand files take longer than all the rest.

    Args:
        files: the text of each, by path.
        root: as in formatted().
        package: as in formatted().

    Raises:
        LimbeckError: ruff cannot read the modules or its settings.

    """
    text = "\n\n".join(f"{_MARK}{number}\n\n{text}" for number, text in enumerate(files.values()))
    settings = _settings(root, package)
    place = root or Path.cwd()
    for verb, chosen in (("check", _SORTING), ("format", ())):
        text = _ruff(place, verb, *settings, *chosen, "-", text=text)
    made = _MARKED.split(text)[1:]
    return {path: f"{text.strip()}\n" for path, text in zip(files, made, strict=True)}


def formatted(files: Mapping[str, str], root: Path | None, package: str = "") -> dict[str, str]:
    """Return the files with sorted imports and formatted by ruff.

    Args:
        files: the text of each, by path.
        root: a folder of the repository whose ruff settings hold; None for ruff's own.
        package: the dotted name by which the files import each other.

    Raises:
        LimbeckError: ruff cannot read the files or its settings.

    """
    settings = _settings(root, package)
    with tempfile.TemporaryDirectory(prefix="limbeck-pull-") as folder:
        for path, text in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        # What a repository's own packages are, ruff sees from the working directory.
        _ruff(root or Path(folder), "check", *settings, *_SORTING, folder)
        _ruff(root or Path(folder), "format", *settings, folder)
        return {path: Path(folder, path).read_text(encoding="utf-8") for path in files}


def like_before(
    files: Mapping[Path, str], before: Mapping[Path, str], root: Path, package: str
) -> dict[Path, str]:
    """Return files formatted as far as they were; new ones are formatted whole.

    Args:
        files: the new text of each, with line feeds.
        before: the text of those that are there already.
        root: as in formatted().
        package: as in formatted().

    """
    named = {path: f"{number}/{path.name}" for number, path in enumerate(files)}
    bare = {path: text.replace("\r\n", "\n") for path, text in before.items()}
    texts = {f"new/{named[path]}": text for path, text in files.items()}
    texts |= {f"old/{named[path]}": text for path, text in bare.items()}
    whole = formatted(texts, root, package)
    made = {}
    for path, text in files.items():
        tidy = path not in before or whole[f"old/{named[path]}"] == bare[path]
        new = whole[f"new/{named[path]}"] if tidy else _partly(bare[path], text, root, package)
        made[path] = new.replace("\n", "\r\n") if "\r\n" in before.get(path, "") else new
    return made


def _partly(before: str, text: str, root: Path, package: str) -> str:
    """Leave a module as it is that no formatter keeps; its imports are sorted if they were."""
    settings = [*_settings(root, package), "--select", "I001", "--fix-only"]
    with tempfile.TemporaryDirectory(prefix="limbeck-pull-") as folder:
        path = Path(folder, "module.py")
        path.write_text(before, encoding="utf-8")
        _ruff(root, "check", *settings, str(path))
        was_sorted = path.read_text(encoding="utf-8") == before
        path.write_text(text, encoding="utf-8")
        if was_sorted:
            _ruff(root, "check", *settings, str(path))
        return path.read_text(encoding="utf-8")


def _settings(root: Path | None, package: str) -> list[str]:
    found = next(_configurations(root), None) if root else None
    common = ["--no-cache", "--quiet", *_own_packages(root, package)]
    return [*common, "--config", str(found)] if found else [*common, "--isolated"]


def _own_packages(root: Path | None, package: str) -> list[str]:
    """Name the repository's packages, for a module that is not written yet looks like another's."""
    places = [root, root / "src"] if root else []
    found = {init.parent.name for place in places for init in place.glob("*/__init__.py")}
    names = sorted({*found, package.partition(".")[0]} - {""})
    return ["--config", f"lint.isort.known-first-party={names}"] if names else []


def _configurations(root: Path) -> Iterator[Path]:
    for folder in (root.resolve(), *root.resolve().parents):
        for name in (".ruff.toml", "ruff.toml"):
            if (path := folder / name).is_file():
                yield path
        path = folder / "pyproject.toml"
        if path.is_file() and "ruff" in tomllib.loads(path.read_text("utf-8")).get("tool", {}):
            yield path


def _ruff(place: Path, verb: str, *arguments: str, text: str | None = None) -> str:
    """Run ruff in a folder and return what it prints: where text is given, its new form."""
    command = [find_ruff_bin(), verb, *arguments]
    done = subprocess.run(  # noqa: S603 - ruff itself, on text just written
        command, cwd=place, capture_output=True, encoding="utf-8", check=False, input=text
    )
    if done.returncode:
        raise LimbeckError(
            f"ruff {verb} refuses the pulled models: {done.stderr.strip() or done.stdout.strip()}",
            hint="Does `ruff check` accept the settings of this repository?",
        )
    return done.stdout
