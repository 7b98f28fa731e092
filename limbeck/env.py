"""The body of a project's alembic/env.py, so that Alembic's own commands know environments.

`alembic -x env=production upgrade head` migrates production; without -x it is the default
environment.
"""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import context
from alembic.util import CommandError

from limbeck.errors import ConfigurationError, LimbeckError
from limbeck.events import BranchCreated, Event, LockWaiting, Notice, ServerStarted
from limbeck.masking.mask import masked
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.postgres.lock import migration_lock
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shell import command
from limbeck.visible import visible

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOG = logging.getLogger(__name__)
WAIT = 60.0  # seconds for the migration lock, as in `limbeck migrate`


def run() -> None:
    """Run the migrations of an Alembic command; alembic/env.py only calls this.

    A connection in `config.attributes["connection"]` is used as it is, without the lock.

    Raises:
        CommandError: any LimbeckError, so that Alembic prints it without a traceback.

    """
    _configure_logging()
    with _reported():
        project = Project.find(_folder())
        profile = project.profile(context.get_x_argument(as_dictionary=True).get("env"))
        _refuse_another_history(profile)
        if context.is_offline_mode():
            _run_offline()
        elif (given := context.config.attributes.get("connection")) is not None:
            _run_on(given, project)
        else:
            with _connection(project, profile) as connection:
                _run_on(connection, project)


def _configure_logging() -> None:
    config = context.config
    if config.config_file_name and config.file_config.has_section("loggers"):
        logging.config.fileConfig(config.config_file_name, disable_existing_loggers=False)


def _run_offline() -> None:
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_on(connection: Connection, project: Project) -> None:
    compares = "revision_context" in _options()
    context.configure(
        connection=connection,
        target_metadata=project.metadata() if compares else None,
        include_schemas=True,
        transaction_per_migration=True,
        autogenerate_plugins=_plugins() if compares else None,
    )
    with context.begin_transaction():
        context.run_migrations()


@contextmanager
def _connection(project: Project, profile: Profile) -> Iterator[Connection]:
    database = urls.database(project, profile, _tell)
    with connect(database, application_name="alembic", listen=_tell) as connection:
        # Only a command that changes the database must wait for others that do.
        reads = "revision_context" in _options() or _options().get("dont_mutate", False)
        lock = nullcontext() if reads else migration_lock(connection, wait=WAIT, listen=_tell)
        with lock, as_sqlalchemy(connection) as wrapped:
            yield wrapped


def _plugins() -> list[str]:
    from limbeck import (  # noqa: PLC0415 - it reads catalogs, which upgrade never needs
        alembic_plugin,
    )

    return alembic_plugin.plugins()


def _refuse_another_history(profile: Profile) -> None:
    if profile.versions is None:
        return
    folders = [Path(place).resolve() for place in context.script._version_locations]  # noqa: SLF001
    if folders != [profile.versions.resolve()]:
        raise ConfigurationError(
            f"{profile.name} has a history of its own in {profile.versions.name}/, "
            "but alembic.ini names another folder",
            hint=command("limbeck", "migrate", "-e", profile.name),
        )


def _folder() -> Path | None:
    name = context.config.config_file_name
    return Path(name).resolve().parent if name else None


def _options() -> dict[str, Any]:
    # Alembic has no public way to learn which command runs.
    return dict(vars(context)["_proxy"].context_opts)


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except LimbeckError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        # Alembic prints it as it is.
        raise CommandError(visible(masked(f"{error.message}{hint}"))) from error


def _tell(event: Event) -> None:
    match event:
        case Notice(text):
            LOG.warning("%s", visible(masked(text)))
        case LockWaiting(holder, wait):
            LOG.warning("waiting up to %g s for the migration lock, held by %s", wait, holder)
        case ServerStarted(port):
            LOG.info("started the embedded Postgres on port %s", port)
        case BranchCreated(name):
            LOG.info("created branch %s", name)
        case _:
            pass
