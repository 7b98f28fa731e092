"""Branches in the answers of Neon's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from limbeck.branches.base import Branch
from limbeck.branches.neon.api import Api, Json
from limbeck.dataclass import dataclass
from limbeck.errors import NeonError

_MISSING = 404
# States that end by themselves. A state of a future version is not waited for.
_BUSY = {"init", "resetting"}


@dataclass(frozen=True, slots=True)
class NeonBranch:
    """A branch; `parent_id` is its parent's id, `reset_at` changes with each reset and restore."""

    id: str
    name: str
    parent_id: str | None
    state: str
    created_at: datetime
    default: bool
    protected: bool
    expires_at: datetime | None
    reset_at: str | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> NeonBranch:
        """Return a branch from an answer; unknown fields are ignored."""
        end = data.get("expires_at")
        return cls(
            id=data["id"],
            name=data["name"],
            parent_id=data.get("parent_id"),
            state=data["current_state"],
            created_at=datetime.fromisoformat(data["created_at"]),
            default=bool(data["default"]),
            protected=bool(data["protected"]),
            expires_at=datetime.fromisoformat(end) if end else None,
            reset_at=data.get("last_reset_at"),
        )


def several(api: Api) -> tuple[NeonBranch, ...]:
    """Return all branches of the project, oldest first."""
    listed = [NeonBranch.of(each) for each in api.pages("/branches", "branches")]
    return tuple(sorted(listed, key=lambda branch: (branch.created_at, branch.id)))


def named(there: Sequence[NeonBranch], protected: frozenset[str]) -> tuple[Branch, ...]:
    """Return branches with names instead of ids, protected as Neon or a profile says."""
    names = {branch.id: branch.name for branch in there}
    return tuple(
        Branch(
            name=branch.name,
            parent=names.get(branch.parent_id, branch.parent_id) if branch.parent_id else None,
            created_at=branch.created_at,
            protected=branch.protected or branch.name in protected,
            default=branch.default,
            expires_at=branch.expires_at,
            id=branch.id,
        )
        for branch in there
    )


def has(data: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Return whether a branch has these values; times are compared in any notation."""
    return all(_value(key, data.get(key)) == _value(key, fields[key]) for key in fields)


def _value(key: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value and key == "expires_at" else value


def look(api: Api, branch_id: str) -> Json | None:
    """Return the answer about one branch, None if it does not exist any more."""
    try:
        return api.get(f"/branches/{branch_id}")
    except NeonError as error:
        if error.status == _MISSING:
            return None
        raise


def look_for(api: Api, name: str) -> Json | None:
    """Return the answer about the branch with this name, None if there is none."""
    # The search also returns longer names that contain this one.
    for data in api.pages("/branches", "branches", search=name):
        if data["name"] == name:
            return {"branch": data}
    return None


def settled(api: Api, branch_id: str) -> None:
    """Wait until a branch is ready, for answers that do not list their operations."""
    deadline = api.patience.now() + api.patience.operation
    while NeonBranch.of(api.get(f"/branches/{branch_id}")["branch"]).state in _BUSY:
        if api.patience.now() > deadline:
            raise NeonError(
                f"the branch {branch_id} is not ready after {api.patience.operation:g} s",
                hint="Neon goes on; check with limbeck branches list.",
            )
        api.patience.sleep(api.patience.poll)
