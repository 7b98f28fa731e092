"""The worker: runs a project's models, env.py and revisions in the project's own interpreter.

`process` starts it by `worker_start`. It needs Python 3.9, SQLAlchemy 1.4 and Alembic 1.11, and
nothing of limbeck, which may not be installed there. It reads requests from its standard input
and answers on its standard output, one JSON object a line; what the project's code prints goes to
standard error.

A request is {"do": name, ...}. It is answered by {"done": value} or {"error": {...}}; "expect" is
not. While a revision runs, the worker asks about each statement with {"statement": {...}}, and
serves requests until one of them says how to go on.
"""

from __future__ import annotations

import decimal
import gc
import importlib
import importlib.util
import json
import logging
import os
import queue
import re
import signal
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

REQUESTS: queue.SimpleQueue[str] = queue.SimpleQueue()


def read(requests: TextIO) -> None:
    """Queue the lines of requests, and end the process with limbeck.

    A thread does this, so that a worker that waits for the server, or still imports, ends at once:
    its session, and with it what the server does, must not outlive limbeck.
    """
    for line in requests:
        REQUESTS.put(line)
    os._exit(0)


if __name__ == "limbeck_worker":
    threading.Thread(
        target=read, args=(os.fdopen(os.dup(0), encoding="utf-8"),), daemon=True
    ).start()

try:
    import sqlalchemy as sa
    from sqlalchemy import event, schema
    from sqlalchemy.engine import Engine, make_url
    from sqlalchemy.types import TypeDecorator
    from sqlalchemy.util import topological

    if sys.argv[1:] == ["revisions"]:  # the models need it only where env.py has a say in them
        import alembic.config
        import alembic.operations
        import alembic.script  # noqa: F401 - the same
except ImportError as error:
    text = f"{sys.executable} has no {error.name}, or one that is too old"
    os.write(1, json.dumps({"error": {"kind": "missing", "text": text}}).encode() + b"\n")
    os._exit(1)

if TYPE_CHECKING:
    from alembic.runtime.environment import EnvironmentContext

    from limbeck.project.code import recording

Answer = dict[str, Any]


class FailureError(Exception):
    """What the worker itself has to report; `kind` says what it is about."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Channel:
    """The connection to limbeck: messages in, messages out."""

    def __init__(self, outgoing: TextIO) -> None:
        self.outgoing = outgoing

    def send(self, **message: Any) -> None:
        """Send one message."""
        self.outgoing.write(json.dumps(message, default=str) + "\n")
        self.outgoing.flush()

    def receive(self) -> Answer:
        """Return the next message."""
        message: Answer = json.loads(REQUESTS.get())
        return message

    def serve(self, handlers: Mapping[str, Callable[..., Any]], until: str) -> Answer:
        """Answer requests by their handlers, until one of the named kind; return that one."""
        while True:
            request = self.receive()
            name = request.pop("do")
            if name == until:
                return request
            try:
                answer = handlers[name](**request)
            except BaseException as error:  # noqa: BLE001 - limbeck reports whatever was raised
                self.send(error=described(error))
            else:
                if name != "expect":
                    self.send(done=answer)


def described(error: BaseException) -> Answer:
    """Return an error as limbeck needs it: class, text, place, and what the server reported."""
    return {
        "kind": error.kind if isinstance(error, FailureError) else "",
        "type": type(error).__name__,
        "text": _text(error),
        "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
        "variable": _variable(error),
        "frames": _frames(error),
        "server": server_error(error),
        "statement": getattr(error, "statement", None),
        "refused": isinstance(getattr(error, "orig", error), Refused),
    }


def _text(error: BaseException) -> str:
    text = str(error.msg if isinstance(error, SyntaxError) else error)
    return text.partition("(Background")[0].strip()


def _variable(error: BaseException) -> str | None:
    """Return the environment variable whose lookup raised, if that is what happened."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1].filename if frames else ""
    if isinstance(error, KeyError) and (last == "<frozen os>" or Path(last).name == "os.py"):
        return str(error.args[0])
    return None


def _frames(error: BaseException) -> list[tuple[str, int]]:
    if isinstance(error, SyntaxError) and error.filename:
        return [(error.filename, error.lineno or 1)]
    return [(f.filename, f.lineno or 1) for f in traceback.extract_tb(error.__traceback__)]


# The fields of an error as the protocol has them; pg8000 gives it so.
KEYS = {
    "state": "C",
    "message": "M",
    "detail": "D",
    "hint": "H",
    "context": "W",
    "position": "P",
    "schema": "s",
    "table": "t",
    "column": "c",
    "constraint": "n",
    "function": "R",
}


def server_error(error: BaseException | None) -> Answer | None:
    """Return the fields of an error of the server, whatever driver reports it."""
    error = getattr(error, "orig", None) or error
    if error is None:
        return None
    if isinstance(error.args[0] if error.args else None, dict):  # pg8000
        fields = error.args[0]
        return {name: fields.get(key) for name, key in KEYS.items()} if "C" in fields else None
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    source = getattr(error, "diag", None) or _cause(error)
    if state is None:
        # psycopg and psycopg2 raise these without a code when the session has ended.
        broken = type(error).__name__ in {"OperationalError", "InterfaceError"}
        return {"state": None, "message": str(error).strip()} if broken else None
    return {
        "state": state,
        "message": _field(source, "message_primary", "message") or str(error).strip(),
        "detail": _field(source, "message_detail", "detail"),
        "hint": _field(source, "message_hint", "hint"),
        "context": _field(source, "context"),
        "position": _field(source, "statement_position", "position"),
        "schema": _field(source, "schema_name"),
        "table": _field(source, "table_name"),
        "column": _field(source, "column_name"),
        "constraint": _field(source, "constraint_name"),
        "function": _field(source, "source_function", "server_source_function"),
    }


def _cause(error: BaseException) -> BaseException:
    """Return the driver's own error, which SQLAlchemy's asyncpg adapter has as the cause."""
    return error.__cause__ or error


def _field(source: Any, *names: str) -> str | None:
    values = (getattr(source, name, None) for name in names)
    return next((str(value) for value in values if value), None)


# --- importing ----------------------------------------------------------------------------------


