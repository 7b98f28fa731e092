"""What the stand-in answers to which request."""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from tests.neon import views
from tests.neon.project import ID, Project, Refused, Row
from tests.neon.storage import OWNER


@dataclass(frozen=True)
class Call:
    """One request: the ids of its path, its query, its body."""

    project: Project
    ids: tuple[str, ...]
    query: dict[str, str]
    body: dict[str, Any]
    page: int

    @property
    def branch(self) -> Row:
        """The branch that the path names first."""
        return self.project.find(self.ids[0])


Reply: TypeAlias = tuple[int, Any]
Handler: TypeAlias = Callable[[Call], Reply]


def find(method: str, path: str) -> tuple[str, Handler, tuple[str, ...]]:
    """Give the description's path pattern, what answers, and the ids in the path."""
    rest = re.sub(r"^/projects/[^/]+", "", path) if path.startswith("/projects/") else None
    for (wanted, pattern), handler in _ROUTES.items():
        expression = re.sub(r"\{\w+\}", "([^/]+)", pattern)
        found = re.fullmatch(expression, rest) if rest is not None and method == wanted else None
        if found:
            return "/projects/{project_id}" + pattern, handler, found.groups()
    raise Refused(404, f"the stand-in does not know {method} {path}")


def project(projects: dict[str, Project], path: str) -> Project:
    """Give the project that a path is about."""
    named = re.match(r"/projects/([^/]+)", path)
    if named is None or named[1] not in projects:
        raise Refused(404, "project not found", "PROJECT_NOT_FOUND")
    return projects[named[1]]


def projects(
    projects: dict[str, Project], query: dict[str, str], page: int, unavailable: list[str]
) -> Reply:
    """Give a page of the account's projects."""
    text = query.get("search", "")
    several = [each for each in projects.values() if text in each.name or text in each.id]
    start = int(base64.b64decode(query.get("cursor", "")) or b"0")
    end = start + min(int(query.get("limit", "10")), page)
    # As at Neon, the last page of projects names a next one, too, which is empty.
    marks = {"pagination": {"cursor": base64.b64encode(str(end).encode()).decode()}}
    found: dict[str, Any] = {
        "projects": [views.listed(each) for each in several[start:end]],
        **(marks if start < len(several) else {}),
        "applications": {},
        "integrations": {},
    }
    return 200, {**found, "unavailable_project_ids": unavailable} if unavailable else found


def _list(call: Call) -> Reply:
    call.project.expire()
    found = list(call.project.rows.values())
    if text := call.query.get("search"):
        found = [row for row in found if text in row.name or text in row.id]
    if call.query.get("sort_order", "desc") == "desc":
        found.reverse()
    start = int(base64.b64decode(call.query.get("cursor", "")) or b"0")
    end = start + min(int(call.query.get("limit", "100")), call.page)
    marks: dict[str, Any] = {"sort_by": "updated_at", "sort_order": "DESC"}
    if end < len(found):
        marks["next"] = base64.b64encode(str(end).encode()).decode()
    shown = [views.branch(row) for row in found[start:end]]
    return 200, {"branches": shown, "annotations": {}, "pagination": marks}


def _done(call: Call, row: Row, *actions: str, **more: Any) -> dict[str, Any]:
    begun = [views.operation(call.project.begin(action, row)) for action in actions]
    return {"branch": views.branch(row), "operations": begun, **more}


def _create(call: Call) -> Reply:
    row = call.project.create(call.body.get("branch", {}), call.body.get("endpoints", []))
    return 201, _created(call, row)


def _created(call: Call, row: Row) -> dict[str, Any]:
    compute = call.project.compute_of(row)
    return _done(
        call,
        row,
        "create_branch",
        endpoints=[views.endpoint(compute)] if compute else [],
        roles=views.roles(row),
        databases=views.databases(row),
    )


def _anonymized(call: Call) -> Reply:
    wanted = call.body["branch_create"]
    row = call.project.create(wanted.get("branch", {}), wanted.get("endpoints", []))
    row.masking = "anonymizing" if call.body.get("start_anonymization") else "initialized"
    return 201, _created(call, row)


def _masked(call: Call) -> Reply:
    row = call.branch
    if row.masking is None:
        raise Refused(404, "the branch is not anonymized")
    shown, row.masking = row.masking, "anonymized"
    made = {"created_at": views.time(row.created_at), "updated_at": views.time(row.created_at)}
    return 200, {"project_id": ID, "branch_id": row.id, "state": shown, **made}


def _update(call: Call) -> Reply:
    call.project.update(call.branch, call.body["branch"])
    return 200, _done(call, call.branch)


def _delete(call: Call) -> Reply:
    if call.ids[0] not in call.project.rows:
        return 204, None
    row = call.branch
    call.project.delete(row)
    return 200, _done(call, row, "delete_timeline")


def _restore(call: Call) -> Reply:
    call.project.restore(call.branch, call.body)
    return 200, _done(call, call.branch, "create_branch", "apply_config")


def _set_default(call: Call) -> Reply:
    call.project.set_default(call.branch)
    return 200, _done(call, call.branch)


def _schema(call: Call) -> Reply:
    return 200, {"sql": call.project.storage.schema(_database(call, call.branch))}


def _compare(call: Call) -> Reply:
    other = call.query.get("base_branch_id") or call.branch.parent_id or ""
    texts = [
        call.project.storage.schema(_database(call, row)).splitlines(keepends=True)
        for row in (call.project.find(other), call.branch)
    ]
    return 200, {"diff": "".join(difflib.unified_diff(*texts))}


