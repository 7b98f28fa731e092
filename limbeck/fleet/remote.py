"""The executor of a Dask cluster, whose workers migrate databases from other machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from typing import Any, Final

from limbeck.errors import ConfigurationError, UnavailableError

_AWAY: Final = 10
"""How many seconds the scheduler may be away before its tasks count as lost."""


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """Yield the executor of a Dask scheduler.

    A task whose worker ends is run by another one. That is safe: where the revisions were applied
    already, nothing is pending any more.

    Args:
        address: The address of the scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        ConfigurationError: dask.distributed is not installed.
        UnavailableError: No scheduler answers there.

    """
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "--dask needs the package distributed", hint="pip install 'limbeck[dask]'"
        ) from error
    try:
        client = Client(address, timeout=15, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UnavailableError(
            f"no Dask scheduler answers at {address}",
            hint="Start one, or name the address that it has printed.",
        ) from error
    with client:
        # Not `pure`: two tasks with equal arguments are two looks at a database that has changed.
        inner: Executor = client.get_executor(pure=False, retries=3)
        executor = _Watched(inner, lambda: client.status == "running")
        try:
            yield executor
        finally:
            executor.ended.set()


class _Watched(Executor):
    """An executor whose tasks fail once its scheduler is lost.

    Dask cancels the tasks that it has when the connection breaks. One that is submitted right
    after that has no end.
    """

    def __init__(self, inner: Executor, lives: Callable[[], bool]) -> None:
        self.inner, self.lives = inner, lives
        self.ended = Event()
        self.running: set[Future[Any]] = set()
        Thread(target=self._watch, daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand a task to the scheduler."""
        outer: Future[Any] = Future()
        self.running.add(outer)
        self.inner.submit(fn, *args, **kwargs).add_done_callback(partial(self._copy, outer))
        return outer

    def _copy(self, outer: Future[Any], inner: Future[Any]) -> None:
        self.running.discard(outer)
        if outer.done():
            return
        if inner.cancelled():
            outer.set_exception(CancelledError())
        elif (error := inner.exception()) is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def _watch(self) -> None:
        """Give up the tasks after the scheduler has been away for a while."""
        away = 0
        while not self.ended.wait(1):
            away = 0 if self.lives() else away + 1
            if away > _AWAY:
                for outer in tuple(self.running):
                    if not outer.done():
                        outer.set_exception(CancelledError())