@contextmanager
def limited(seconds: float, what: str, channel: Channel) -> Iterator[None]:
    """End the process with an error that says where it hangs, when the block takes longer."""
    main = threading.get_ident()

    def give_up() -> None:
        frames = traceback.extract_stack(sys._current_frames()[main])  # noqa: SLF001 - its documented use
        places = [(frame.filename, frame.lineno or 1) for frame in frames]
        text = f"{what} took more than {seconds:g} s to import"
        channel.send(error={"kind": "slow", "type": "", "text": text, "frames": places})
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def attribute(reference: str) -> Any:
    """Return what "module:attribute.attribute" names."""
    name, _, names = reference.partition(":")
    value = importlib.import_module(name)
    for each in names.split("."):
        if not hasattr(value, each):
            raise FailureError("reference", f"{name} has no {names}")
        value = getattr(value, each)
    return value


def revision_module(path: str) -> Any:
    """Import a revision file by its path: file names of revisions are no module names."""
    spec = importlib.util.spec_from_file_location(re.sub(r"\W", "_", Path(path).name), path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def file_state(path: str) -> tuple[int, int]:
    """Return what changes with a file."""
    state = Path(path).stat()
    return state.st_mtime_ns, state.st_size


@cache
def recorder() -> Any:
    """Return the module `recording` beside this file, which no `import` of the project finds."""
    spec = importlib.util.spec_from_file_location(
        "limbeck_recording", Path(__file__).with_name("recording.py")
    )
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # there is one
    spec.loader.exec_module(module)  # type: ignore[union-attr]  # the same
    return module


def stand_in() -> None:
    """Replace limbeck's own env.py, which would wait for the lock that limbeck itself holds.

    limbeck need not be installed here.
    """

    def run() -> None:
        import alembic.context

        url = str(alembic.context.config.get_main_option("sqlalchemy.url"))
        with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as connection:
            alembic.context.configure(connection=connection)
            alembic.context.run_migrations()

    env = ModuleType("limbeck.env")
    vars(env)["run"] = run
    sys.modules["limbeck.env"] = env
    # limbeck itself may be another version here, or an older one without this module.
    context = ModuleType("limbeck.context")
    vars(context)["where"] = where
    sys.modules["limbeck.context"] = context
    if importlib.util.find_spec("limbeck") is None:
        sys.modules["limbeck"] = ModuleType("limbeck")
        vars(sys.modules["limbeck"]).update(env=env, context=context, __path__=[])


def where() -> str:
    """Return where the running revision runs: target, shadow or offline."""
    import alembic.context

    return str(alembic.context.config.attributes.get("limbeck", "offline"))


# --- env.py -------------------------------------------------------------------------------------

DRIVERS = ("psycopg", "psycopg2", "pg8000", "asyncpg")
# Of env.py's own arguments for the driver, those that say where the database is.
PLACES = {
    *("host", "port", "user", "password", "dbname", "database", "dsn", "service", "passfile"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "ssl", "ssl_context", "channel_binding"),
    *("require_auth", "hostaddr", "connect_timeout", "timeout"),
}


def installed_driver() -> str:
    """Return the first of the drivers that is installed here."""
    for name in DRIVERS:
        if importlib.util.find_spec(name) is not None:
            return name
    raise FailureError("driver", f"none of the drivers {', '.join(DRIVERS)} is installed")


EXECUTES = ("do_execute", "do_execute_no_params", "do_executemany")
# The methods of cursors that send statements, whatever driver they belong to.
SENDING = ("execute", "executemany", "copy", "copy_expert", "copy_from", "copy_to", "callproc")
MOST = 50
"""After how many statements limbeck hears of them, at the latest."""
SETTLING = ("BEGIN", "SET ", "RESET ", "SELECT set_config(")
"""How limbeck's statements begin that set the session, and have no result that it reads."""
READ_ONLY = "25006"  # read_only_sql_transaction


class Redirect:
    """Makes every engine of this process connect to one database, in the driver's autocommit.

    env.py creates its engine as it likes. limbeck sends BEGIN and COMMIT itself. An engine that a
    revision creates is `free` to connect where it says on a live database only: a replay on the
    shadow must write nowhere else.
    """

    def __init__(self, unrecorded: Callable[[], AbstractContextManager[None]]) -> None:
        self.unrecorded = unrecorded
        self.url = ""
        self.read_only = False
        self.free = False
        self.opened: list[Any] = []
        event.listen(Engine, "do_connect", self._connect)
        for name in EXECUTES:
            event.listen(Engine, name, self._reading(name))

    def _connect(self, dialect: Any, _record: Any, _: list[Any], options: dict[str, Any]) -> Any:
        if self.free:
            return None
        if not self.url:
            raise FailureError("env", "no revision may connect while it is only rendered as SQL")
        if dialect.name != "postgresql":
            raise FailureError("env", f"env.py connects to {dialect.name}, not to Postgres")
        target = make_url(self.url).set(drivername=f"postgresql+{dialect.driver}")
        if required := target.query.get("require_auth"):
            # A libpq before 16 refuses it in a URL, and ignores it as a variable.
            os.environ["PGREQUIREAUTH"] = str(required)
            target = target.difference_update_query(["require_auth"])
        own = {name: value for name, value in options.items() if name not in PLACES}
        arguments, chosen = dialect.create_connect_args(_spelled(target, dialect.driver))
        with self.unrecorded():  # limbeck's own database says nothing that the models depend on
            connection = dialect.connect(
                *arguments, **{**own, **chosen, **_secure(target, dialect)}
            )
        dialect.set_isolation_level(connection, "AUTOCOMMIT")
        if self.read_only:
            cursor = connection.cursor()
            cursor.execute("SET default_transaction_read_only = on")
            cursor.close()
        self.opened.append(connection)
        return connection

    def _reading(self, name: str) -> Callable[..., bool]:
        def read(cursor: Any, text: str, *arguments: Any) -> bool:
            """Leave out what an env.py writes, such as its schema, where it may only read."""
            if not self.read_only:
                return False
            try:
                getattr(arguments[-1].dialect, name)(cursor, text, *arguments)
            except Exception as error:
                if (server_error(error) or {}).get("state") != READ_ONLY:
                    raise
            return True

        return read

    def close(self) -> None:
        """Close what an engine has kept in its pool: a database in use cannot be copied."""
        while self.opened:
            with suppress(Exception):  # env.py has closed most of them itself
                self.opened.pop().close()


def _spelled(url: Any, driver: str) -> Any:
    """Return a URL without the parameters of libpq that a driver does not have."""
    if driver in {"psycopg", "psycopg2", "psycopg_async"}:
        return url
    return url.set(query={})


def _secure(url: Any, dialect: Any) -> dict[str, Any]:
    """Return how a driver that is not libpq spells the TLS parameters of a URL."""
    mode = url.query.get("sslmode")
    if mode in {None, "disable", "allow", "prefer"} or dialect.driver.startswith("psycopg"):
        return {}
    if dialect.driver == "asyncpg":
        return {"ssl": mode}
    context = ssl.create_default_context()
    if mode == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return {"ssl_context": context}


def configuration(place: Answer, url: str) -> Any:
    """Return Alembic's configuration, with a URL where the file has none for Postgres."""
    from alembic.config import Config

    config = Config(place["ini"], ini_section=place.get("section") or "alembic")
    config.set_main_option("script_location", place["script_location"].replace("%", "%%"))
    config.set_main_option("version_locations", place["versions"].replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_path_separator", "os")
    written = config.get_main_option("sqlalchemy.url") or ""
    if not re.match(r"postgres(ql)?(\+\w+)?://", written):
        chosen = re.sub(r"^\w+", f"postgresql+{installed_driver()}", url)
        config.set_main_option("sqlalchemy.url", chosen.replace("%", "%%"))
    return config


def run_env(
    place: Answer, url: str, then: Callable[[Environment, dict[str, Any]], None], runs: str
) -> None:
    """Run env.py; `then` gets its environment where it would run migrations.

    Args:
        place: where Alembic's files are.
        url: the database that all engines connect to.
        then: called instead of the migrations.
        runs: what the database is to revisions: target or shadow.

    """
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = configuration(place, url)
    vars(config)["attributes"] = attributes = Attributes(limbeck=runs)
    directory = ScriptDirectory.from_config(config)
    # Not a subclass: Alembic finds the modules that show it by its class.
    context = EnvironmentContext(config, directory)
    environment = Environment(context)
    environment.capture(then)
    try:
        with context, application(Path(directory.env_py_location)):
            try:
                directory.run_env()
            except Exception as error:
                if not environment.arguments and of_worker_thread(error):
                    in_worker_thread(directory.run_env)
                elif not environment.arguments and attributes.asked:
                    environment.is_shared = True
                    with shared_connection(config):
                        directory.run_env()
                else:
                    raise
    finally:
        environment.forget()


class Attributes(dict[str, Any]):
    """The attributes of Alembic's configuration; `asked` is whether env.py read "connection".

    An application that calls Alembic's commands shares its connection with env.py there. Most of
    these env.py make an engine where there is none, and that one is theirs: it has their options.
    """

    asked = False

    def get(self, key: str, default: Any = None) -> Any:
        """Return an attribute, or a default."""
        self.asked = self.asked or key == "connection"
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        """Return whether an attribute is set."""
        self.asked = self.asked or key == "connection"
        return super().__contains__(key)

    def __missing__(self, key: str) -> Any:
        """Raise KeyError for an attribute that is not set."""
        self.asked = self.asked or key == "connection"
        raise KeyError(key)


def of_worker_thread(error: BaseException) -> bool:
    """Return whether AnyIO refuses a call because it comes from no worker thread of a loop."""
    file, _ = _frames(error)[-1]
    return Path(file).parts[-2:] == ("anyio", "from_thread.py")


def in_worker_thread(function: Callable[[], None]) -> None:
    """Call a function in a worker thread of an event loop, as an ASGI application does."""
    import anyio.to_thread  # it is the project's

    anyio.run(anyio.to_thread.run_sync, function)


@contextmanager
def shared_connection(config: Any) -> Iterator[None]:
    """Provide a connection as the attribute of that name, for an env.py that does not make one.

    https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
    """
    from sqlalchemy.pool import NullPool

    engine = sa.create_engine(config.get_main_option("sqlalchemy.url"), poolclass=NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        yield


@contextmanager
def application(env_py: Path) -> Iterator[None]:
    """Enter the context of the Flask application whose env.py asks for the current one.

    `flask db` does that; FLASK_APP, which .flaskenv may set, names the application, or app.py and
    wsgi.py are tried.
    """
    if "current_app" not in env_py.read_text(encoding="utf-8"):
        yield
        return
    from flask.cli import (  # type: ignore[import-not-found]  # it is the project's
        ScriptInfo,
        load_dotenv,
    )

    load_dotenv()  # .flaskenv and .env, if python-dotenv is installed
    with ScriptInfo(os.environ.get("FLASK_APP")).load_app().app_context():
        yield


class Environment:
    """What an env.py configures: Alembic's environment, and the arguments that it was given.

    `is_shared` says that its connection is one that an application passes to it.
    """

    def __init__(self, context: EnvironmentContext) -> None:
        self.context = context
        self.is_shared = False
        self.arguments: Mapping[str, Any] = {}
        self.engine: Any = None

    def capture(self, then: Callable[[Environment, dict[str, Any]], None]) -> None:
        """Note the arguments of configure(), and call a function instead of the migrations."""
        configured = self.context.configure

        def configure(*positional: Any, **options: Any) -> None:
            configured(*positional, **options)
            self.arguments = options

        def run_migrations(**options: Any) -> None:
            self.engine = getattr(self.context.get_context().connection, "engine", None)
            then(self, options)

        vars(self.context).update(configure=configure, run_migrations=run_migrations)

    def forget(self) -> None:
        """Empty the pool of env.py's engine, which may be one of the project that stays."""
        if self.engine is not None:
            self.engine.dispose(close=False)  # `Redirect` closes its connections


KNOWN = {
    *("connection", "url", "dialect_name", "dialect_opts", "as_sql", "literal_binds"),
    *("target_metadata", "transaction_per_migration", "transactional_ddl", "output_buffer"),
    *("version_table", "version_table_schema", "version_table_pk", "include_object"),
    *("include_name", "include_schemas", "process_revision_directives", "compare_type"),
    *("compare_server_default", "render_as_batch", "starting_rev", "tag", "template_args"),
    *("upgrade_token", "downgrade_token", "alembic_module_prefix", "sqlalchemy_module_prefix"),
    *("user_module_prefix", "render_item", "on_version_apply", "autogenerate_plugins"),
}


def description(environment: Environment) -> Answer:
    """Return what env.py configures."""
    given = environment.arguments
    context = environment.context.get_context()
    return {
        "version_table": context.version_table,
        "version_table_schema": context.version_table_schema,
        "include_object": given.get("include_object") is not None,
        "include_name": given.get("include_name") is not None,
        "process_revision_directives": given.get("process_revision_directives") is not None,
        "compare_type": _chosen(given.get("compare_type", True)),
        "compare_server_default": _chosen(given.get("compare_server_default", False)),
        "render_item": given.get("render_item") is not None,
        "on_version_apply": given.get("on_version_apply") is not None,
        "unknown": sorted(set(given) - KNOWN),
    }


def _chosen(value: Any) -> Any:
    return "function" if callable(value) else bool(value)


# --- the models ---------------------------------------------------------------------------------


OWN = "env.py"


def all_metadata(given: Any) -> list[Any]:
    """Return the MetaData that an env.py passes as target_metadata: one, or several."""
    several = list(given) if isinstance(given, (list, tuple, set)) else [given]
    if not several or several == [None]:
        raise FailureError("reference", "env.py configures no target_metadata")
    for each in several:
        if not isinstance(each, sa.MetaData):
            name = getattr(each, "__name__", type(each).__name__)
            raise FailureError("reference", f"target_metadata of env.py has {name}: no MetaData")
    return several


def metadata_of(reference: str) -> Any:
    """Return the MetaData at "module:attribute"."""
    value = attribute(reference)
    if not isinstance(value, sa.MetaData):  # "app.models:Base" is good enough
        value = getattr(value, "metadata", None)
    if not isinstance(value, sa.MetaData):
        raise FailureError("reference", f"{reference} is no MetaData")
    return value


def statements_of(metadata: Any, server: int) -> list[str]:
    """Return the statements that create all of a MetaData in an empty database."""
    texts: list[str] = []

    def execute(statement: Any, *_: Any, **__: Any) -> None:
        if isinstance(statement, str):
            texts.append(statement)
            return
        options = {} if hasattr(statement, "against") else {"literal_binds": True}
        compiled = statement.compile(dialect=engine.dialect, compile_kwargs=options)
        # DDL and literals double percent signs, which drivers take for placeholders.
        texts.append(str(compiled).replace("%%", "%"))

    engine: Any = sa.create_mock_engine(f"postgresql+{installed_driver()}://", execute)
    engine.dialect.server_version_info = (server // 10000, server % 10000)
    engine.exec_driver_sql = execute
    with sorting_fast():
        metadata.create_all(engine, checkfirst=False)
    return texts


@contextmanager
def sorting_fast() -> Iterator[None]:
    """Sort tables in the order in which SQLAlchemy sorts them, in linear time.

    SQLAlchemy looks at all tables that are left for each step down a chain of foreign keys: with a
    chain of 5,000 tables that takes longer than to write all their statements.
    """
    slow = topological.sort_as_subsets

    def subsets(edges: Collection[tuple[Any, Any]], items: Collection[Any]) -> Iterable[Any]:
        return levels(edges, items) or slow(edges, items)

    vars(topological)["sort_as_subsets"] = subsets
    try:
        yield
    finally:
        vars(topological)["sort_as_subsets"] = slow


def levels(edges: Collection[tuple[Any, Any]], items: Collection[Any]) -> list[list[Any]]:
    """Return items by their distance from those that follow none; nothing if some are circular.

    Args:
        edges: pairs of an item and one that follows it.
        items: all items, in the order that those of one distance keep.

    """
    place = {item: number for number, item in enumerate(items)}
    following: dict[Any, list[Any]] = {item: [] for item in items}
    waiting = dict.fromkeys(items, 0)
    for item, follower in {*edges}:
        if item in place and follower in place:
            following[item].append(follower)
            waiting[follower] += 1
    result: list[list[Any]] = []
    level = [item for item in place if not waiting[item]]
    while level:
        result.append(level)
        freed = []
        for follower in (each for item in level for each in following[item]):
            waiting[follower] -= 1
            if not waiting[follower]:
                freed.append(follower)
        level = sorted(freed, key=place.__getitem__)
    return result if sum(map(len, result)) == len(place) else []


def schemas_of(metadata: Any) -> list[str]:
    """Return the schemas that a MetaData names."""
    tables = metadata.tables.values()
    names = {table.schema for table in tables} | {metadata.schema}
    names |= {getattr(c.type, "schema", None) for table in tables for c in table.columns}
    return sorted(name for name in names if name)


def enums_of(metadata: Any) -> list[tuple[str | None, str, str, list[str]]]:
    """Return the enums of all columns: schema, name, column, labels."""
    enums = []
    for table in metadata.tables.values():
        for column in table.columns:
            kind = column.type
            while isinstance(kind, (TypeDecorator, sa.ARRAY)):
                kind = kind.item_type if isinstance(kind, sa.ARRAY) else kind.impl
            if isinstance(kind, sa.Enum) and kind.native_enum and kind.name:
                place = f"{table.fullname}.{column.name}"
                enums.append((kind.schema, kind.name, place, list(kind.enums)))
    return enums


# --- running revisions --------------------------------------------------------------------------


class Run:
    """The revisions of one run, on the connection that env.py configures.

    A statement of a revision is sent when limbeck says so. One that may wait is kept with its
    parameters until then, by its number.
    """

    def __init__(
        self,
        channel: Channel,
        environment: Environment,
        options: dict[str, Any],
        folder: str,
        free: Callable[..., None],
    ) -> None:
        self.channel = channel
        self.options = options
        self.free = free
        self.folder = folder
        self.context = environment.context.get_context()
        connection: Any = self.context.connection
        if connection is None:
            raise FailureError("env", "env.py configures no connection")
        self.connection = connection
        # What connection an application would pass is not known. limbeck's own answer counts for
        # statements only that no transaction takes.
        self.autocommits = environment.is_shared or autocommits(connection)
        self.active = False
        self.sending = False
        self.unread = False
        self.in_block = False
        self.kept: list[tuple[str, str, tuple[Any, ...], Any]] = []
        # Facts of statements that limbeck has not heard of yet. Those that only change something
        # wait for it, if the function gives them `together`; questions about the catalog do not,
        # while limbeck `lets_read`.
        self.untold: list[Answer] = []
        self.together = False
        self.lets_read = False
        self.created: set[str] = set()
        self.modules: dict[str, Any] = {}
        self.expected: dict[str, Any] = {}  # see `Worker.expect`
        self._install()

    def _install(self) -> None:
        guard(self.connection.connection.dbapi_connection, self._raw)
        for name in EXECUTES:
            event.listen(self.connection.engine, name, self._taking(name))
        for name in ("commit", "rollback"):
            event.listen(self.connection.engine, name, self._ending(name))
        # DDL is known as such wherever it comes from. These four execute other statements as
        # well, or run listeners on the table, whose results nobody reads either.
        for name in ("execute", "bulk_insert", "create_table", "drop_table"):
            setattr(self.context.impl, name, self._unread(getattr(self.context.impl, name)))
        vars(self.context)["autocommit_block"] = self._block

    def _unread(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def executed(*arguments: Any, **options: Any) -> Any:
            outer, self.unread = self.unread, True
            try:
                return function(*arguments, **options)
            finally:
                self.unread = outer

        return executed

    @contextmanager
    def _block(self) -> Iterator[None]:
        self._ask(block="begin")
        self.in_block = True
        try:
            yield
        finally:
            self.in_block = False
            self._ask(block="end")

    def hello(self) -> Answer:
        """Return what limbeck has to know of the connection."""
        row = self.execute("SELECT pg_backend_pid(), current_setting('server_version_num')")[0]
        return {"pid": int(row[0]), "server": int(row[1]), "autocommits": self.autocommits}

    def load(self, path: str) -> Answer:
        """Import a revision file anew; return what it sets for itself."""
        state, module = self.expected.pop(path, (None, None))
        same = module is not None and state == file_state(path)
        self.modules[path] = module if same else revision_module(path)
        timeout = getattr(self.modules[path], "lock_timeout", None)
        return {"lock_timeout": timeout}

    def run(self, path: str, *, downgrade: bool, together: bool) -> list[Answer]:
        """Call a revision's function, asking limbeck about each statement.

        Args:
            path: its file.
            downgrade: call `downgrade`.
            together: the function only gives statements to `op`: it is the same to it whether
                limbeck hears of one at once, or of several later. A question for each of them
                would take longer than most of them take on the server.

        Returns:
            What limbeck has to hear yet.

        """
        from alembic.operations import Operations

        if path not in self.modules:
            self.load(path)
        module = self.modules[path]
        self.active, self.kept, self.created = True, [], set()
        self.untold, self.together, self.lets_read = [], together, False
        self.free(running=True)
        try:
            with Operations.context(self.context):
                (module.downgrade if downgrade else module.upgrade)(**self.options)
        finally:
            self.active = False
            self.free(running=False)
        return self._heard()

    def _heard(self) -> list[Answer]:
        """Return what limbeck is about to hear of."""
        untold, self.untold = self.untold, []
        return untold

    def several(self, statements: list[Answer]) -> Answer:
        """Send statements, each after the one before, until one is refused or is not as it must be.

        Args:
            statements: the `sql` of one of limbeck's or the `number` of one that was kept, and how
                many `rows` it must change, if that is not all the same.

        Returns:
            How many rows each has changed, and the error of the one after them.

        """
        rows: list[int] = []
        for each in self._joined(statements):
            try:
                known = "number" in each
                changed = self.send(each["number"]) if known else self._changed(each["sql"])
            except BaseException as error:  # noqa: BLE001 - limbeck reports whatever was raised
                return {"rows": rows, "error": described(error)}
            # A driver that does not know it says -1.
            rows += [changed if changed >= 0 else each["rows"] or 0] * each.get("count", 1)
            if each["rows"] not in {None, rows[-1]}:
                break
        return {"rows": rows, "error": None}

    def _joined(self, statements: list[Answer]) -> list[Answer]:
        """Return statements with those as one text that begin a transaction or set the session.

        A driver takes longer to send one than Postgres to run it. Those of asyncpg and pg8000 take
        one statement at a time.
        """
        if self.context.dialect.driver not in {"psycopg", "psycopg2"}:
            return statements
        joined: list[Answer] = []
        for each in statements:
            settles = each.get("sql", "").startswith(SETTLING)
            if settles and joined and "count" in joined[-1]:
                joined[-1]["sql"] += f";\n{each['sql']}"
                joined[-1]["count"] += 1
            else:
                joined.append({**each, "count": 1} if settles else each)
        return joined

    def _changed(self, sql: str) -> int:
        cursor = self.connection.connection.cursor()
        try:
            with self._past_guard():
                cursor.execute(self._plain(sql))
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def execute(self, sql: str) -> list[list[Any]]:
        """Send a statement of limbeck's on the driver's connection; return its rows as text."""
        cursor = self.connection.connection.cursor()
        try:
            with self._past_guard():
                cursor.execute(self._plain(sql))
            rows = cursor.fetchall() if cursor.description else []
            return [[None if value is None else str(value) for value in row] for row in rows]
        finally:
            cursor.close()

    @contextmanager
    def _past_guard(self) -> Iterator[None]:
        """Let cursors send inside of the block: limbeck has decided about the statement."""
        outer, self.sending = self.sending, True
        try:
            yield
        finally:
            self.sending = outer

    def _plain(self, sql: str) -> str:
        """Return a statement without parameters as the driver takes it."""
        if self.context.dialect.driver != "pg8000":
            return sql
        # pg8000 takes a percent sign for a placeholder, but not inside of quotes.
        parts = re.split(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")", sql)
        return "".join(part if n % 2 else part.replace("%", "%%") for n, part in enumerate(parts))

    def _as_text(self, name: str, cursor: Any, text: str, parameters: list[Any]) -> str:
        """Return a statement with its parameters as the driver, or else we, would spell them."""
        if not parameters or not parameters[0]:
            return text.replace("%%", "%") if parameters else text
        rows = parameters[0] if name == "do_executemany" else [parameters[0]]
        spelled = self._spelling(cursor)
        return ";\n".join(_decoded(spelled(text, row)) for row in rows)

    def _spelling(self, cursor: Any) -> Callable[..., str | bytes]:
        """Return what puts parameters into a statement: the driver, or else `literal`."""
        if self.context.dialect.driver == "psycopg":
            psycopg = importlib.import_module("psycopg")
            cursor = psycopg.ClientCursor(cursor.connection)
        return getattr(cursor, "mogrify", None) or self._spelled

    def _spelled(self, text: str, row: Any) -> str:
        if isinstance(row, Mapping):
            return text % {name: literal(value) for name, value in row.items()}
        values = [literal(value) for value in row]
        if "%s" in text:
            return text % tuple(values)
        return re.sub(r"\$(\d+)", lambda match: values[int(match[1]) - 1], text)

    def send(self, number: int) -> int:
        """Send a statement that was kept; return how many rows it changed."""
        name, text, parameters, context = self.kept[number]
        cursor = self.connection.connection.cursor()
        try:
            self._default(name, cursor, text, *parameters, context)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def _default(self, name: str, *arguments: Any) -> None:
        with self._past_guard():
            getattr(self.context.dialect, name)(*arguments)

    def _raw(self, cursor: Any, method: str, arguments: tuple[Any, ...]) -> bool:
        """Ask about a statement that is sent around SQLAlchemy; return whether limbeck ran it."""
        if not self.active or self.sending:
            return False
        text, *parameters = arguments

        def instead(sql: str) -> None:
            with self._past_guard():
                cursor.execute(self._plain(sql))

        def as_text() -> str:
            if method != "execute":
                raise FailureError("raw", f"{method}() of the driver cannot be traced")
            return self._as_text("do_execute", cursor, str(text), parameters)

        facts: Answer = {"raw": True, "text": str(text), "where": self._line()}
        return self._ask({"instead": instead, "text": as_text}, **facts)

    def _ending(self, kind: str) -> Callable[[Any], None]:
        def end(_: Any) -> None:
            """Let limbeck end the transaction, which it has begun."""
            if self.active and not self.sending:
                self._ask(end=kind)

        return end

    def _taking(self, name: str) -> Callable[..., bool]:
        def take(cursor: Any, text: str, *arguments: Any) -> bool:
            if not self.active:
                return False
            *parameters, context = arguments
            self.kept.append((name, text, tuple(parameters), context))
            facts = self._facts(text, context)
            if self._may_be_told_later(facts):
                return True
            if self._may_read(facts):
                self._tell_later({**facts, "sent": True})
                self._default(name, cursor, text, *parameters, context)
                return True
            error: list[BaseException] = []

            def run() -> None:
                try:
                    self._default(name, cursor, text, *parameters, context)
                except BaseException as raised:
                    error.append(raised)
                    raise

            def instead(sql: str) -> None:
                with self._past_guard():
                    cursor.execute(self._plain(sql))

            def as_text() -> str:
                return self._as_text(name, cursor, text, parameters)

            handlers: dict[str, Callable[..., Any]] = {
                "run": run,
                "instead": instead,
                "text": as_text,
            }
            self._ask(handlers, error, **facts)
            return True

        return take

    def _may_be_told_later(self, facts: Answer) -> bool:
        """Return whether limbeck hears of a statement with the next question; then it is noted."""
        if not self.together or self.in_block or facts["nested"] or not facts["unread"]:
            return False
        self.lets_read = False
        self._tell_later(facts)
        return True

    def _may_read(self, facts: Answer) -> bool:
        """Return whether to send a question about the catalog at once, and tell limbeck later.

        limbeck has sent all that comes before it in its transaction. A revision that looks first
        asks more questions than it changes, each in less time than limbeck needs for an answer.
        """
        return self.lets_read and not facts["nested"] and asks_of_catalog(facts["text"])

    def _tell_later(self, facts: Answer) -> None:
        self.untold.append(facts)
        if len(self.untold) == MOST:  # somebody may look at how far the revision is
            self._ask(pause=True)

    def _ask(
        self,
        handlers: dict[str, Callable[..., Any]] | None = None,
        error: list[BaseException] | None = None,
        **facts: Any,
    ) -> bool:
        """Ask limbeck, and serve it until it has decided; return whether nothing is left to do."""
        self.channel.send(before=self._heard(), statement=facts)
        both: dict[str, Callable[..., Any]] = {
            "execute": self.execute,
            "several": self.several,
            "send": self.send,
            **(handlers or {}),
        }
        self.lets_read = False  # while limbeck is asked, statements are its own
        decided = self.channel.serve(both, until="go on")
        self.lets_read = bool(decided.get("reads"))
        if decided.get("raise"):
            raise error[-1] if error else refusal(self.context.dialect, decided.get("server"))
        return bool(decided["finished"])

    def _facts(self, text: str, context: Any) -> Answer:
        compiled = context.compiled
        returning = getattr(compiled, "effective_returning", None) or getattr(
            compiled, "returning", None
        )
        return {
            "number": len(self.kept) - 1,
            "text": text,
            "unread": bool((context.isddl or self.unread) and not returning),
            "new": self._is_new(context),
            "nested": bool(self.connection.in_nested_transaction()),
            "where": self._line(),
        }

    def _is_new(self, context: Any) -> bool:
        """Return whether a statement creates an object and refers only to other new ones."""
        statement = getattr(context.compiled, "statement", None)
        if isinstance(statement, schema.CreateTable):
            table = statement.element
            self.created.add(table.fullname)
            keys = [key.target_fullname.rpartition(".")[0] for key in table.foreign_keys]
            inherits = table.dialect_options["postgresql"]["inherits"]
            return not inherits and all(key in self.created for key in keys)
        if isinstance(statement, schema.CreateIndex):
            return getattr(statement.element.table, "fullname", None) in self.created
        return type(statement).__name__ in {"CreateSchema", "CreateSequence", "CreateEnumType"}

    def _line(self) -> str | None:
        frame: Any = sys._getframe()  # noqa: SLF001 - as inspect.currentframe does
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.folder):
                return f"{frame.f_code.co_filename}:{frame.f_lineno}"
            frame = frame.f_back
        return None


def autocommits(connection: Any) -> bool:
    """Return whether env.py asks SQLAlchemy to commit each statement by itself."""
    chosen = connection.get_execution_options().get("isolation_level")
    level = chosen or getattr(connection.dialect, "_on_connect_isolation_level", None)
    return str(level).upper() == "AUTOCOMMIT"


def asks_of_catalog(text: str) -> bool:
    """Return whether a statement only asks for what the database has, as SQLAlchemy spells it."""
    return text.startswith("SELECT ") and "pg_catalog." in text and ";" not in text


class Refused:
    """Marks exceptions that limbeck has had the worker raise."""


# The exceptions of PEP 249 by the class of the SQLSTATE, as drivers choose them.
KINDS = {
    **dict.fromkeys(("0A",), "NotSupportedError"),
    **dict.fromkeys(("22",), "DataError"),
    **dict.fromkeys(("23",), "IntegrityError"),
    **dict.fromkeys(("25", "2D", "40", "XX"), "InternalError"),
    **dict.fromkeys(("08", "53", "54", "55", "57", "58"), "OperationalError"),
    **dict.fromkeys(("26", "2F", "34", "3D", "3F", "42", "44"), "ProgrammingError"),
}


def refusal(dialect: Any, server: Answer | None) -> BaseException:
    """Return the driver's exception for a statement that limbeck has sent in its place.

    A revision may catch it, by its class or by its SQLSTATE.
    """
    if server is None:
        kind, text = dialect.dbapi.DatabaseError, "limbeck refuses the statement"
    else:
        kind, text = _error_class(dialect, server["state"]), server["message"]
    refused: BaseException = type(kind.__name__, (kind, Refused), {})(text)
    return refused


def _error_class(dialect: Any, state: str) -> Any:
    if dialect.driver in {"psycopg", "psycopg2"}:
        with suppress(KeyError):
            return importlib.import_module(f"{dialect.driver}.errors").lookup(state)
    return getattr(dialect.dbapi, KINDS.get(state[:2], "DatabaseError"))


def guard(connection: Any, ask: Callable[[Any, str, tuple[Any, ...]], bool]) -> None:
    """Make the cursors of a driver's connection ask before they send a statement."""
    adapted = hasattr(connection, "driver_connection")  # by SQLAlchemy, of an async driver
    if hasattr(connection, "cursor_factory") and not adapted:  # psycopg and psycopg2
        usual = connection.cursor_factory or type(connection.cursor())
        connection.cursor_factory = guarded(usual, ask)
        return
    kind = type(connection)
    kinds: dict[Any, Any] = {}

    class Guarded(kind):  # type: ignore[misc,valid-type]  # the class is known at run time only
        __slots__ = ()

        def cursor(self, *arguments: Any, **options: Any) -> Any:
            cursor = super().cursor(*arguments, **options)
            usual = type(cursor)
            if usual not in kinds:
                kinds[usual] = guarded(usual, ask)
            cursor.__class__ = kinds[usual]
            return cursor

    connection.__class__ = Guarded


def guarded(kind: Any, ask: Callable[[Any, str, tuple[Any, ...]], bool]) -> Any:
    """Return a class of cursors that ask before they send; True means that it is done."""

    def asking(name: str) -> Callable[..., Any]:
        def method(self: Any, *arguments: Any, **options: Any) -> Any:
            if ask(self, name, arguments):
                return self
            if getattr(self, "name", None) and getattr(self, "withhold", None) is False:
                # psycopg2 refuses named cursors in its autocommit; it does not see our BEGIN.
                self.withhold = True
            return getattr(kind, name)(self, *arguments, **options)

        return method

    names = [name for name in SENDING if hasattr(kind, name)]
    return type("Guarded", (kind,), {"__slots__": (), **{name: asking(name) for name in names}})


# --- revisions as SQL ---------------------------------------------------------------------------


class Offline:
    """A text that a revision writes its SQL to, and the steps that it would have."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.steps = 0
        self.open = False
        self.in_block = False

    def write(self, text: str) -> None:
        """Add text."""
        self.parts.append(text)

    def flush(self) -> None:
        """Do nothing: Alembic flushes its output."""

    def watch(self, context: Any) -> None:
        """Count the steps: a transaction with statements, or a statement of a block."""
        static, block = context.impl.static_output, context.autocommit_block

        def output(text: str) -> None:
            self.steps += self.in_block
            self.open = not self.in_block
            static(text)

        @contextmanager
        def boundary() -> Iterator[None]:
            self.steps, self.open = self.steps + self.open, False
            with block():
                self.in_block = True
                try:
                    yield
                finally:
                    self.in_block = False
            self.open = False

        context.impl.static_output, context.autocommit_block = output, boundary


@contextmanager
def shown_as_context(environment: EnvironmentContext) -> Iterator[EnvironmentContext]:
    """Make `alembic.context` show an environment inside of the block, and its own one after it."""
    import alembic.context

    outer = vars(alembic.context).get("_proxy")
    try:
        with environment:
            yield environment
    finally:
        if outer is not None:
            outer._install_proxy()  # noqa: SLF001 - as entering it does


def offline(place: Answer, path: str, starting: list[str], *, downgrade: bool) -> Answer:
    """Return a revision as SQL, and how many steps it has; `error` says where it ends early."""
    from alembic.operations import Operations
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = configuration(place, "postgresql://")
    config.attributes["limbeck"] = "offline"
    directory = ScriptDirectory.from_config(config)
    text, error = Offline(), None
    options = {
        "as_sql": True,
        "literal_binds": True,
        "output_buffer": text,
        "script": directory,
        "starting_rev": tuple(starting) or None,
        "transaction_per_migration": True,
    }
    with shown_as_context(EnvironmentContext(config, directory)) as environment:
        # %s placeholders would double every % of the text.
        context = MigrationContext.configure(
            dialect_name="postgresql",
            dialect_opts={"paramstyle": "named"},
            environment_context=environment,
            opts=options,
        )
        environment._migration_context = context  # noqa: SLF001 - as configure() does
        text.watch(context)
        module = revision_module(path)
        try:
            with Operations.context(context):
                (module.downgrade if downgrade else module.upgrade)()
        except Exception as raised:  # noqa: BLE001 - whatever Python does without its database
            error = f"{type(raised).__name__}: {raised}"
    return {"text": "".join(text.parts), "steps": text.steps + text.open, "error": error}


# --- values as SQL ------------------------------------------------------------------------------


def literal(value: Any) -> str:
    """Return a value as Postgres reads it in the text of a statement."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, decimal.Decimal)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "'\\x" + bytes(value).hex() + "'"
    if isinstance(value, (list, tuple)):
        return f"ARRAY[{', '.join(map(literal, value))}]" if value else "'{}'"
    if isinstance(value, dict):
        value = json.dumps(value)
    return "'" + str(value).replace("'", "''") + "'"


def _decoded(text: str | bytes) -> str:
    return text.decode() if isinstance(text, bytes) else text


# --- the program --------------------------------------------------------------------------------


class Worker:
    """Answers the requests of one limbeck process."""

    def __init__(self, channel: Channel, recorded: recording.Recording | None = None) -> None:
        self.channel = channel
        self.recorded = recorded
        self.redirect = Redirect(recorder().paused if recorded else nullcontext)
        # Many an env.py reads this variable; where nothing sets it, it is the database of the run.
        self.names_database = "DATABASE_URL" not in os.environ
        # What `op` has created in the last run, and on which database.
        self.memo: tuple[str, dict[Any, Any]] = ("", {})
        # The arguments of configure() when env.py last ran.
        self.arguments: Mapping[str, Any] = {}
        # Revisions that the next run will load, with the state of their files.
        self.expected: dict[str, Any] = {}

    def run_env(
        self,
        place: Answer,
        url: str,
        then: Callable[[Environment, dict[str, Any]], None],
        *,
        read_only: bool = False,
        runs: str = "shadow",
    ) -> None:
        """Run env.py on a database."""
        self.redirect.url, self.redirect.read_only = url, read_only
        if self.names_database:
            os.environ["DATABASE_URL"] = url
        try:
            run_env(place, url, then, runs)
        finally:
            self.redirect.close()

    def handlers(self) -> dict[str, Callable[..., Any]]:
        """Return the requests that the worker answers."""
        return {
            "describe": self.describe,
            "metadata": self.metadata,
            "allows": self.allows,
            "session": self.session,
            "offline": self.offline,
            "expect": self.expect,
        }

    def expect(self, paths: list[str]) -> None:
        """Import revisions that the next run will load, while limbeck prepares it; no answer.

        One that raises now will raise again in its place.
        """
        for path in paths:
            with suppress(BaseException):
                self.expected[path] = file_state(path), revision_module(path)

    def describe(self, place: Answer, url: str, limit: float) -> Answer:
        """Run env.py on a database and return what it configures."""
        captured: list[Answer] = []
        with limited(limit, "env.py", self.channel):

            def then(environment: Environment, _: dict[str, Any]) -> None:
                self.arguments = environment.arguments
                captured.append(description(environment))

            self.run_env(place, url, then, read_only=True)
        if not captured:
            raise FailureError("env", "env.py runs no migrations")
        return captured[0]

    def metadata(
        self, place: Answer | None, reference: str, url: str, server: int, limit: float
    ) -> Answer:
        """Import the models and return them as statements."""
        with limited(limit, "the models", self.channel):
            if place is not None:  # env.py may import modules of models that nothing else does
                self.run_env(place, url, self.note, read_only=True)
            given = self.arguments.get("target_metadata") if reference == OWN else None
            several = all_metadata(given) if reference == OWN else [metadata_of(reference)]
        return {
            "statements": list(
                dict.fromkeys(text for each in several for text in statements_of(each, server))
            ),
            "schemas": sorted({name for each in several for name in schemas_of(each)}),
            "enums": [enum for each in several for enum in enums_of(each)],
            "read": self.recorded.read() if self.recorded else None,
            "began": self.recorded.began if self.recorded else 0.0,
        }

    def note(self, environment: Environment, _: dict[str, Any]) -> None:
        """Keep the arguments of configure()."""
        self.arguments = environment.arguments

    def allows(self, schema: str, table: str) -> bool:
        """Return whether env.py's include_name and include_object let a table through.

        They are asked as Alembic's autogenerate asks them: about a table of the models as such,
        about another one as a table that only the database has.
        """
        own = None if schema == "public" else schema
        metadata = self.arguments.get("target_metadata")
        known = metadata if isinstance(metadata, (list, tuple)) else [metadata]
        key = f"{own}.{table}" if own else table
        tables = [each.tables[key] for each in known if each is not None and key in each.tables]
        include_name = self.arguments.get("include_name")
        if include_name and not tables:
            parents = {"schema_name": own, "schema_qualified_table_name": key}
            if not (include_name(own, "schema", {}) and include_name(table, "table", parents)):
                return False
        include_object = self.arguments.get("include_object")
        if not include_object:
            return True
        if tables:
            return bool(include_object(tables[0], table, "table", False, None))  # noqa: FBT003 - Alembic's own signature
        reflected = sa.Table(table, sa.MetaData(), schema=own)
        return bool(include_object(reflected, table, "table", True, None))  # noqa: FBT003 - as above

    def offline(self, **arguments: Any) -> Answer:
        """Return a revision as SQL, during which nothing may connect."""
        url, self.redirect.url = self.redirect.url, ""
        try:
            return offline(**arguments)
        finally:
            self.redirect.url = url

    def session(self, place: Answer, url: str, folder: str, *, again: bool, live: bool) -> None:
        """Run env.py on a database, and where it would run migrations, what limbeck asks for."""

        def then(environment: Environment, options: dict[str, Any]) -> None:
            def free(*, running: bool) -> None:
                self.redirect.free = running and live

            run = Run(self.channel, environment, options, folder, free)
            run.expected = self.expected
            if not live:
                # limbeck may run a statement of a trace elsewhere, and give its rows back here,
                # where no transaction is open for a cursor. A scratch database has few of them.
                run.connection.dialect.supports_server_side_cursors = False
            if again and self.memo[0] == url:
                run.context.impl.memo = self.memo[1]
            self.memo = url, run.context.impl.memo
            handlers: dict[str, Callable[..., Any]] = {
                "offline": self.offline,
                "load": run.load,
                "run": run.run,
                "execute": run.execute,
                "several": run.several,
                "send": run.send,
            }
            self.channel.send(opened=run.hello())
            self.channel.serve(handlers, until="close")

        self.run_env(place, url, then, runs="target" if live else "shadow")


def main() -> None:
    """Serve until limbeck ends."""
    # What models and revisions allocate lives until the end: frequent collections would be a tenth
    # of their import and free next to nothing.
    gc.set_threshold(500_000)
    # The folder of this file is not on the path of the project.
    sys.path.pop(0)
    outgoing = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What the project's code prints is not an answer, and it must not read the requests.
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # limbeck decides what a Ctrl-C ends
    # Its "Context impl PostgresqlImpl." would stand before every answer; env.py may set the level.
    logging.getLogger("alembic.runtime.migration").addFilter(lambda r: r.levelno > logging.INFO)
    channel = Channel(outgoing)
    sys.path[:0] = channel.receive()["paths"]
    stand_in()
    if sys.argv[1:] == ["revisions"]:
        sys.argv = ["alembic"]
        channel.serve(Worker(channel).handlers(), until="end")
        return
    sys.argv = ["alembic"]
    with recorder().recording() as recorded:
        channel.serve(Worker(channel, recorded).handlers(), until="end")