def _database(call: Call, row: Row) -> str:
    name = call.query.get("db_name") or call.query["database_name"]
    if name not in row.databases:
        raise Refused(404, f"database {name} not found")
    return row.databases[name]


def _uri(call: Call) -> Reply:
    default = next(row for row in call.project.rows.values() if row.default)
    row = call.project.find(call.query.get("branch_id") or default.id)
    _database(call, row)
    compute = call.project.compute_of(row)
    if call.query["role_name"] != OWNER or compute is None:
        raise Refused(404, "role or endpoint not found")
    host = compute.host
    if call.query.get("pooled") == "true":
        host = host.replace(compute.id, f"{compute.id}-pooler")
    name = quote(call.query["database_name"], safe="")
    login = f"{OWNER}:{call.project.storage.password}"
    return 200, {"uri": f"postgresql://{login}@{host}/{name}?hostaddr=127.0.0.1"}


def _endpoints(call: Call) -> Reply:
    wanted = call.ids[0] if call.ids else None
    found = [
        views.endpoint(each)
        for each in call.project.computes.values()
        if wanted in (None, each.branch_id)
    ]
    return 200, {"endpoints": found}


def _endpoint(call: Call) -> Reply:
    return 200, {"endpoint": views.endpoint(call.project.computes[call.ids[0]])}


def _add_endpoint(call: Call) -> Reply:
    row = call.project.find(call.body["endpoint"]["branch_id"])
    made = views.endpoint(call.project.add_compute(row))
    return 201, {"endpoint": made, "operations": []}


def _state(state: str) -> Handler:
    def change(call: Call) -> Reply:
        compute = call.project.computes[call.ids[0]]
        compute.state = state
        row = call.project.find(compute.branch_id)
        begun = views.operation(call.project.begin(f"{state}_compute", row))
        begun["action"] = "start_compute" if state == "active" else "suspend_compute"
        return 200, {"endpoint": views.endpoint(compute), "operations": [begun]}

    return change


def _operations(call: Call) -> Reply:
    found = [views.operation(each) for each in call.project.operations.values()]
    return 200, {"operations": found}


def _operation(call: Call) -> Reply:
    running = call.project.operations.get(call.ids[0])
    if running is None:
        raise Refused(404, "operation not found")
    running.left = max(0, running.left - 1)
    return 200, {"operation": views.operation(running)}


def _take(call: Call) -> Reply:
    kept = call.project.snapshot(call.branch, call.query.get("name"))
    return 200, {"snapshot": views.snapshot(kept), "operations": []}


def _restore_snapshot(call: Call) -> Reply:
    row = call.project.find(call.body["target_branch_id"])
    call.project.restore_snapshot(call.project.snapshots[call.ids[0]], row)
    return 200, _done(call, row, "create_branch")


def _add_database(call: Call) -> Reply:
    name = call.body["database"]["name"]
    call.branch.databases[name] = call.project.storage.empty()
    made = next(each for each in views.databases(call.branch) if each["name"] == name)
    return 201, {"database": made, "operations": []}


_ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", ""): lambda call: (200, {"project": views.project(call.project)}),
    ("GET", "/branches"): _list,
    ("POST", "/branches"): _create,
    ("POST", "/branch_anonymized"): _anonymized,
    ("GET", "/branches/{branch_id}"): lambda call: (200, views.annotated(call.branch)),
    ("PATCH", "/branches/{branch_id}"): _update,
    ("DELETE", "/branches/{branch_id}"): _delete,
    ("POST", "/branches/{branch_id}/restore"): _restore,
    ("POST", "/branches/{branch_id}/set_as_default"): _set_default,
    ("GET", "/branches/{branch_id}/schema"): _schema,
    ("GET", "/branches/{branch_id}/compare_schema"): _compare,
    ("GET", "/branches/{branch_id}/anonymized_status"): _masked,
    ("POST", "/branches/{branch_id}/snapshot"): _take,
    ("GET", "/branches/{branch_id}/endpoints"): _endpoints,
    ("GET", "/branches/{branch_id}/databases"): lambda call: (
        200,
        {"databases": views.databases(call.branch)},
    ),
    ("POST", "/branches/{branch_id}/databases"): _add_database,
    ("GET", "/branches/{branch_id}/roles"): lambda call: (
        200,
        {"roles": views.roles(call.branch)},
    ),
    ("GET", "/branches/{branch_id}/roles/{role_name}/reveal_password"): lambda call: (
        200,
        {"password": call.project.storage.password},
    ),
    ("GET", "/connection_uri"): _uri,
    ("GET", "/endpoints"): _endpoints,
    ("POST", "/endpoints"): _add_endpoint,
    ("GET", "/endpoints/{endpoint_id}"): _endpoint,
    ("POST", "/endpoints/{endpoint_id}/start"): _state("active"),
    ("POST", "/endpoints/{endpoint_id}/suspend"): _state("idle"),
    ("GET", "/operations"): _operations,
    ("GET", "/operations/{operation_id}"): _operation,
    ("GET", "/snapshots"): lambda call: (
        200,
        {"snapshots": [views.snapshot(each) for each in call.project.snapshots.values()]},
    ),
    ("POST", "/snapshots/{snapshot_id}/restore"): _restore_snapshot,
}


def patterns() -> Iterator[tuple[str, str]]:
    """Give every route."""
    yield from _ROUTES
