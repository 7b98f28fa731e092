"""The stand-in's state: a project with its branches, computes, operations, snapshots."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.neon.storage import OWNER, Storage
from tests.neon.wire import Wire

ID = "standin-project-0001"
REGION = "eu-central-1.standin.test"


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that says no."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass
class Past:
    """What a branch held at a time."""

    time: datetime
    lsn: int
    databases: dict[str, str]


@dataclass
class Row:
    """One branch; `databases` are the server's by the names that the branch gives them."""

    id: str
    name: str
    parent_id: str | None
    databases: dict[str, str]
    created_at: datetime
    default: bool = False
    protected: bool = False
    expires_at: datetime | None = None
    reset_at: datetime | None = None
    init_source: str = "parent-data"
    past: list[Past] = field(default_factory=list)
    masking: str | None = None


@dataclass
class Compute:
    """One compute and the port it listens on."""

    id: str
    branch_id: str
    wire: Wire
    state: str = "active"

    @property
    def host(self) -> str:
        """Its direct host, with its port."""
        return f"{self.id}.{REGION}:{self.wire.port}"


@dataclass
class Running:
    """An operation; `left` is how often it is still looked at before it is finished."""

    id: str
    action: str
    branch_id: str
    left: int
    outcome: str = "finished"


@dataclass
class Kept:
    """A snapshot."""

    id: str
    name: str
    branch_id: str
    databases: dict[str, str]
    created_at: datetime


