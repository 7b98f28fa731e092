"""Branches as Neon's API tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limbeck.branches.base import Branch
from limbeck.branches.neon.api import Api, Json
from limbeck.errors import NeonError

_MISSING = 404
# States that end by themselves; one that is not known yet is not waited for.
_BUSY = {"init", "resetting"}


@dataclass(frozen=True, slots=True)
class NeonBranch:
    """One branch; its parent is named by id. `reset_at` moves with every reset and restore."""

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
        """Read one out of an answer; what is unknown in it is passed over."""
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
    """Ask for all branches of the project, oldest first."""
    found = [NeonBranch.of(each) for each in api.pages("/branches", "branches")]
    return tuple(sorted(found, key=lambda one: (one.created_at, one.id)))


def named(there: Sequence[NeonBranch], protected: frozenset[str]) -> tuple[Branch, ...]:
    """Tell branches by their names, with those protected that Neon or a profile protects."""
    names = {one.id: one.name for one in there}
    return tuple(
        Branch(
            name=one.name,
            parent=names.get(one.parent_id, one.parent_id) if one.parent_id else None,
            created_at=one.created_at,
            protected=one.protected or one.name in protected,
            default=one.default,
            expires_at=one.expires_at,
            id=one.id,
        )
        for one in there
    )


def has(data: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Tell whether a branch has these values by now; Neon may spell a time in its own way."""
    return all(_value(key, data.get(key)) == _value(key, fields[key]) for key in fields)


def _value(key: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value and key == "expires_at" else value


def look(api: Api, branch_id: str) -> Json | None:
    """Ask for one branch, as an answer; None when it is not there any more."""
    try:
        return api.get(f"/branches/{branch_id}")
    except NeonError as error:
        if error.status == _MISSING:
            return None
        raise


def look_for(api: Api, name: str) -> Json | None:
    """Ask for a branch by its name, as an answer; None when there is none."""
    # The search also finds names that have this one as a part.
    for data in api.pages("/branches", "branches", search=name):
        if data["name"] == name:
            return {"branch": data}
    return None


def settled(api: Api, branch_id: str) -> None:
    """Wait until a branch is ready, as after an answer whose operations were not told."""
    deadline = api.patience.now() + api.patience.operation
    while NeonBranch.of(api.get(f"/branches/{branch_id}")["branch"]).state in _BUSY:
        if api.patience.now() > deadline:
            raise NeonError(
                f"the branch {branch_id} is not ready after {api.patience.operation:g} s",
                hint="limbeck branches list shows when it is",
            )
        api.patience.sleep(api.patience.poll)
