"""Formatting of pulled models with the ruff settings of the repository that they are for."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from limbeck.models.source.ruff import ruff

# RUF022 sorts __all__, in the order that it would ask for.
SORTING = ("--select", "I001,RUF022", "--fix-only", "--unsafe-fixes")


def formatted(files: Mapping[str, str], root: Path | None, package: str = "") -> dict[str, str]:
    """Return the files with sorted imports and formatted by ruff.

    Args:
        files: the text of each, by path.
        root: of the repository whose ruff settings apply; None for ruff's defaults.
        package: the dotted name by which the files import each other.

    Raises:
        RuffError: ruff cannot parse the files or its settings.

    """
    own = settings(root, package)
    with tempfile.TemporaryDirectory(prefix="limbeck-pull-") as folder:
        for path, text in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        # ruff finds first-party packages in its working directory.
        ruff(root or Path(folder), ["check", *own, *SORTING, folder])
        ruff(root or Path(folder), ["format", *own, folder])
        return {path: Path(folder, path).read_text(encoding="utf-8") for path in files}


def like_before(
    files: Mapping[Path, str], before: Mapping[Path, str], root: Path, package: str
) -> dict[Path, str]:
    """Return files formatted if they were formatted before; new ones always.

    Args:
        files: the new text of each, with line feeds.
        before: the present text of those that exist.
        root: as in formatted().
        package: as in formatted().

    """
    named = {path: f"{number}/{path.name}" for number, path in enumerate(files)}
    bare = {path: text.replace("\r\n", "\n") for path, text in before.items()}
    texts = {f"new/{named[path]}": text for path, text in files.items()}
    texts |= {f"old/{named[path]}": text for path, text in bare.items()}
    whole = formatted(texts, root, package)
    results = {}
    for path, text in files.items():
        tidy = path not in before or whole[f"old/{named[path]}"] == bare[path]
        new = whole[f"new/{named[path]}"] if tidy else _partly(bare[path], text, root, package)
        results[path] = new.replace("\n", "\r\n") if "\r\n" in before.get(path, "") else new
    return results


def _partly(before: str, text: str, root: Path, package: str) -> str:
    """Return an unformatted module as it is; its imports are sorted if they were before."""
    sorting = ["check", *settings(root, package), "--select", "I001", "--fix-only"]
    with tempfile.TemporaryDirectory(prefix="limbeck-pull-") as folder:
        path = Path(folder, "module.py")
        path.write_text(before, encoding="utf-8")
        ruff(root, [*sorting, str(path)])
        was_sorted = path.read_text(encoding="utf-8") == before
        path.write_text(text, encoding="utf-8")
        if was_sorted:
            ruff(root, [*sorting, str(path)])
        return path.read_text(encoding="utf-8")


def settings(root: Path | None, package: str) -> list[str]:
    """Return the options for any verb of ruff; root and package are as in formatted()."""
    configuration = next(_configurations(root), None) if root else None
    common = _own_packages(root, package)
    return [*common, "--config", str(configuration)] if configuration else [*common, "--isolated"]


def _own_packages(root: Path | None, package: str) -> list[str]:
    """Return the option that names the repository's packages.

    To ruff, a module that is not written yet looks like one of a third party.
    """
    places = [root, root / "src"] if root else []
    packages = {init.parent.name for place in places for init in place.glob("*/__init__.py")}
    names = sorted({*packages, package.partition(".")[0]} - {""})
    return ["--config", f"lint.isort.known-first-party={names}"] if names else []


def _configurations(root: Path) -> Iterator[Path]:
    for folder in (root.resolve(), *root.resolve().parents):
        for name in (".ruff.toml", "ruff.toml"):
            if (path := folder / name).is_file():
                yield path
        path = folder / "pyproject.toml"
        if path.is_file() and "ruff" in tomllib.loads(path.read_text("utf-8")).get("tool", {}):
            yield path
