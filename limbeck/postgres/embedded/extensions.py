"""The error for an extension that a server lacks, whatever major reports it."""

from __future__ import annotations

import re

from limbeck.errors import ServerError

# src/backend/commands/extension.c: feature_not_supported since 16, undefined_file before.
_MISSING = re.compile(
    r'extension "(?P<name>[^"]+)" is not available'
    r'|could not open extension control file ".*/(?P<file>[^/"]+)\.control"'
)


def missing(error: BaseException) -> ServerError | None:
    """Return an error that names the extension the server lacks, None for any other error.

    The error may be psycopg's, or SQLAlchemy's around it.
    """
    match = _MISSING.search(str(error))
    if match is None:
        return None
    name = match["name"] or match["file"]
    return ServerError(
        f'the server has no extension "{name}"',
        hint=f"Use a server that has {name}: give the profile its URL instead of `local`, and set "
        "SHADOW_DATABASE_URL for the shadow.",
    )
