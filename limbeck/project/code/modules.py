"""Import modules of a project by their names, and explain errors by file and line."""

from __future__ import annotations

import _thread
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from limbeck.errors import ConfigurationError, LimbeckError
from limbeck.project.code.protocol import LIMIT, Purpose


def load(root: Path, name: str, purpose: Purpose, paths: Iterable[str] = ()) -> ModuleType:
    """Import a module with the project's folder, and its src folder, on sys.path.

    Args:
        root: the project's folder.
        name: the module.
        purpose: what it is imported for.
        paths: further folders to import from.

    Raises:
        ConfigurationError: there is no module of this name.
        LimbeckError: of the purpose's kind: it raises while it is imported.

    """
    top = name.partition(".")[0]
    _forget_other_projects(root, top)
    for folder in (*map(Path, paths), root / "src", root):
        if str(folder) not in sys.path and folder.is_dir():
            sys.path.insert(0, str(folder))
    importlib.invalidate_caches()  # the file may be a second old: pull has just written it
    before = set(sys.modules)
    try:
        with _limited():
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        for new in sys.modules.keys() - before:
            if new.partition(".")[0] == top:  # half-imported: the next attempt imports it again
                del sys.modules[new]
        raise _explained(root, name, purpose, error) from error


class SlowImportError(Exception):
    """An import has taken longer than the limit."""

    def __str__(self) -> str:
        return f"the import took more than {LIMIT:g} s"


@contextmanager
def _limited() -> Iterator[None]:
    """Raise SlowImportError in the block where it is after the limit, if it is not over then."""
    late = threading.Event()

    def interrupt() -> None:
        late.set()
        # A real signal, as of a Ctrl-C: nothing else ends a sleep or a read of the main thread.
        if sys.platform == "win32":
            _thread.interrupt_main()
        else:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    timer = threading.Timer(LIMIT, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except KeyboardInterrupt as error:
        if late.is_set():
            raise SlowImportError().with_traceback(error.__traceback__) from None
        raise
    finally:
        timer.cancel()


def _forget_other_projects(root: Path, top: str) -> None:
    """Remove a package of this name that another project in this process has imported."""
    loaded = sys.modules.get(top)
    own = [path for path in (root / top, root / f"{top}.py", root / "src" / top) if path.exists()]
    if loaded is None or not own or _is_below(root, loaded):
        return
    for name in [each for each in sys.modules if each.partition(".")[0] == top]:
        del sys.modules[name]


def _is_below(root: Path, module: ModuleType) -> bool:
    places = [module.__file__] if module.__file__ else list(module.__path__)
    return any(Path(place).resolve().is_relative_to(root) for place in places)


def _explained(root: Path, name: str, purpose: Purpose, error: BaseException) -> LimbeckError:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    from limbeck.project.code import variables  # noqa: PLC0415 - most imports succeed

    # The module itself or a package that it is in; another one is missing in what it imports.
    if missing and f"{name}.".startswith(f"{missing}."):
        return ConfigurationError(f"there is no module {missing} in {root}", hint=purpose.setting)
    if variable := _variable(error):
        return purpose.error(
            f"{purpose.what} do not import: {line(root, error)}"
            f"the environment variable {variable} is not set",
            hint=variables.hint([variable]),
        )
    text = str(error.msg if isinstance(error, SyntaxError) else error).partition("(Background")[0]
    reason = f"{type(error).__name__}: {text.strip()}" if text else type(error).__name__
    hint = f"Install the package that provides {missing}." if missing else "Correct it and retry."
    if not missing and (names := variables.missing(text, _files(root, error))):
        hint = variables.hint(names)
    return purpose.error(f"{purpose.what} do not import: {line(root, error)}{reason}", hint=hint)


def _variable(error: BaseException) -> str | None:
    """Return the environment variable whose lookup raised, if that is what happened."""
    frames = traceback.extract_tb(error.__traceback__)
    # Since Python 3.11, os is part of the interpreter.
    if (
        isinstance(error, KeyError)
        and frames
        and frames[-1].filename in {os.__file__, "<frozen os>"}
    ):
        return str(error.args[0])
    return None


def line(root: Path, error: BaseException) -> str:
    """Return the last line of the project that was running, or that Python could not read.

    It ends in a colon and a space; it is empty if no file of the project took part.
    """
    if isinstance(error, SyntaxError) and error.filename:
        lines = [(Path(error.filename), error.lineno)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(Path(frame.filename), frame.lineno) for frame in frames]
    own = [(path, number) for path, number in lines if _is_own(root, path)]
    if not own:
        return ""
    path, number = own[-1]
    return f"{path.relative_to(root)} line {number}: "


def _files(root: Path, error: BaseException) -> list[str]:
    """Return the project's files that an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.filename for frame in frames if _is_own(root, Path(frame.filename))]


def _is_own(root: Path, path: Path) -> bool:
    return path.is_relative_to(root) and "site-packages" not in path.parts
