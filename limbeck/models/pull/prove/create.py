"""A program that creates the tables of pulled models, so that nothing stays imported.

It reads JSON from standard input: url, package (dotted), metadata (dotted, in the package),
folder (of the package), root (of the repository, or null).
A failure is the last line on standard error. If Postgres refuses objects, they are on standard
output as JSON: [kind, number or name, message]; an entity's number is its place on the MetaData.

Speed matters: garbage is not collected and bytecode not written, and a pipeline makes Postgres
create the first tables while SQLAlchemy compiles the last ones.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

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

_ORDERS = ("CALL", "CREATE", "ALTER", "COMMENT", "SET", "RESET", "GRANT", "REVOKE", "DROP", "DO ")


def main() -> None:
    """Import the models, configure the mappers, create everything."""
    gc.disable()
    sys.dont_write_bytecode = True
    given = json.loads(sys.stdin.buffer.read())
    os.chdir(given["folder"])
    try:
        models = _import(given["package"], given["folder"], given["root"])
        scratch = Database("scratch", given["url"], superuser=given["superuser"], row_security=None)
        _create(attrgetter(given["metadata"])(models), scratch)
    except Exception as error:  # noqa: BLE001 - models may raise anything
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


def _create(metadata: Any, scratch: Database) -> None:
    with (
        connect(scratch) as connection,
        as_sqlalchemy(connection) as target,
        assisting(connection, target),
    ):
        try:
            with connection.pipeline() as pipeline, _answering(target, pipeline.sync):
                _create_all(metadata, target)
        except DBAPIError:
            # A pipeline reports an error at a later statement; this reports it at its own.
            connection.rollback()
            try:
                _create_all(metadata, target)
            except DBAPIError:
                connection.rollback()
                refused = _refused(metadata, target)
                sys.stdout.write(json.dumps(refused))
                raise


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
