"""Hand out tasks to an executor, with a limit for each server, and collect the outcomes.

Any `concurrent.futures.Executor` will do: threads of this process, or those of another library
that runs tasks on other machines. Tasks and outcomes are plain values without passwords.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from typing import Final

from limbeck.errors import LimbeckError
from limbeck.fleet.order import Task
from limbeck.fleet.outcome import Outcome, failure
from limbeck.fleet.performing import perform

MOST: Final = 64
"""The most threads of one process, however many servers there are."""


def threads(tasks: Sequence[Task], at_once: int) -> int:
    """Return how many threads are of use."""
    servers = Counter(task.server for task in tasks)
    return max(1, min(MOST, sum(min(count, at_once) for count in servers.values())))


def spread(
    tasks: Sequence[Task],
    executor: Executor,
    at_once: int,
    stops: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Yield the outcome of each task as soon as it is there.

    Args:
        tasks: What is to be done.
        executor: Runs the tasks.
        at_once: How many tasks of one server run at the same time.
        stops: Asked before a task is begun; once it returns True, no further one is.

    """
    queues: dict[str, deque[Task]] = {}
    for task in tasks:
        queues.setdefault(task.server, deque()).append(task)
    running: dict[Future[Outcome], Task] = {}
    busy: Counter[str] = Counter()
    try:
        while True:
            for server, queue in queues.items():
                while queue and busy[server] < at_once and not stops():
                    task = queue.popleft()
                    running[executor.submit(perform, task)] = task
                    busy[server] += 1
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                busy[task.server] -= 1
                yield _outcome(future, task)
    finally:
        # After Ctrl-C no further task begins; those that run go on to their end.
        for future in running:
            future.cancel()
    for queue in queues.values():
        yield from (Outcome(task.member, state="left") for task in queue)


def _outcome(future: Future[Outcome], task: Task) -> Outcome:
    """Return the outcome of a task, also of one that was lost with its machine."""
    try:
        return future.result()
    except CancelledError:
        error = LimbeckError(
            "the executor has lost the task; what became of it is in the database",
            hint="Run the same command again: it goes on from there.",
        )
        return failure(task.member, "", error)
    except Exception as error:  # noqa: BLE001 - whatever an executor raises for a lost worker
        lost = LimbeckError(
            f"the executor has lost the task: {type(error).__name__}",
            hint="Run the same command again: it goes on from there.",
        )
        return failure(task.member, "", lost)
