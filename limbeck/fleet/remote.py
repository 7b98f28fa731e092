"""The executor of a Dask cluster, whose workers migrate databases from other machines."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from limbeck.errors import ConfigurationError, UnavailableError


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
        executor: Executor = client.get_executor(pure=False, retries=3)
        yield executor
