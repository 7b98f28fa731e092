"""The stand-in itself: an HTTP server whose every word the description allows."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from limbeck.postgres.embedded.server import Server
from tests.neon import description, routes
from tests.neon.faults import Fault
from tests.neon.project import ID, Project, Refused, Row
from tests.neon.storage import Storage

_CHANGING = ("POST", "PATCH", "DELETE")


class StandIn:
    """Speaks Neon's API about projects, whose branches are databases of a server.

    `project` is the first of them, `unavailable` are the ids of those that Neon lists without more.
    `violations` is what the description does not allow in a request or an answer; `log` are the
    methods and paths in their order.
    """

    project_id = ID

    def __init__(self, server: Server) -> None:
        self.key = f"napi_{secrets.token_hex(20)}"
        self.storage = Storage(server)
        self.project = Project(self.storage)
        self.projects = {ID: self.project}
        self.unavailable: list[str] = []
        self.violations: list[str] = []
        self.log: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.page = 100
        self.repeat_cursor = False
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def host(self) -> str:
        """The address for NEON_API_HOST."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def variables(self) -> dict[str, str]:
        """What a user would set."""
        return {
            "NEON_API_KEY": self.key,
            "NEON_PROJECT_ID": ID,
            "NEON_API_HOST": self.host,
        }

    @property
    def secrets(self) -> tuple[str, str]:
        """What nobody may ever see."""
        return self.key, self.storage.password

    def close(self) -> None:
        """Stop, and leave nothing behind."""
        self._http.shutdown()
        self._http.server_close()
        for project in self.projects.values():
            project.close()
        self.storage.close()

    def add(self, name: str) -> Project:
        """Add a project to the account."""
        id_ = f"standin-project-{len(self.projects) + 1:04}"
        self.projects[id_] = Project(self.storage, id_, name)
        return self.projects[id_]

    def inject(self, fault: Fault) -> Fault:
        """Have something go wrong."""
        self.faults.append(fault)
        return fault

    def requests(self, method: str, path: str) -> int:
        """Count the requests of a method to a path."""
        return self.log.count((method, f"/projects/{ID}{path}"))

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes] | None:
        """Answer a request; None breaks the connection."""
        parts = urlsplit(target)
        with self._lock:
            self.log.append((method, parts.path))
            fault = next((each for each in self.faults if each.meets(method, parts.path)), None)
            if fault:
                fault.times -= 1
            if fault and fault.kind == "drop-before":
                return None
            if fault and fault.kind == "status":
                text = {"message": f"injected {fault.status}", "code": "", "request_id": "r-1"}
                return fault.status, fault.headers, json.dumps(text).encode()
            status, made = self._carried_out(method, target, headers, body)
            if fault and fault.kind == "drop-after":
                return None
            return (502, {}, b"<html>bad gateway</html>") if fault else (status, {}, made)

    def _carried_out(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = description.request(method, parts.path, query, headers, body)
        try:
            status, data = self._reply(method, parts.path, asked, query, body)
        except Refused as refused:
            status = refused.status
            data = {"message": refused.message, "code": refused.code, "request_id": "r-2"}
        if self.repeat_cursor and isinstance(data, dict) and "pagination" in data:
            data["pagination"]["next"] = "bm90aGluZw=="
        made = b"" if data is None else json.dumps(data).encode()
        faults = description.faults_of_response(asked, status, made)
        self.violations += [f"answer to {method} {parts.path}: {each}" for each in faults]
        return status, made

    def _reply(
        self, method: str, path: str, asked: Any, query: dict[str, str], body: bytes
    ) -> tuple[int, Any]:
        if asked.parameters.header.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, "supplied credentials do not pass authentication")
        if (method, path) == ("GET", "/projects"):
            self._check(method, path, asked, path)
            return routes.projects(self.projects, query, self.page, self.unavailable)
        project = routes.project(self.projects, path)
        pattern, handler, ids = routes.find(method, path)
        self._check(method, path, asked, pattern)
        row: Row | None = project.rows.get(ids[0]) if ids else None
        if method in _CHANGING and row and project.locked(row):
            raise Refused(423, "project already has running conflicting operations")
        if self.repeat_cursor:
            query = {**query, "cursor": ""}
        status, data = handler(
            routes.Call(project, ids, query, json.loads(body) if body else {}, self.page)
        )
        return status, json.loads(json.dumps(data).replace(ID, project.id))

    def _check(self, method: str, path: str, asked: Any, pattern: str) -> None:
        faults = description.faults_of_request(asked, description.operation_of(method, pattern))
        self.violations += [f"{method} {path}: {each}" for each in faults]
        if faults:
            raise Refused(400, "; ".join(faults), "INVALID_REQUEST")


def _handler(standin: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one segment: sent apart, the body waits 40 ms for a delayed ACK of the
        # head (RFC 896 meets RFC 1122, 4.2.3.2).
        wbufsize = -1

        def _serve(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            found = standin.answer(self.command, self.path, headers, body)
            if found is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, more, made = found
            self.send_response(status)
            kind = {"Content-Type": "application/json", "Content-Length": str(len(made))}
            for name, value in {**kind, **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(made)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    return Handler
