"""The models of a project, imported; what goes wrong is told by file and line."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

from sqlalchemy import MetaData

from limbeck.errors import ConfigurationError, ModelsError


def load(root: Path, reference: str) -> MetaData:
    """The MetaData at `module:attribute`, with the project's folder on sys.path.

    Raises:
        ModelsError: the module does not import, or has no such MetaData.
        ConfigurationError: the reference is not written that way.
    """
    name, colon, attributes = reference.partition(":")
    if not colon or not name or not attributes:
        raise ConfigurationError(
            f'[tool.limbeck] models = "{reference}" is not module:attribute',
            hint='models = "app.models:Base.metadata"',
        )
    module = _module(root, name)
    found: object = module
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise ModelsError(f"{name} has no {attributes}", hint=_WHERE)
        found = getattr(found, attribute)
    if not isinstance(found, MetaData):
        found = getattr(found, "metadata", None)
    if not isinstance(found, MetaData):
        raise ModelsError(f"{reference} is no MetaData", hint=_WHERE)
    return found


_WHERE = 'look at [tool.limbeck] models in pyproject.toml, such as "app.models:Base.metadata"'


def _module(root: Path, name: str) -> ModuleType:
    top = name.partition(".")[0]
    _forget_other_projects(root, top)
    for folder in (root / "src", root):
        if str(folder) not in sys.path and folder.is_dir():
            sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    before = set(sys.modules)
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        for new in sys.modules.keys() - before:
            if new.partition(".")[0] == top:  # half-imported: the next attempt begins anew
                del sys.modules[new]
        raise _explained(root, name, error) from error


def _forget_other_projects(root: Path, top: str) -> None:
    """Drop a package of this name that another project in this process has brought."""
    loaded = sys.modules.get(top)
    own = [path for path in (root / top, root / f"{top}.py", root / "src" / top) if path.exists()]
    if loaded is None or not own or _is_below(root, loaded):
        return
    for name in [each for each in sys.modules if each.partition(".")[0] == top]:
        del sys.modules[name]


def _is_below(root: Path, module: ModuleType) -> bool:
    places = [module.__file__] if module.__file__ else list(module.__path__)
    return any(Path(place).resolve().is_relative_to(root) for place in places)


def _explained(root: Path, name: str, error: BaseException) -> ModelsError:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and f"{name}.".startswith(f"{missing}."):
        return ModelsError(f"there is no module {missing} in {root}", hint=_WHERE)
    place = _place(root, error)
    text = str(error.msg if isinstance(error, SyntaxError) else error).partition("(Background")[0]
    reason = f"{type(error).__name__}: {text.strip()}" if text else type(error).__name__
    hint = f"pip install what provides {missing}" if missing else "correct it and try again"
    return ModelsError(f"the models do not import: {place}{reason}", hint=hint)


def _place(root: Path, error: BaseException) -> str:
    """The last line of the project that was running, or that Python could not read."""
    if isinstance(error, SyntaxError) and error.filename:
        lines = [(Path(error.filename), error.lineno)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(Path(frame.filename), frame.lineno) for frame in frames]
    own = [(path, line) for path, line in lines if _is_own(root, path)]
    if not own:
        return ""
    path, line = own[-1]
    return f"{path.relative_to(root)} line {line}: "


def _is_own(root: Path, path: Path) -> bool:
    return path.is_relative_to(root) and "site-packages" not in path.parts
