"""Operations: the asynchronous part of a change, which goes on after Neon's answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from limbeck.branches.neon.api import Api, Json
from limbeck.dataclass import dataclass
from limbeck.errors import NeonError

_DONE = {"finished", "skipped"}
_FAILED = {"failed", "error", "cancelled"}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation; an unknown status, of a future version, counts as running."""

    id: str
    action: str
    status: str
    error: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Operation:
        """Return an operation from an answer."""
        return cls(data["id"], data["action"], data["status"], data.get("error") or "")

    @property
    def done(self) -> bool:
        """Whether it has succeeded."""
        return self.status in _DONE

    @property
    def failed(self) -> bool:
        """Whether it has failed."""
        return self.status in _FAILED


def finish(api: Api, answer: Json) -> Json:
    """Wait until all operations of an answer are done, and return the answer.

    Raises:
        NeonError: an operation failed, or they took longer than Patience.operation.

    """
    wait(api, [Operation.of(each) for each in answer.get("operations") or ()])
    return answer


def wait(api: Api, operations: Iterable[Operation]) -> None:
    """Poll operations, at growing intervals, until all are done."""
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
                    hint="Neon goes on; check with limbeck branches list.",
                )
            patience.sleep(pause)
            pause = min(pause * 1.5, patience.longest_poll)
            current = Operation.of(api.get(f"/operations/{current.id}")["operation"])


def _refuse_failed(operation: Operation) -> None:
    if operation.failed:
        raise NeonError(
            f"Neon's operation {operation.action} ({operation.id}) {operation.status}: "
            f"{operation.error or 'no reason was given'}",
            hint="Check the branches with limbeck branches list, then try again.",
        )
