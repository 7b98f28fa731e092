"""A program that creates the tables of pulled models, so that nothing stays imported.

It reads JSON from standard input: url, package (dotted), metadata (dotted, in the package),
folder (of the package), root (of the repository, or null).
It writes how many tables exist, a line for each look. If Postgres refuses objects, a last line has
them as JSON: [kind, number or name, message]; an entity's number is its place on the MetaData. A
failure is the last line on standard error.

Speed matters: garbage is not collected and bytecode not written, and a pipeline makes Postgres
create the first tables while SQLAlchemy compiles the last ones.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, Final, NoReturn, TypeAlias

from psycopg import Error
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import configure_mappers
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, ExecutableDDLElement

from limbeck.engine.privileged import assisting
from limbeck.entities.entity import Extension, Schema, entities
from limbeck.entities.relations import MaterializedView
from limbeck.entities.sql import Sql
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.postgres.database import Database

PAUSE: Final = 0.2
"""Seconds between two looks at what the server has answered."""
Executed: TypeAlias = "Callable[..., None]"
_ORDERS = ("CALL", "CREATE", "ALTER", "COMMENT", "SET", "RESET", "GRANT", "REVOKE", "DROP", "DO ")


def main() -> None:
    """Import the models, configure the mappers, create everything."""
    # What the models print is nobody's: only the counts go where standard output was.
    counts = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    gc.disable()
    sys.dont_write_bytecode = True
    given = json.loads(sys.stdin.buffer.read())
    os.chdir(given["folder"])
    try:
        models = _import(given["package"], given["folder"], given["root"])
        scratch = Database("scratch", given["url"], superuser=given["superuser"], row_security=None)
        with _reporting(counts) as executed:
            _create(attrgetter(given["metadata"])(models), scratch, executed)
    except _RefusedError as error:
        counts.write(f"{json.dumps(error.objects)}\n")
        counts.flush()
        _exit(error.__cause__ or error)
    except Exception as error:  # noqa: BLE001 - models may raise anything
        _exit(error)


class _RefusedError(Exception):
    """Postgres refuses `objects`: [kind, number or name, message] of each."""

    def __init__(self, objects: list[tuple[str, int | str, str]]) -> None:
        super().__init__("objects are refused")
        self.objects = objects


def _exit(error: BaseException) -> NoReturn:
    text = " ".join(str(error).split("[SQL")[0].split())
    sys.exit(f"{type(error).__name__}: {text}")


def _import(package: str, folder: str, root: str | None) -> Any:
    sys.path[:0] = [folder, *([root] if root else [])]
    parent, place = "", Path(folder)
    for name in package.split(".")[:-1]:
        # Import the models from the folder and the rest of the application from the repository.
        parent = f"{parent}.{name}" if parent else name
        place /= name
        module = importlib.import_module(parent)
        module.__path__ = [str(place), *module.__path__]
    return importlib.import_module(package)


def _create(metadata: Any, scratch: Database, executed: Executed) -> None:
    with (
        connect(scratch) as connection,
        as_sqlalchemy(connection) as target,
        assisting(connection, target),
    ):
        event.listen(target, "after_cursor_execute", executed)
        try:
            with connection.pipeline() as pipeline, _answering(target, pipeline.sync):
                _create_all(metadata, target)
        except DBAPIError:
            # A pipeline reports an error at a later statement; this reports it at its own.
            connection.rollback()
            try:
                _create_all(metadata, target)
            except DBAPIError as error:
                connection.rollback()
                raise _RefusedError(_refused(metadata, target)) from error


def _refused(metadata: Any, target: Connection) -> list[tuple[str, int | str, str]]:
    """Return the tables and entities that Postgres refuses, when the others have been created."""
    messages: dict[str, str] = {}

    def tried(cursor: Any, statement: str, given: Any, context: Any) -> bool | None:
        if not statement.lstrip().startswith(_ORDERS):
            return None
        cursor.execute("SAVEPOINT limbeck_tried")
        try:
            cursor.execute(statement, given or None)
        except Error as error:
            cursor.execute("ROLLBACK TO SAVEPOINT limbeck_tried")
            # The statement as it was before `assisting` changed it.
            messages[context.statement] = str(error).strip().splitlines()[0]
        return True

    event.listen(target.engine, "do_execute", tried)
    try:
        _create_all(metadata, target, commit=False)
    finally:
        event.remove(target.engine, "do_execute", tried)
    return list(_origins(metadata, target, messages))


def _origins(
    metadata: Any, target: Connection, messages: Mapping[str, str]
) -> Iterator[tuple[str, int | str, str]]:
    """Yield [kind, number or name, message] of what refused statements are about."""
    for number, entity in enumerate(entities(metadata)):
        texts = (*entity.statements(target.dialect), *entity.afterwards())
        for text in texts:
            if message := messages.get(str(Sql(text).compile(dialect=target.dialect))):
                kind = "needed" if isinstance(entity, (Extension, Schema)) else "entity"
                yield kind, number, message
                break
    for table in metadata.tables.values():
        created: list[ExecutableDDLElement] = [CreateTable(table), *map(CreateIndex, table.indexes)]
        keys = table.foreign_key_constraints
        created += [AddConstraint(key, isolate_from_table=False) for key in keys]
        for element in created:
            if message := messages.get(str(element.compile(dialect=target.dialect))):
                yield "table", f"{table.schema or 'public'}.{table.name}", message
                break


@contextmanager
def _reporting(counts: IO[str]) -> Iterator[Executed]:
    """Yield what receives the statements, and report how many tables the server has created.

    In a pipeline a cursor has its result once the server has answered, so that a second thread can
    count while SQLAlchemy compiles the next statements or waits for the last ones.
    """
    unanswered: deque[Any] = deque()
    ended = threading.Event()

    def executed(*given: Any) -> None:
        if given[2].lstrip().startswith("CREATE TABLE"):
            unanswered.append(given[1])

    def report() -> None:
        count = before = 0
        is_last = False
        while not is_last:
            is_last = ended.wait(PAUSE)
            while unanswered and unanswered[0].statusmessage:
                unanswered.popleft()
                count += 1
            if count > before:
                before = count
                counts.write(f"{count}\n")
                counts.flush()

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield executed
    finally:
        ended.set()
        thread.join()


@contextmanager
def _answering(target: Connection, answer: Callable[[], None]) -> Iterator[None]:
    """Synchronise the pipeline after each query, because SQLAlchemy waits for its rows."""

    def asked(*given: Any) -> None:
        if not given[2].lstrip().startswith(_ORDERS):
            answer()

    event.listen(target, "after_cursor_execute", asked)
    try:
        yield
    finally:
        event.remove(target, "after_cursor_execute", asked)


def _create_all(metadata: Any, target: Connection, *, commit: bool = True) -> None:
    for entity in entities(metadata):
        if isinstance(entity, MaterializedView):
            entity.with_data = False  # nobody reads its rows, and its query is the source's code
    with target.begin() as transaction:
        target.exec_driver_sql("SET LOCAL synchronous_commit = off")
        metadata.create_all(target, checkfirst=False)
        configure_mappers()
        if not commit:
            transaction.rollback()


if __name__ == "__main__":
    main()
