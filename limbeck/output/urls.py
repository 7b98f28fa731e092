"""Both URLs of an environment, as a .env file or JSON."""

from __future__ import annotations

import re

from limbeck.output.data import plain_json, to_json
from limbeck.project.application import Urls


def both(urls: Urls, form: str) -> str:
    """Return the URLs as lines of a .env file, or as one JSON object (`versioned`: of --json)."""
    values = {"DATABASE_URL": urls.pooled, "DATABASE_URL_UNPOOLED": urls.direct}
    if urls.branch:
        values["NEON_BRANCH"] = urls.branch
    if form == "json":
        return plain_json(values, masked=False)
    if form == "versioned":
        return to_json(values, masked=False)
    return "\n".join(f"{key}={_quoted(value)}" for key, value in values.items())


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w:/@.%?&=+,~-]*", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
