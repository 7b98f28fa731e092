"""Snapshots: the content of a branch at a time, which Neon keeps beside the branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limbeck.branches.neon import operation
from limbeck.branches.neon.api import Api, Json
from limbeck.branches.neon.branch import NeonBranch, look, settled
from limbeck.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot."""

    id: str
    name: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Snapshot:
        """Return a snapshot from an answer."""
        return cls(data["id"], data["name"])


def find(api: Api, name: str) -> Snapshot | None:
    """Return the snapshot with this name or id, None if there is none."""
    snapshots = [Snapshot.of(each) for each in api.get("/snapshots")["snapshots"]]
    return next((each for each in snapshots if name in (each.name, each.id)), None)


def take(api: Api, branch: NeonBranch, name: str) -> Snapshot:
    """Take a snapshot of a branch."""

    def taken() -> Json | None:
        snapshot = find(api, name)
        return {"snapshot": {"id": snapshot.id, "name": snapshot.name}} if snapshot else None

    answer = api.change("POST", f"/branches/{branch.id}/snapshot", look=taken, name=name)
    return Snapshot.of(operation.finish(api, answer)["snapshot"])


def restore(api: Api, snapshot: Snapshot, branch: NeonBranch) -> None:
    """Replace a branch with a snapshot, which takes over its compute and URL."""

    def restored() -> Json | None:
        there = look(api, branch.id)
        moved = there is None or there["branch"].get("last_reset_at") != branch.reset_at
        return (there or {}) if moved else None

    body = {"target_branch_id": branch.id, "finalize_restore": True}
    answer = api.change("POST", f"/snapshots/{snapshot.id}/restore", body, look=restored)
    operation.finish(api, answer)
    if answer.get("branch"):
        settled(api, answer["branch"]["id"])
