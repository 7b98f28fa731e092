"""Find the Python interpreter that a project runs in, without starting any."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from limbeck.errors import ConfigurationError

SETTING = 'Write it as in python = ".venv/bin/python"; it is relative to the project.'


def find(root: Path, setting: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the interpreter of a project; limbeck's own where nothing names another one.

    The setting counts first, then the active virtual environment, then those that uv, poetry, pdm,
    pipenv and conda make inside of a project's folder.

    Args:
        root: the folder of the project.
        setting: [tool.limbeck] python.
        environment: VIRTUAL_ENV, CONDA_PREFIX and the like.

    Raises:
        ConfigurationError: the setting names no interpreter.

    """
    if setting is not None:
        chosen = root / Path(setting).expanduser()
        if not os.access(chosen, os.X_OK) or chosen.is_dir():
            raise ConfigurationError(
                f"[tool.limbeck] python: there is no interpreter {chosen}", hint=SETTING
            )
        return chosen
    return next(_candidates(root, environment), Path(sys.executable))


def is_own(python: Path) -> bool:
    """Return whether an interpreter has the packages of the one that runs limbeck."""
    # Not resolved: in a virtual environment it is a link to the interpreter that made it.
    return python == Path(sys.executable) or _prefix(python) == Path(sys.prefix).resolve()


def _prefix(python: Path) -> Path:
    return Path(os.path.abspath(python)).parent.parent.resolve()  # noqa: PTH100 - the last link stays


def _candidates(root: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    for folder in _environments(root, environment):
        for name in ("bin/python", "Scripts/python.exe"):
            if (python := folder / name).exists():
                yield python


def _environments(root: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    if active := environment.get("VIRTUAL_ENV"):
        yield Path(active)
    yield root / environment.get("UV_PROJECT_ENVIRONMENT", ".venv")
    yield root / "venv"
    for above in root.parents:  # a member of a uv workspace has the environment of the whole
        if (above / "uv.lock").is_file():
            yield above / ".venv"
    if (pinned := root / ".pdm-python").is_file():
        yield Path(pinned.read_text(encoding="utf-8").strip()).parent.parent
    yield from _of_poetry(root, environment)
    yield from _of_pipenv(root, environment)
    if conda := environment.get("CONDA_PREFIX"):
        yield Path(conda)


def _of_poetry(root: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield poetry's environments of a project, the newest first.

    https://python-poetry.org/docs/configuration/#virtualenvspath: their names begin with the name
    of the project.
    """
    if not (root / "poetry.lock").exists():
        return
    cache = environment.get("POETRY_CACHE_DIR") or _cache(environment) / "pypoetry"
    folder = environment.get("POETRY_VIRTUALENVS_PATH") or Path(cache) / "virtualenvs"
    yield from _newest(Path(folder), f"{root.name.lower().replace('_', '-')}-*")


def _of_pipenv(root: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    if not (root / "Pipfile").exists():
        return
    home = Path(environment.get("HOME", "~")).expanduser()
    folder = environment.get("WORKON_HOME") or home / ".local/share/virtualenvs"
    yield from _newest(Path(folder), f"{root.name}-*")


def _newest(folder: Path, pattern: str) -> Iterator[Path]:
    yield from sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)


def _cache(environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME", "~")).expanduser()
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
