"""Extensions that a server lacks: from Postgres' words to a way out."""

from __future__ import annotations

import re

from limbeck.errors import ServerError

# src/backend/commands/extension.c: feature_not_supported since 16, undefined_file before.
_MISSING = re.compile(
    r'extension "(?P<name>[^"]+)" is not available'
    r'|could not open extension control file ".*/(?P<file>[^/"]+)\.control"'
)


def missing(error: BaseException) -> ServerError | None:
    """Give an error that names the extension which could not be created, and what to do.

    None when the error (from psycopg, or wrapped by SQLAlchemy) is about something else.
    """
    found = _MISSING.search(str(error))
    if found is None:
        return None
    name = found["name"] or found["file"]
    return ServerError(
        f'the server has no extension "{name}"',
        hint=f"Use a server that has {name}: instead of `local` give the profile the URL of one, "
        "and for the shadow set SHADOW_DATABASE_URL.",
    )
