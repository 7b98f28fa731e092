"""The provider of the branches of a Neon project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from datetime import datetime
from functools import partial
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
from limbeck.dataclass import dataclass
from limbeck.errors import BranchError
from limbeck.postgres.database import Database
from limbeck.shell import command


@dataclass(frozen=True, slots=True)
class NeonBranches:
    """The branches of one project; every refusal of Neon's raises a NeonError.

    `protected` are the names that a profile protects, whether or not Neon does. `wanted` has the
    defaults of a URL.
    """

    api: Api
    protected: frozenset[str] = frozenset()
    wanted: Wanted = field(default_factory=Wanted)

    @classmethod
    def of(
        cls,
        account: Account,
        *,
        protected: frozenset[str] = frozenset(),
        wanted: Wanted | None = None,
        patience: Patience | None = None,
    ) -> NeonBranches:
        """Return the provider of an account's project; no request is sent yet."""
        return cls(Api(account, patience), protected, wanted or Wanted())

    def all(self) -> tuple[Branch, ...]:
        """Return the branches, oldest first."""
        return branch.named(branch.several(self.api), self.protected)

    def get(self, name: str) -> Branch:
        """Return the branch with this name or id, or raise a BranchError."""
        return base.find(self.all(), name)

    def databases(self, name: str) -> tuple[str, ...]:
        """Return the names of the databases of a branch."""
        databases = connection.databases(self.api, self._find(name))
        return tuple(database.name for database in databases)

    def url(self, name: str, *, database: str | None = None, pooled: bool = False) -> str:
        """Return the URL of a branch with its password; a suspended compute is started."""
        wanted = replace(self.wanted, database=database or self.wanted.database, pooled=pooled)
        return connection.uri(self.api, self._find(name), wanted)

    def addresses(self) -> Iterator[tuple[Branch, Callable[[], str]]]:
        """Yield each branch with a function that returns its URL; they are listed once."""
        there = self._there()
        for own, shown in zip(there, self._named(there), strict=True):
            yield shown, partial(connection.uri, self.api, own, self.wanted)

    def isolated(self, name: str) -> Database:
        """Return a temporary branch with Neon's role, which is no superuser."""
        return Database.from_url(name, self.url(name))

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
        """Create a branch, with a compute, as a copy of its parent; see `BranchProvider`.

        With masking rules (see `anonymized`) it returns when all data are masked.
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
        id_ = self._created({"branch": fields, "endpoints": [compute.READ_WRITE]}, masking)
        return self.get(id_)

    def reset(
        self, name: str, parent: str | None = None, *, preserve_under: str | None = None
    ) -> Branch:
        """Replace the content of a branch with that of its parent; its URL stays, sessions end."""
        there = self._there()
        own = _by_id(there, base.resettable(self._named(there), name, parent, preserve_under))
        self._restored(own, {"source_branch_id": own.parent_id}, preserve_under)
        return self.get(own.id)

    def restore(self, name: str, source: Source, *, preserve_under: str | None = None) -> Branch:
        """Replace the content of a branch with another's, its own at a moment, or a snapshot."""
        there = self._there()
        own = _by_id(there, base.restorable(self._named(there), name, preserve_under))
        snapshot = self._snapshot(there, source)
        if snapshot is not None:
            if preserve_under:  # Neon has this parameter for branches only
                self.create(preserve_under, own.name)
            snapshots.restore(self.api, snapshot, own)
            return self.get(own.name)
        origin = self._origin(there, own, source, preserve_under)
        fields = {"source_branch_id": origin, **_moment("source", source.at)}
        self._restored(own, fields, preserve_under)
        return self.get(own.id)

    def rename(self, name: str, new: str) -> Branch:
        """Rename a branch; its URL stays."""
        base.check_name(new)
        there = self._there()
        own = _by_id(there, base.find(self._named(there), name))
        base.refuse_existing(self._named(there), new)
        return self._changed(own, {"name": new})

    def delete(self, name: str) -> None:
        """Delete a branch and its data."""
        there = self._there()
        own = _by_id(there, base.deletable(self._named(there), name))
        if own.default:
            raise BranchError(
                f'the branch "{own.name}" is the default branch, so it cannot be deleted',
                hint="Make another branch the default first: limbeck branches set-default NAME",
            )

        def gone() -> Json | None:
            return {} if branch.look(self.api, own.id) is None else None

        answer = self.api.change("DELETE", f"/branches/{own.id}", look=gone)
        operation.finish(self.api, answer)

    def set_default(self, name: str) -> Branch:
        """Make a branch the one that new ones are created from by default."""
        own = self._find(name)

        def chosen() -> Json | None:
            answer = branch.look(self.api, own.id)
            return answer if answer and answer["branch"]["default"] else None

        path = f"/branches/{own.id}/set_as_default"
        operation.finish(self.api, self.api.change("POST", path, look=chosen))
        return self.get(own.id)

    def set_expiration(self, name: str, expires_at: datetime | None) -> Branch:
        """Set when Neon deletes a branch, at most 30 days ahead; None is never."""
        there = self._there()
        own = _by_id(there, base.expirable(self._named(there), name, expires_at))
        end = rfc3339(expires_at) if expires_at else None
        return self._changed(own, {"expires_at": end})

    def snapshot(self, name: str, label: str) -> str:
        """Take a snapshot of a branch; return its name."""
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
                "a branch at Neon needs a parent",
                hint="limbeck branches create NAME --parent BRANCH",
            )
        base.refuse_ending_parent(self._named(there), name)
        return _by_id(there, base.find(self._named(there), name))

    def _created(self, create: dict[str, Any], masking: Sequence[dict[str, str]]) -> str:
        """Create a branch, wait until it is ready, and return its id."""
        name = create["branch"]["name"]
        path, body = "/branches", create
        if masking:
            path, body = "/branch_anonymized", anonymized.body(create, masking)
        answer = self.api.change("POST", path, body, look=lambda: branch.look_for(self.api, name))
        operation.finish(self.api, answer)
        id_ = str(answer["branch"]["id"])
        branch.settled(self.api, id_)
        if masking:
            anonymized.wait(self.api, id_)
        return id_

    def _restored(self, own: NeonBranch, fields: Json, preserve_under: str | None) -> None:
        """Replace the content of a branch, and wait until it is ready again."""
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
        """Return the snapshot that a source names; a branch of that name comes first."""
        name = source.branch
        if name is None or name.startswith("^") or source.at is not None:
            return None
        if any(name in (other.name, other.id) for other in there):
            return None
        return snapshots.find(self.api, name)

    def _origin(
        self,
        there: Sequence[NeonBranch],
        own: NeonBranch,
        source: Source,
        preserve_under: str | None,
    ) -> str:
        """Return the id of the branch that a source names."""
        if source.branch == "^parent" and own.parent_id is None:
            raise BranchError(
                f'the branch "{own.name}" is a root: it has no parent to be restored from',
                hint=command("limbeck", "branches", "restore", own.name, "^self@TIME"),
            )
        if source.branch == "^parent":
            return own.parent_id or ""
        wanted = own.name if source.branch == "^self" else source.branch
        default = next(other.name for other in there if other.default)
        origin = _by_id(there, base.find(self._named(there), wanted or default))
        if origin.id == own.id and (source.at is None or preserve_under is None):
            restore = command("limbeck", "branches", "restore", own.name, "^self@TIME")
            raise BranchError(
                f'to restore the branch "{own.name}" from itself, limbeck needs a time, and a name '
                "for its present content",
                hint=f"{restore} --preserve-under-name NAME",
            )
        return origin.id


def _by_id(there: Sequence[NeonBranch], wanted: Branch) -> NeonBranch:
    return next(each for each in there if each.id == wanted.id)


def _moment(what: str, at: Moment | None) -> dict[str, str]:
    if at is None:
        return {}
    return {f"{what}_{'lsn' if at.lsn else 'timestamp'}": str(at)}
