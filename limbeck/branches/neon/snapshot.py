"""Snapshots: what a branch was, kept by Neon outside of its branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limbeck.branches.neon import operation
from limbeck.branches.neon.api import Api, Json
from limbeck.branches.neon.branch import NeonBranch, look, settled


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot."""

    id: str
    name: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Snapshot:
        """Read one out of an answer."""
        return cls(data["id"], data["name"])


def find(api: Api, name: str) -> Snapshot | None:
    """Ask for the snapshot of that name or id; None when there is none."""
    there = [Snapshot.of(each) for each in api.get("/snapshots")["snapshots"]]
    return next((one for one in there if name in (one.name, one.id)), None)


def take(api: Api, branch: NeonBranch, name: str) -> Snapshot:
    """Keep what a branch is now."""

    def taken() -> Json | None:
        found = find(api, name)
        return {"snapshot": {"id": found.id, "name": found.name}} if found else None

    answer = api.change("POST", f"/branches/{branch.id}/snapshot", look=taken, name=name)
    return Snapshot.of(operation.finish(api, answer)["snapshot"])


def restore(api: Api, snapshot: Snapshot, branch: NeonBranch) -> None:
    """Put a snapshot in the place of a branch, whose compute and URL go over to it."""

    def restored() -> Json | None:
        there = look(api, branch.id)
        moved = there is None or there["branch"].get("last_reset_at") != branch.reset_at
        return (there or {}) if moved else None

    body = {"target_branch_id": branch.id, "finalize_restore": True}
    answer = api.change("POST", f"/snapshots/{snapshot.id}/restore", body, look=restored)
    operation.finish(api, answer)
    if answer.get("branch"):
        settled(api, answer["branch"]["id"])
