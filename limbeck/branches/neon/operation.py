"""Operations: what Neon goes on doing after it has answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from limbeck.branches.neon.api import Api, Json
from limbeck.errors import NeonError

_DONE = {"finished", "skipped"}
_FAILED = {"failed", "error", "cancelled"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; a status that is not known yet counts as one that goes on."""

    id: str
    action: str
    status: str
    error: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Operation:
        """Read one out of an answer."""
        return cls(data["id"], data["action"], data["status"], data.get("error") or "")

    @property
    def done(self) -> bool:
        """Whether it has come to a good end."""
        return self.status in _DONE

    @property
    def failed(self) -> bool:
        """Whether it has come to a bad end."""
        return self.status in _FAILED


def finish(api: Api, answer: Json) -> Json:
    """Wait until all operations of an answer are done, and give the answer back.

    Raises:
        NeonError: one failed, or they took longer than Patience.operation.
    """
    wait(api, [Operation.of(each) for each in answer.get("operations") or ()])
    return answer


def wait(api: Api, operations: Iterable[Operation]) -> None:
    """Ask after operations, at growing intervals, until all are done."""
    patience = api.patience
    deadline = patience.now() + patience.operation
    for operation in operations:
        current, pause = operation, patience.poll
        while not current.done:
            _refuse_failed(current)
            if patience.now() + pause > deadline:
                raise NeonError(
                    f"Neon's operation {current.action} ({current.id}) is still {current.status} "
                    f"after {patience.operation:g} s",
                    hint="it goes on; limbeck branches list shows when it is done",
                )
            patience.sleep(pause)
            pause = min(pause * 1.5, patience.longest_poll)
            current = Operation.of(api.get(f"/operations/{current.id}")["operation"])


def _refuse_failed(operation: Operation) -> None:
    if operation.failed:
        raise NeonError(
            f"Neon's operation {operation.action} ({operation.id}) {operation.status}: "
            f"{operation.error or 'no reason was given'}",
            hint="limbeck branches list shows what is there; then try again",
        )
