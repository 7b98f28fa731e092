"""The files that models are made of, and when one of them was saved; for `limbeck push --watch`."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from limbeck.history import accepted
from limbeck.project.code import process
from limbeck.project.project import Project
from limbeck.shadow import ingredients

Snapshot: TypeAlias = Mapping[str, tuple[int, int]]
"""The time and the size of each file, by its path."""

# Seconds. An editor writes several files one after the other, or a file in two parts.
_PAUSE: Final = 0.25
_STILL: Final = 0.1


def snapshot(project: Project) -> Snapshot:
    """Return the files as they are now: what the last import has read, and all beside the models.

    The models that do not import may be mended in a file that was not read.
    """
    names = {*_read(project), *_beside(project), str(accepted.path(project))}
    return dict(_state(name) for name in sorted(names))


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Yield what says whether Ctrl-C was pressed inside of the block.

    It raises KeyboardInterrupt as always, but Python ignores that in a finalizer, such as that of a
    worker.
    """
    pressed = threading.Event()

    def interrupt(*_: object) -> None:
        pressed.set()
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGINT, interrupt)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, former)


def wait(project: Project, before: Snapshot, ended: Callable[[], bool]) -> None:
    """Return once a file has been saved after a snapshot, and no other one follows at once.

    Args:
        project: The project.
        before: What its files were.
        ended: Returns whether to stop.

    Raises:
        KeyboardInterrupt: It is to stop.

    """
    now = snapshot(project)
    while now == before:
        time.sleep(_PAUSE)
        if ended():
            raise KeyboardInterrupt
        now = snapshot(project)
    while True:
        time.sleep(_STILL)
        if (later := snapshot(project)) == now:
            return
        now = later


def begin_afresh(project: Project) -> None:
    """Start a worker in place of the one that has imported the models as they were.

    It imports SQLAlchemy while nobody waits for it, and the models when they are asked for.
    """
    # Python takes compiled code for that of a file with the same second and size: two saves of
    # "Int" and "int" within a second would be one.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    process.end_all()
    project.code.of_models().prepare("models")


def _read(project: Project) -> Iterator[str]:
    known = ingredients.load(project)
    yield from known.files if known else ()


def _beside(project: Project) -> Iterator[str]:
    module = project.models.partition(":")[0].partition(".")[0]
    for folder in (project.root, project.root / "src", *project.import_paths):
        yield str(folder / f"{module}.py")
        yield from map(str, (folder / module).rglob("*.py"))


def _state(name: str) -> tuple[str, tuple[int, int]]:
    try:
        status = Path(name).stat()
    except OSError:
        return name, (0, 0)
    return name, (status.st_mtime_ns, status.st_size)
