"""Watch an import: what it reads of the disk and of the environment."""

from __future__ import annotations

import os
import site
import stat
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from limbeck.shadow.ingredients import Ingredients, names

# What an import learns by these is not on this machine's disk.
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


@dataclass(slots=True)
class Recording:
    """What was read so far; `unsound` says why it cannot be known whether that is all."""

    began: float = field(default_factory=time.time)
    files: set[str] = field(default_factory=set)
    folders: dict[str, list[str] | None] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    all_variables: bool = False
    unsound: str = ""
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def ingredients(self) -> Ingredients | None:
        """Return what the models are made of; None where it is unsound or has changed since."""
        modules = [module for module in list(sys.modules.values()) if _is_own(module)]
        files = self.files | {str(module.__file__) for module in modules if module.__file__}
        inside = [path for module in modules for path in getattr(module, "__path__", ())]
        around = [os.path.abspath(path) for path in (*sys.path, *inside)]  # noqa: PTH100 - links stay
        folders = {path: names(path) for path in around if _own(path)} | self.folders
        sites = {path for path in (*around, *folders) if _is_site(path)}
        for path in [path for path in folders if not _own(path)]:
            folders.pop(path)
        if any(not Path(path).exists() for path in files - self.files):  # as in a zip
            return None
        late = any(_touched(path) > self.began - TICK for path in files)
        if self.unsound or late or any(names(path) != seen for path, seen in folders.items()):
            return None
        variables = None if self.all_variables else tuple(sorted(self.read))
        return Ingredients(
            tuple(sorted(files)), tuple(sorted(folders)), tuple(sorted(sites)), variables
        )


@contextmanager
def recording() -> Iterator[Recording]:
    """Record what the block reads; once in a process, for it has to import all there is anew."""
    made = Recording()
    # What ran before we watched may be used by the models.
    preloaded = [
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] != "limbeck" and _is_own(module)
    ]
    if preloaded:
        made.unsound = f"{preloaded[0]} was imported before"
    recorder = _recorder()
    recorder.now = made
    kind = type(os.environ)
    os.environ.__class__ = _Variables
    try:
        with _connections(made):
            yield made
    finally:
        os.environ.__class__ = kind
        recorder.now = None


@contextmanager
def _connections(made: Recording) -> Iterator[None]:
    """Notice an engine that connects: libpq does that unseen by Python."""
    from sqlalchemy import event  # noqa: PLC0415 - slow, and the models import it anyway
    from sqlalchemy.pool import Pool  # noqa: PLC0415 - the same

    def connected(*_: Any) -> None:
        made.unsound = "an engine connected"

    event.listen(Pool, "connect", connected)
    try:
        yield
    finally:
        event.remove(Pool, "connect", connected)


class _Recorder:
    """An audit hook: https://docs.python.org/3/library/audit_events.html."""

    now: Recording | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (now := self.now) is None:
            return
        if event == "open":
            _opened(now, *arguments)
        elif event in {"os.listdir", "os.scandir"}:
            self.now = None  # to list the folder ourselves is no event
            _listed(now, arguments[0])
            self.now = now
        elif event in OUTSIDE:
            now.unsound = event


@cache
def _recorder() -> _Recorder:
    recorder = _Recorder()
    sys.addaudithook(recorder)  # a hook cannot be taken away, so there is one in a process
    return recorder


def _opened(now: Recording, path: object, _mode: object, flags: object) -> None:
    writing = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) == os.O_WRONLY
    if writing or not isinstance(path, str | bytes | os.PathLike):
        return
    text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links stay as they are
    if text.endswith(".pyc") or text.startswith(NO_FILES) or not _own(text):
        return
    if not os.path.exists(text) or stat.S_ISREG(os.stat(text).st_mode):  # noqa: PTH110, PTH116 - pathlib would open folders
        now.files.add(text)


def _listed(now: Recording, path: object) -> None:
    if path is None or isinstance(path, str | bytes | os.PathLike):
        text = os.path.abspath(os.fsdecode(path or "."))  # noqa: PTH100 - links stay as they are
        if os.path.basename(text) == "__pycache__":  # noqa: PTH119 - one of thousands
            return  # Python writes there while it imports; what it reads there it checks itself
        now.folders.setdefault(text, names(text) if _own(text) else None)


class _Variables(type(os.environ)):  # type: ignore[misc]  # the class has no public name
    """The environment while it is watched."""

    def __getitem__(self, key: str) -> str:
        if (now := _recorder().now) and key not in now.written:
            now.read.add(key)
        return super().__getitem__(key)  # type: ignore[no-any-return]

    def __setitem__(self, key: str, value: str) -> None:
        if now := _recorder().now:
            now.written.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        if now := _recorder().now:
            now.written.add(key)
        super().__delitem__(key)

    def __iter__(self) -> Iterator[str]:
        if now := _recorder().now:
            now.all_variables = True
        return super().__iter__()  # type: ignore[no-any-return]


def _is_own(module: ModuleType) -> bool:
    """Tell whether a module may be the models' or used by them, and can change."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    name = getattr(module, "__name__", "")
    return name not in {"__main__", "__mp_main__"} and any(
        isinstance(place, str) and _own(place) for place in places
    )


def _touched(path: str) -> float:
    try:
        found = os.stat(path)  # noqa: PTH116 - one of thousands
    except OSError:
        return 0.0
    return max(found.st_mtime, found.st_ctime)


def _own(path: str) -> bool:
    """Tell whether a path is neither Python's nor an installed package's."""
    return not _is_site(path) and not f"{path}/".startswith(_standard())


def _is_site(path: str) -> bool:
    return "/site-packages" in path or "/dist-packages" in path or f"{path}/".startswith(_sites())


@cache
def _standard() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({f"{paths['stdlib']}/", f"{paths['platstdlib']}/"})


@cache
def _sites() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {
        paths["purelib"],
        paths["platlib"],
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
    return tuple(f"{path}/" for path in found)