class Project:
    """The project and what can be done to it; a Refused leaves it as it was."""

    def __init__(self, storage: Storage, id_: str = ID, name: str = "stand-in") -> None:
        self.storage, self.id, self.name = storage, id_, name
        self.rows: dict[str, Row] = {}
        self.computes: dict[str, Compute] = {}
        self.operations: dict[str, Running] = {}
        self.snapshots: dict[str, Kept] = {}
        self.slowness = 0
        self.outcome = "finished"
        self._count = 0
        root = Row(self._id("br"), "production", None, {"neondb": storage.empty()}, now())
        root.default = True
        self.rows[root.id] = root
        self.add_compute(root)

    def close(self) -> None:
        """Stop listening."""
        for compute in self.computes.values():
            compute.wire.close()

    # Looking

    def find(self, branch_id: str) -> Row:
        """Give a branch by its id only, as Neon does."""
        self.expire()
        if branch_id not in self.rows:
            raise Refused(404, f"branch not found: {branch_id}", "BRANCH_NOT_FOUND")
        return self.rows[branch_id]

    def named(self, name: str) -> Row:
        """Give a branch by its name, for tests."""
        return next(row for row in self.rows.values() if row.name == name)

    def children(self, row: Row) -> list[Row]:
        """Give the branches made from one."""
        return [each for each in self.rows.values() if each.parent_id == row.id]

    def compute_of(self, row: Row) -> Compute | None:
        """Give a branch's compute."""
        return next((one for one in self.computes.values() if one.branch_id == row.id), None)

    def expire(self) -> None:
        """Delete the branches whose time has come."""
        for row in list(self.rows.values()):
            if row.expires_at and row.expires_at <= now() and not self.children(row):
                self._remove(row)

    # Changing

    def create(self, fields: dict[str, Any], endpoints: list[dict[str, Any]]) -> Row:
        """Make a branch."""
        name = fields.get("name") or f"br-{self._count}"
        if any(row.name == name for row in self.rows.values()):
            raise Refused(409, f"branch with name {name!r} already exists", "BRANCH_ALREADY_EXISTS")
        parent = self.rows.get(fields.get("parent_id") or self._default().id)
        if parent is None:
            raise Refused(404, "parent branch not found", "BRANCH_NOT_FOUND")
        if parent.expires_at is not None:
            raise Refused(400, "a branch cannot be created from a branch that expires")
        end = self._end(fields.get("expires_at"), fields.get("protected", False))
        source = self._content(parent, fields.get("parent_lsn"), fields.get("parent_timestamp"))
        bare = fields.get("init_source") == "schema-only"
        copies = {key: self.storage.copy(value, schema_only=bare) for key, value in source.items()}
        row = Row(self._id("br"), name, None if bare else parent.id, copies, now())
        row.protected, row.expires_at = bool(fields.get("protected")), end
        row.init_source = fields.get("init_source", "parent-data")
        self.rows[row.id] = row
        for _ in endpoints:
            self.add_compute(row)
        return row

    def update(self, row: Row, fields: dict[str, Any]) -> None:
        """Change what a branch is called, whether it is protected, when it ends."""
        name = fields.get("name", row.name)
        if any(each.name == name and each is not row for each in self.rows.values()):
            raise Refused(409, f"branch with name {name!r} already exists", "BRANCH_ALREADY_EXISTS")
        if "expires_at" in fields:
            unfit = row.default or row.protected or self.children(row)
            if fields["expires_at"] and unfit:
                raise Refused(400, "this branch cannot have an expiration")
            row.expires_at = self._end(fields["expires_at"], row.protected)
        row.name, row.protected = name, fields.get("protected", row.protected)

    def delete(self, row: Row) -> None:
        """Delete a branch."""
        if row.default or row.protected or self.children(row):
            why = "default" if row.default else "protected" if row.protected else "with children"
            raise Refused(422, f"a branch {why} cannot be deleted", "BRANCH_NOT_DELETABLE")
        self._remove(row)

    def restore(self, row: Row, fields: dict[str, Any]) -> None:
        """Replace a branch's content."""
        source = self.find(fields["source_branch_id"])
        if row.protected:
            raise Refused(422, "a protected branch cannot be restored")
        kept = fields.get("preserve_under_name")
        if kept is None and (self.children(row) or source is row):
            raise Refused(400, "preserve_under_name is required for this branch")
        content = self._content(source, fields.get("source_lsn"), fields.get("source_timestamp"))
        copies = {key: self.storage.copy(value) for key, value in content.items()}
        self._replace(row, copies, kept)

    def restore_snapshot(self, snapshot: Kept, row: Row) -> None:
        """Put a snapshot's content in a branch's place."""
        copies = {key: self.storage.copy(value) for key, value in snapshot.databases.items()}
        self._replace(row, copies, f"{row.name}_old_{self._count}")

    def set_default(self, row: Row) -> None:
        """Make it the only default branch."""
        for each in self.rows.values():
            each.default = each is row

    def snapshot(self, row: Row, name: str | None) -> Kept:
        """Keep what a branch is."""
        copies = {key: self.storage.copy(value) for key, value in row.databases.items()}
        made = Kept(self._id("snap"), name or f"{row.name} at {now()}", row.id, copies, now())
        self.snapshots[made.id] = made
        return made

    def remember(self, name: str) -> Past:
        """Note what a branch holds now, so that it can be gone back to."""
        row = self.named(name)
        copies = {key: self.storage.copy(value) for key, value in row.databases.items()}
        past = Past(now(), number(self.storage.position()), copies)
        row.past.append(past)
        return past

    def add_compute(self, row: Row) -> Compute:
        """Have a compute listen for a branch."""
        compute_id = self._id("ep")

        def lead(role: str, database: str) -> tuple[str, str]:
            there = self.rows.get(self.computes[compute_id].branch_id)
            if there is None:
                raise LookupError("The requested endpoint could not be found")
            if role != OWNER or database not in there.databases:
                raise LookupError(f'database "{database}" does not exist')
            self.computes[compute_id].state = "active"
            return self.storage.role, there.databases[database]

        made = Compute(compute_id, row.id, Wire(self.storage.target, lead))
        self.computes[compute_id] = made
        return made

    def begin(self, action: str, row: Row) -> Running:
        """Note an operation, which goes on for as long as the stand-in is slow."""
        made = Running(str(uuid.uuid4()), action, row.id, self.slowness, self.outcome)
        self.operations[made.id] = made
        return made

    def locked(self, row: Row) -> bool:
        """Whether an operation goes on there; to ask brings its end nearer."""
        going = [
            each for each in self.operations.values() if each.branch_id == row.id and each.left
        ]
        for each in going:
            each.left -= 1
        return bool(going)

    def _default(self) -> Row:
        return next(row for row in self.rows.values() if row.default)

    def _content(self, row: Row, lsn: str | None, time: str | None) -> dict[str, str]:
        if lsn is None and time is None:
            return row.databases
        wanted = datetime.fromisoformat(time) if time else None
        found = [
            each
            for each in row.past
            if (each.time <= wanted if wanted else each.lsn <= number(lsn or "0/0"))
        ]
        if not found:
            raise Refused(400, "the point in time is outside of the branch's history")
        return found[-1].databases

    def _replace(self, row: Row, copies: dict[str, str], kept: str | None) -> None:
        if kept is None:
            for each in row.databases.values():
                self.storage.drop(each)
        else:
            for each in row.databases.values():
                self.storage.disconnect(each)
            old = Row(self._id("br"), kept, row.parent_id, row.databases, now())
            for child in self.children(row):
                child.parent_id = old.id
            self.rows[old.id] = old
            self.add_compute(old)
        row.databases, row.reset_at = copies, now()

    def _remove(self, row: Row) -> None:
        del self.rows[row.id]
        for compute in [each for each in self.computes.values() if each.branch_id == row.id]:
            compute.wire.close()
            del self.computes[compute.id]
        for each in row.databases.values():
            self.storage.drop(each)

    def _end(self, text: str | None, protected: bool) -> datetime | None:  # noqa: FBT001 - a field
        if text is None:
            return None
        end = datetime.fromisoformat(text)
        if protected or not now() < end <= now() + timedelta(days=30):
            raise Refused(400, "expires_at must be in the future, within 30 days, unprotected")
        return end

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-quiet-owl-{self._count:08}"


def now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def number(lsn: str) -> int:
    """Give a position in the log as a number, to be compared."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)
