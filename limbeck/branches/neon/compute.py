"""Computes: the Postgres that runs on a branch, which may be asleep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limbeck.branches.neon import operation
from limbeck.branches.neon.api import Api, Json
from limbeck.branches.neon.branch import NeonBranch
from limbeck.errors import BranchError

_ASLEEP = "idle"
READ_WRITE = {"type": "read_write"}


@dataclass(frozen=True, slots=True)
class Compute:
    """One compute; `host` is the direct one."""

    id: str
    host: str
    kind: str
    state: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Compute:
        """Read one out of an answer."""
        return cls(data["id"], data["host"], data["type"], data["current_state"])


def awake(api: Api, branch: NeonBranch) -> Compute:
    """Give the branch's read-write compute, started if it sleeps.

    Raises:
        BranchError: it has none.
    """
    data = api.get(f"/branches/{branch.id}/endpoints")["endpoints"]
    computes = [Compute.of(each) for each in data]
    found = next((one for one in computes if one.kind == READ_WRITE["type"]), None)
    if found is None:
        raise BranchError(
            f'the branch "{branch.name}" has no compute, so nothing can connect to it',
            hint=f'neon branches add-compute "{branch.name}"',
        )
    if found.state == _ASLEEP:
        _start(api, found)
    return found


def _start(api: Api, compute: Compute) -> None:
    path = f"/endpoints/{compute.id}"

    def started() -> Json | None:
        answer = api.get(path)
        return answer if answer["endpoint"]["current_state"] != _ASLEEP else None

    operation.finish(api, api.change("POST", f"{path}/start", look=started))
