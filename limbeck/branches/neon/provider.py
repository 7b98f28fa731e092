"""The branches of a Neon project, as any place that branches come from gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limbeck.branches import base
from limbeck.branches.base import Branch
from limbeck.branches.moment import Moment, Source, rfc3339
from limbeck.branches.neon import anonymized, branch, compute, connection, operation
from limbeck.branches.neon import snapshot as snapshots
from limbeck.branches.neon.account import Account
from limbeck.branches.neon.api import Api, Json
from limbeck.branches.neon.branch import NeonBranch
from limbeck.branches.neon.connection import Wanted
from limbeck.branches.neon.patience import Patience
from limbeck.branches.neon.snapshot import Snapshot
from limbeck.errors import BranchError


@dataclass(frozen=True, slots=True)
class NeonBranches:
    """Branches of one project; every refusal of Neon's is a NeonError.

    `protected` are the names that a profile protects, whether Neon does or not. `database` and
    `role` are what a URL is for where nothing else is said.
    """

    api: Api
    protected: frozenset[str] = frozenset()
    database: str | None = None
    role: str | None = None

    @classmethod
    def of(
        cls,
        account: Account,
        *,
        protected: frozenset[str] = frozenset(),
        wanted: Wanted | None = None,
        patience: Patience | None = None,
    ) -> NeonBranches:
        """Give the branches of an account's project; nothing is sent yet."""
        chosen = wanted or Wanted()
        return cls(Api(account, patience), protected, chosen.database, chosen.role)

    def all(self) -> tuple[Branch, ...]:
        """Give the branches, oldest first."""
        return branch.named(branch.several(self.api), self.protected)

    def get(self, name: str) -> Branch:
        """Give one branch by its name or id, or raise a BranchError if there is none."""
        return base.find(self.all(), name)

    def databases(self, name: str) -> tuple[str, ...]:
        """Give the names of the databases of a branch."""
        found = connection.databases(self.api, self._find(name))
        return tuple(each.name for each in found)

    def url(self, name: str, *, database: str | None = None, pooled: bool = False) -> str:
        """Give the URL of a branch with its password; a compute that sleeps is started."""
        wanted = Wanted(database or self.database, self.role, pooled)
        return connection.uri(self.api, self._find(name), wanted)

    def create(  # noqa: PLR0913 - what a branch can have
        self,
        name: str,
        parent: str | None = None,
        *,
        at: Moment | None = None,
        schema_only: bool = False,
        protected: bool = False,
        expires_at: datetime | None = None,
        masking: Sequence[dict[str, str]] = (),
    ) -> Branch:
        """Copy the parent into a new branch, with a compute.

        With masking rules (see `anonymized`) it is given only once all is masked.
        """
        base.check_name(name)
        base.refuse_past(expires_at)
        there = self._there()
        base.refuse_existing(self._named(there), name)
        fields = {
            "name": name,
            "parent_id": self._parent(there, parent).id,
            **_moment("parent", at),
            **({"init_source": "schema-only"} if schema_only else {}),
            **({"protected": True} if protected else {}),
            **({"expires_at": rfc3339(expires_at)} if expires_at else {}),
        }
        made = self._created({"branch": fields, "endpoints": [compute.READ_WRITE]}, masking)
        return self.get(made)

    def reset(
        self, name: str, parent: str | None = None, *, preserve_under: str | None = None
    ) -> Branch:
        """Replace a branch's content by its parent's: its URL stays, its sessions end."""
        there = self._there()
        found = base.resettable(self._named(there), name, parent, preserve_under)
        own = _by_id(there, found)
        self._restored(own, {"source_branch_id": own.parent_id}, preserve_under)
        return self.get(own.id)

    def restore(self, name: str, source: Source, *, preserve_under: str | None = None) -> Branch:
        """Replace a branch's content by another's, by its own past, or by a snapshot."""
        there = self._there()
        own = _by_id(there, base.restorable(self._named(there), name, preserve_under))
        kept = self._snapshot(there, source)
        if kept is not None:
            if preserve_under:  # Neon keeps a name for it with branches only
                self.create(preserve_under, own.name)
            snapshots.restore(self.api, kept, own)
            return self.get(own.name)
        origin = self._origin(there, own, source, preserve_under)
        fields = {"source_branch_id": origin, **_moment("source", source.at)}
        self._restored(own, fields, preserve_under)
        return self.get(own.id)

    def rename(self, name: str, new: str) -> Branch:
        """Give a branch another name; its URL stays."""
        base.check_name(new)
        there = self._there()
        found = base.find(self._named(there), name)
        base.refuse_existing(self._named(there), new)
        return self._changed(_by_id(there, found), {"name": new})

    def delete(self, name: str) -> None:
        """Remove a branch and its data."""
        there = self._there()
        found = base.deletable(self._named(there), name)
        if found.default:
            raise BranchError(
                f'the branch "{found.name}" is the default one, so it is not deleted',
                hint="first make another branch the default: limbeck branches set-default NAME",
            )

        def gone() -> Json | None:
            return {} if branch.look(self.api, found.id or "") is None else None

        answer = self.api.change("DELETE", f"/branches/{found.id}", look=gone)
        operation.finish(self.api, answer)

    def set_default(self, name: str) -> Branch:
        """Make it the branch that others are made from unless told otherwise."""
        found = self._find(name)

        def chosen() -> Json | None:
            answer = branch.look(self.api, found.id)
            return answer if answer and answer["branch"]["default"] else None

        path = f"/branches/{found.id}/set_as_default"
        operation.finish(self.api, self.api.change("POST", path, look=chosen))
        return self.get(found.id)

    def set_expiration(self, name: str, expires_at: datetime | None) -> Branch:
        """Have Neon delete a branch from a time on, at most 30 days ahead, or never."""
        there = self._there()
        found = base.expirable(self._named(there), name, expires_at)
        end = rfc3339(expires_at) if expires_at else None
        return self._changed(_by_id(there, found), {"expires_at": end})

    def snapshot(self, name: str, label: str) -> str:
        """Keep what a branch is now, as one of Neon's snapshots."""
        return snapshots.take(self.api, self._find(name), label).name

    def _there(self) -> tuple[NeonBranch, ...]:
        return branch.several(self.api)

    def _named(self, there: Sequence[NeonBranch]) -> tuple[Branch, ...]:
        return branch.named(there, self.protected)

    def _find(self, name: str) -> NeonBranch:
        there = self._there()
        return _by_id(there, base.find(self._named(there), name))

    def _parent(self, there: Sequence[NeonBranch], name: str | None) -> NeonBranch:
        if name is None:
            raise BranchError(
                "Neon makes every branch from a parent",
                hint="limbeck branches create NAME --parent BRANCH",
            )
        base.refuse_ending_parent(self._named(there), name)
        return _by_id(there, base.find(self._named(there), name))

    def _created(self, create: dict[str, Any], masking: Sequence[dict[str, str]]) -> str:
        """Have a branch made, wait until it can be used, and give its id."""
        name = create["branch"]["name"]
        path, body = "/branches", create
        if masking:
            path, body = "/branch_anonymized", anonymized.body(create, masking)
        made = self.api.change("POST", path, body, look=lambda: branch.look_for(self.api, name))
        operation.finish(self.api, made)
        found = str(made["branch"]["id"])
        branch.settled(self.api, found)
        if masking:
            anonymized.wait(self.api, found)
        return found

    def _restored(self, own: NeonBranch, fields: Json, preserve_under: str | None) -> None:
        """Have a branch's content replaced, and wait until it can be used again."""
        body = {**fields, **({"preserve_under_name": preserve_under} if preserve_under else {})}

        def happened() -> Json | None:
            answer = branch.look(self.api, own.id)
            moved = answer and answer["branch"].get("last_reset_at") != own.reset_at
            return answer if moved else None

        path = f"/branches/{own.id}/restore"
        operation.finish(self.api, self.api.change("POST", path, body, look=happened))
        branch.settled(self.api, own.id)

    def _changed(self, own: NeonBranch, fields: Json) -> Branch:
        def happened() -> Json | None:
            answer = branch.look(self.api, own.id)
            return answer if answer and branch.has(answer["branch"], fields) else None

        path = f"/branches/{own.id}"
        operation.finish(
            self.api, self.api.change("PATCH", path, {"branch": fields}, look=happened)
        )
        return self.get(own.id)

    def _snapshot(self, there: Sequence[NeonBranch], source: Source) -> Snapshot | None:
        """Give the snapshot that a source names; a branch of that name comes first."""
        name = source.branch
        if name is None or name.startswith("^") or source.at is not None:
            return None
        if any(name in (one.name, one.id) for one in there):
            return None
        return snapshots.find(self.api, name)

    def _origin(
        self,
        there: Sequence[NeonBranch],
        own: NeonBranch,
        source: Source,
        preserve_under: str | None,
    ) -> str:
        """Give the id of the branch that a source names."""
        if source.branch == "^parent" and own.parent_id is None:
            raise BranchError(
                f'the branch "{own.name}" is a root: it has no parent to be restored from',
                hint=f'limbeck branches restore "{own.name}" ^self@TIME',
            )
        if source.branch == "^parent":
            return own.parent_id or ""
        wanted = own.name if source.branch == "^self" else source.branch
        default = next(one.name for one in there if one.default)
        found = _by_id(there, base.find(self._named(there), wanted or default))
        if found.id == own.id and (source.at is None or preserve_under is None):
            raise BranchError(
                f'to restore the branch "{own.name}" from itself, say from when, and keep it',
                hint=f'limbeck branches restore "{own.name}" ^self@TIME --preserve-under-name NAME',
            )
        return found.id


def _by_id(there: Sequence[NeonBranch], found: Branch) -> NeonBranch:
    return next(one for one in there if one.id == found.id)


def _moment(what: str, at: Moment | None) -> dict[str, str]:
    if at is None:
        return {}
    return {f"{what}_{'lsn' if at.lsn else 'timestamp'}": str(at)}
