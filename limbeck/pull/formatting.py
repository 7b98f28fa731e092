"""Formatting, as the repository that the models go to has it."""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from limbeck.pull.modules import Module
from limbeck.pull.pipes import piped, run

# RUF022 sorts __all__ as it wants to see it sorted.
_SORTING = ("--select", "I001,RUF022", "--fix-only", "--unsafe-fixes")
# A statement that stands before each module where many are one text.
_MARK = "limbeck_module_"
_MARKED = re.compile(rf"^{_MARK}\d+$", re.MULTILINE)
# What stands for all that follows the imports.
_BELOW = "limbeck_below"
_STUB = re.compile(rf"^(class {_BELOW}: \.\.\.|{_BELOW} = 0)\n*\Z", re.MULTILINE)


def modules_formatted(
    modules: Mapping[str, Module], root: Path | None, package: str
) -> dict[str, str]:
    """Return the texts of modules with sorted imports and formatted by ruff.

    They go through ruff as a few texts: a thousand files take longer than all the rest.

    Args:
        modules: docstring and imports of each, and what stands below them, by path.
        root: as in formatted().
        package: as in formatted().

    Raises:
        LimbeckError: ruff cannot read the modules or its settings.

    """
    settings = _settings(root, package)
    place = root or Path.cwd()
    heads = (f"{_MARK}{n}\n\n{_with_stub(one)}" for n, one in enumerate(modules.values()))
    sorted_ = _apart(piped(place, ["check", *settings, *_SORTING, "-"], [*heads]))
    blocks: list[list[str]] = []
    for number, (head, one) in enumerate(zip(sorted_, modules.values(), strict=True)):
        blocks.append([f"{_MARK}{number}\n\n{_STUB.sub('', head)}{''.join(one.pieces[:1])}"])
        for piece in one.pieces[1:]:
            if piece.startswith("class "):
                blocks.append([piece])  # two blank lines come before it, whatever those are
            else:
                blocks[-1].append(piece)
    made = _apart(piped(place, ["format", *settings, "-"], ["\n\n".join(one) for one in blocks]))
    return {path: f"{text.strip()}\n" for path, text in zip(modules, made, strict=True)}


def _with_stub(module: Module) -> str:
    """Return the head of a module and, for what follows says how it ends, something below it."""
    if not module.pieces:
        return module.head
    is_class = module.pieces[0].startswith("class ")
    return f"{module.head}\n\n{f'class {_BELOW}: ...' if is_class else f'{_BELOW} = 0'}\n"


def _apart(text: str) -> list[str]:
    return _MARKED.split(text)[1:]


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
        run(root or Path(folder), ["check", *settings, *_SORTING, folder])
        run(root or Path(folder), ["format", *settings, folder])
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
        run(root, ["check", *settings, str(path)])
        was_sorted = path.read_text(encoding="utf-8") == before
        path.write_text(text, encoding="utf-8")
        if was_sorted:
            run(root, ["check", *settings, str(path)])
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
