"""Computes: the Postgres of a branch, which Neon suspends when it is idle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limbeck.branches.neon import operation
from limbeck.branches.neon.api import Api, Json
from limbeck.branches.neon.branch import NeonBranch
from limbeck.dataclass import dataclass
from limbeck.errors import BranchError
from limbeck.shell import command

_ASLEEP = "idle"
READ_WRITE = {"type": "read_write"}


@dataclass(frozen=True, slots=True)
class Compute:
    """A compute; `host` is the direct one."""

    id: str
    host: str
    kind: str
    state: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Compute:
        """Return a compute from an answer."""
        return cls(data["id"], data["host"], data["type"], data["current_state"])


def awake(api: Api, branch: NeonBranch) -> Compute:
    """Return the read-write compute of a branch, and start it if it is suspended.

    Raises:
        BranchError: the branch has no compute.

    """
    data = api.get(f"/branches/{branch.id}/endpoints")["endpoints"]
    computes = [Compute.of(each) for each in data]
    writable = next((compute for compute in computes if compute.kind == READ_WRITE["type"]), None)
    if writable is None:
        raise BranchError(
            f'the branch "{branch.name}" has no compute, so nothing can connect to it',
            hint=command("neon", "branches", "add-compute", branch.name),
        )
    if writable.state == _ASLEEP:
        _start(api, writable)
    return writable


def _start(api: Api, compute: Compute) -> None:
    path = f"/endpoints/{compute.id}"

    def started() -> Json | None:
        answer = api.get(path)
        return answer if answer["endpoint"]["current_state"] != _ASLEEP else None

    operation.finish(api, api.change("POST", f"{path}/start", look=started))
