"""Anonymized branches: copies in which Neon masks personal data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limbeck.branches.neon.api import Api
from limbeck.errors import ConfigurationError, NeonError

NEEDED = ("database_name", "schema_name", "table_name", "column_name")
_HOW = ("masking_function", "masking_value")
_DONE, _FAILED = "anonymized", {"error", "initialization_error"}


def rules(path: Path) -> tuple[dict[str, str], ...]:
    """Return the masking rules in a JSON file: a list of objects, each for one column.

    Raises:
        ConfigurationError: the file is no such list; the message gives the wrong rule.

    """
    try:
        masking: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if not isinstance(masking, list) or not masking:
        raise ConfigurationError(f"{path} is no list of masking rules", hint=_EXAMPLE)
    for number, rule in enumerate(masking, 1):
        if not isinstance(rule, dict) or not _is_rule(rule):
            raise ConfigurationError(f"{path}: rule {number} is no masking rule", hint=_EXAMPLE)
    return tuple(masking)


_EXAMPLE = (
    '[{"database_name": "neondb", "schema_name": "public", "table_name": "users", '
    '"column_name": "email", "masking_function": "anon.dummy_free_email()"}]'
)


def _is_rule(rule: dict[str, Any]) -> bool:
    named = all(isinstance(rule.get(key), str) for key in NEEDED)
    return named and len(rule.keys() & set(_HOW)) == 1 and rule.keys() <= {*NEEDED, *_HOW}


def wait(api: Api, branch_id: str) -> None:
    """Wait until Neon has masked a branch.

    Raises:
        NeonError: the masking failed, or takes longer than Patience.operation.

    """
    deadline = api.patience.now() + api.patience.operation
    while True:
        status = api.get(f"/branches/{branch_id}/anonymized_status")
        if status["state"] == _DONE:
            return
        if status["state"] in _FAILED or api.patience.now() > deadline:
            raise NeonError(
                f"the branch {branch_id} is {status['state']}, and not anonymized: "
                f"{status.get('status_message') or 'no reason was given'}",
                hint="Delete it, because its data are not masked: limbeck branches delete NAME",
            )
        api.patience.sleep(api.patience.longest_poll)


def body(create: dict[str, Any], masking: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return the body of the request for an anonymized branch."""
    return {"branch_create": create, "masking_rules": list(masking), "start_anonymization": True}
