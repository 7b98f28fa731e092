"""The identity of the shadow server: a hash of all that decides how a schema is made and read."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.paths import write_whole
from limbeck.postgres.embedded import postmaster
from limbeck.project import majors, urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow import cache

if TYPE_CHECKING:
    from limbeck.postgres.connect import Connection

# Scratch databases are copies of template0. Settings with the name of a timeout, and those that
# limbeck sets in its own sessions, change no schema.
QUESTION = """
SELECT current_user,
    (SELECT row(encoding, datcollate, datctype)::text FROM pg_database
     WHERE datname = 'template0'),
    (SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings
     WHERE context IN ('user', 'superuser') AND setting IS DISTINCT FROM boot_val
       AND name NOT LIKE '%timeout' AND name NOT IN ('application_name', 'client_encoding')),
    (SELECT string_agg(name || '=' || default_version, ',' ORDER BY name)
     FROM pg_available_extensions)
"""


def asked(connection: Connection) -> str:
    """Return the identity of a server: version, role, settings, extensions and encoding."""
    row = connection.execute(QUESTION).fetchone()
    return _hash(f"{connection.info.server_version} {row}")


def known(
    project: Project, profile: Profile | None = None, connection: Connection | None = None
) -> str | None:
    """Return the identity of a project's shadow; None while the embedded server does not run.

    The embedded server is asked once after each start; its lock file tells whether it was
    restarted. Another server may change at any time and is asked each time.

    Args:
        project: whose shadow it is.
        profile: the environment, where it has a SHADOW_DATABASE_URL of its own.
        connection: to the shadow, if the caller has one.

    Raises:
        UnavailableError: no connection.

    """
    home = _home(project, profile)
    if home is None:
        return asked(connection) if connection else _asked_by_ourselves(project, profile)
    if (life := _life(home / "postgres")) is None:
        return None
    other = "" if home == project.home else f"-{home.name}"
    path = cache.folder(project) / f"shadow{other}.json"
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        saved = json.loads(path.read_bytes())
        if saved["life"] == life:
            return str(saved["identity"])
    identity = asked(connection) if connection else _asked_by_ourselves(project, profile)
    write_whole(path, json.dumps({"life": life, "identity": identity}).encode())
    return identity


def _home(project: Project, profile: Profile | None) -> Path | None:
    """Return the folder of the embedded server that is the shadow; None for another server."""
    settings = majors.wanted(project, profile), urls.shadow_url(project, profile)
    # Most projects declare nothing, and their server runs. Then there is nothing to look for.
    if settings == (None, None) and _life(project.home / "postgres"):
        return project.home
    from limbeck.shadow import servers  # noqa: PLC0415 - see above

    server = servers.choose(project, profile).server
    return server.home if server else None


def _asked_by_ourselves(project: Project, profile: Profile | None) -> str:
    from limbeck.postgres.connect import connect  # noqa: PLC0415 - psycopg is slow to import
    from limbeck.shadow.shadow import Shadow  # noqa: PLC0415 - the same

    with connect(Shadow.of(project, profile).database) as connection:
        return asked(connection)


def _life(data: Path) -> str | None:
    """Return a hash of one start of a server with one configuration; None while it is down."""
    running = postmaster.read(data)
    if running is None or not running.ready:
        return None
    # The lines are: pid, folder, start time (src/include/utils/pidfile.h).
    began = (data / "postmaster.pid").read_text().splitlines()[:3]
    # The last one is written when the role is created that owns the scratch databases.
    names = ("postgresql.conf", "postgresql.auto.conf", "../shadow-password")
    settings = [data / name for name in names]
    return _hash(f"{began} {[path.stat().st_mtime_ns for path in settings if path.exists()]}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
