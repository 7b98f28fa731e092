"""Watch the import of the models: which files, folders and environment variables it reads.

The worker loads this file, too: like `worker` it needs Python 3.9 and nothing of limbeck.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

# Stands among the names of variables for all of them.
ALL = "*"
CACHES = {"__pycache__", ".limbeck"}
# Whoever does one of these may learn what is on no disk of this machine.
OUTSIDE = {
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "socket.connect",
    "sqlite3.connect",
    "subprocess.Popen",
    "urllib.Request",
}
# The kernel's own files, and what Python writes itself.
NO_FILES = ("/proc/", "/sys/", "/dev/")
# Seconds by which the clock of files may be behind that of programs.
TICK = 0.02


class Recording:
    """What was read so far; `unsound` says why that may not be all."""

    def __init__(self) -> None:
        self.began = time.time()
        self.environment = dict(os.environ)
        self.files: set[str] = set()
        self.folders: dict[str, list[str] | None] = {}
        self.variables: set[str] = set()
        self.unsound = ""

    def read(self) -> dict[str, list[str]] | None:
        """Return what the models are made of, by kind; None where that is not known."""
        modules = [module for module in list(sys.modules.values()) if _is_own(module)]
        imported = {file for module in modules if (file := _own_value(module, "__file__"))}
        packages = [path for module in modules for path in _own_value(module, "__path__") or ()]
        # A new file in any of these may be imported instead of another one.
        searched = {os.path.abspath(path) for path in (*sys.path, *packages)}  # noqa: PTH100 - links stay
        places = sorted(searched | self.folders.keys())
        if (
            self.unsound
            or not all(map(os.path.exists, imported))  # as in a zip
            or any(names(path) != entries for path, entries in self.folders.items())
        ):
            return None
        return {
            "files": sorted(self.files | imported),
            "folders": list(filter(_own, places)),
            "sites": list(filter(_is_site, places)),
            "variables": sorted(self.variables),
        }

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Add what an audit event tells: https://docs.python.org/3/library/audit_events.html."""
        if event == "open":
            path, _, flags = arguments
            if flags & (os.O_WRONLY | os.O_RDWR) != os.O_WRONLY:
                self._opened(path)
        elif event in {"os.listdir", "os.scandir"}:
            self._listed(arguments[0])
        elif event in OUTSIDE:
            self.unsound = event

    def _opened(self, path: object) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links stay as they are
        if text.endswith(".pyc") or text.startswith(NO_FILES) or not _own(text):
            return
        # What was looked for in vain counts as well; pipes must not be read a second time.
        if os.path.isfile(text) or not os.path.exists(text):  # noqa: PTH110, PTH113 - pathlib would open folders
            self.files.add(text)

    def _listed(self, path: object) -> None:
        if path is None or isinstance(path, (str, bytes, os.PathLike)):
            text = os.path.abspath(os.fsdecode(path or "."))  # noqa: PTH100 - links stay as they are
            # Python writes to __pycache__ while it imports; what it reads there it checks itself.
            if text not in self.folders and os.path.basename(text) != "__pycache__":  # noqa: PTH119 - one of thousands
                self.folders[text] = None  # our own listing is an event, too
                self.folders[text] = names(text)


def names(path: str) -> list[str] | None:
    """Return the names of a folder's entries without caches; None where there is no folder."""
    try:
        return sorted(name for name in os.listdir(path) if name not in CACHES)  # noqa: PTH208 - one call a folder
    except OSError:
        return None


def changed_since(moment: float, files: Iterable[str]) -> bool:
    """Return whether one of the files was changed after a moment, or may have been."""
    return any(_changed(path) > moment - TICK for path in files)


@contextmanager
def recording() -> Iterator[Recording]:
    """Record what the block reads; once in a process, because it must import every module."""
    recording = Recording()
    # What ran before we watched may be used by the models.
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in {"limbeck", "limbeck_worker"} and _is_own(module):
            recording.unsound = f"{name} was imported before"
    recorder, kind = _recorder(), type(os.environ)
    recorder.now, os.environ.__class__ = recording, _Variables
    try:
        yield recording
    finally:
        recorder.now, os.environ.__class__ = None, kind


@contextmanager
def paused() -> Iterator[None]:
    """Record nothing of the block."""
    recorder = _recorder()
    before, recorder.now = recorder.now, None
    try:
        yield
    finally:
        recorder.now = before


class _Recorder:
    """An audit hook that hands events to the recording of now, if there is one."""

    now: Recording | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.now is not None:
            self.now.note(event, arguments)


@cache
def _recorder() -> _Recorder:
    recorder = _Recorder()
    sys.addaudithook(recorder)  # a hook cannot be taken away, so there is one in a process
    return recorder


class _Variables(type(os.environ)):  # type: ignore[misc]  # the class has no public name
    """The environment while it is watched.

    A variable that the models set themselves counts as it was before, which is the same each time.
    """

    def __getitem__(self, key: str) -> str:
        if now := _recorder().now:
            now.variables.add(key)
        return super().__getitem__(key)  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[str]:
        if now := _recorder().now:
            now.variables.add(ALL)
        return super().__iter__()  # type: ignore[no-any-return]


def _is_own(module: ModuleType) -> bool:
    """Return whether a module may be the models' or used by them, and can change."""
    places = [_own_value(module, "__file__"), *(_own_value(module, "__path__") or ())]
    name = _own_value(module, "__name__")
    return name not in {"__main__", "__mp_main__"} and any(
        isinstance(place, str) and _own(place) for place in places
    )


def _own_value(module: ModuleType, name: str) -> Any:
    """Return an attribute that a module has; its `__getattr__` may import another one, or fail."""
    return getattr(module, "__dict__", {}).get(name)


def _changed(path: str) -> float:
    """Return when a file was changed, in seconds since the epoch; 0 where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - one of thousands
    except OSError:
        return 0.0
    # An editor can set the first of these back, but not the second.
    return max(status.st_mtime, status.st_ctime)


@cache  # a program has the same modules each time it is asked
def _own(path: str) -> bool:
    """Return whether a path is neither Python's nor an installed package's."""
    return not _is_site(path) and not f"{path}/".startswith(_folders()[0])


def _is_site(path: str) -> bool:
    sites = _folders()[1]
    return "/site-packages" in path or "/dist-packages" in path or f"{path}/".startswith(sites)


@cache
def _folders() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the folders of the standard library, and those of installed packages."""
    paths = sysconfig.get_paths()
    standard = (paths["stdlib"], paths["platstdlib"])
    sites = (*site.getsitepackages(), site.getusersitepackages())
    return (
        tuple(f"{path}/" for path in standard),
        tuple(f"{path}/" for path in (paths["purelib"], paths["platlib"], *sites)),
    )
