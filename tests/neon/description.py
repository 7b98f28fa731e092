"""Neon's description of its API, read strictly: what it does not name is a fault."""

from __future__ import annotations

import copy
import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jsonschema_path import SchemaPath
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

FILE = Path(__file__).parent / "openapi.json"
BASE = "http://standin"


def load() -> dict[str, Any]:
    """Give the description as it is."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def strict(description: dict[str, Any]) -> dict[str, Any]:
    """Give the description with every object closed: an unknown key is refused."""
    made = copy.deepcopy(description)
    made["servers"] = [{"url": BASE}]
    closed = _closed(made, made)
    assert isinstance(closed, dict)
    return closed


def _closed(node: Any, whole: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_closed(each, whole) for each in node]
    if not isinstance(node, dict):
        return node
    node = _merged(node, whole)
    found = {key: _closed(value, whole) for key, value in node.items()}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def _merged(node: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Make one object of an allOf of objects; closed one by one they would refuse each other."""
    parts = [_merged(_resolved(each, whole), whole) for each in node.get("allOf", ())]
    if not parts or not all("properties" in each for each in parts):
        return node
    merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for part in [*parts, {key: node[key] for key in ("properties", "required") if key in node}]:
        merged["properties"].update(part.get("properties", {}))
        merged["required"] += part.get("required", [])
    if not merged["required"]:
        del merged["required"]
    return merged


def _resolved(node: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = whole
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


@cache
def _api() -> OpenAPI:
    unchecked = Config(spec_validator_cls=None)
    return OpenAPI(SchemaPath.from_dict(strict(load())), config=unchecked)


@cache
def _queries() -> dict[str, set[str]]:
    """The query parameters of every operation, by its id."""
    whole = load()
    found = {}
    for path in whole["paths"].values():
        for method, operation in path.items():
            if method == "parameters":
                continue
            parameters = [*path.get("parameters", ()), *operation.get("parameters", ())]
            each = [_resolved(one, whole) for one in parameters]
            found[operation["operationId"]] = {one["name"] for one in each if one["in"] == "query"}
    return found


def request(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> MockRequest:
    """Make what the validator takes for a request."""
    kind = headers.get("content-type", "application/json").split(";")[0]
    return MockRequest(
        BASE,
        method.lower(),
        path,
        args=query,
        headers=headers,
        data=body or None,
        content_type=kind,
    )


def faults_of_request(made: MockRequest, operation: str | None) -> list[str]:
    """Say what the description does not allow in a request."""
    found = []
    if operation is not None:
        unknown = set(made.parameters.query) - _queries()[operation]
        found += [f"unknown query parameter {name}" for name in sorted(unknown)]
    try:
        _api().validate_request(made)
    except OpenAPIError as error:
        found.append(_words(error))
    return found


def faults_of_response(made: MockRequest, status: int, body: bytes) -> list[str]:
    """Say what the description does not allow in an answer."""
    if status == HTTPStatus.NO_CONTENT:
        return ["a body with 204"] if body else []
    answer = MockResponse(body, status_code=status, content_type="application/json")
    try:
        _api().validate_response(made, answer)
    except OpenAPIError as error:
        return [_words(error)]
    return []


@cache
def operation_of(method: str, pattern: str) -> str:
    """Give the id of an operation by its method and path pattern."""
    found: str = load()["paths"][pattern][method.lower()]["operationId"]
    return found


def _words(error: BaseException) -> str:
    """Give the schema's own complaints where there are any: the rest repeats the whole value."""
    inner = getattr(error, "schema_errors", ())
    if inner:
        return "; ".join(f"{'/'.join(map(str, each.path))}: {each.message}" for each in inner)
    return _words(error.__cause__) if error.__cause__ is not None else str(error)
