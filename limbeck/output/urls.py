"""Both URLs of an environment, as files and programs take them."""

from __future__ import annotations

import re

from limbeck.output.data import to_json
from limbeck.project.application import Urls


def both(found: Urls, form: str) -> str:
    """Return the URLs as lines of a .env file, or as one JSON object."""
    values = {"DATABASE_URL": found.pooled, "DATABASE_URL_UNPOOLED": found.direct}
    if found.branch:
        values["NEON_BRANCH"] = found.branch
    if form == "json":
        return to_json(values)
    return "\n".join(f"{key}={_quoted(value)}" for key, value in values.items())


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w:/@.%?&=+,~-]*", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
