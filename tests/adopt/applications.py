"""The applications that `make adopt` adopts: real ones from PyPI, and two that are written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    """A column that is added to the models: a line before another one that stands there once."""

    path: str
    before: str
    line: str
    column: str


@dataclass(frozen=True)
class Application:
    """An application and what plain Alembic needs to migrate it.

    Args:
        name: its name; `pins/NAME.txt` has the versions of what its models and history import.
        sources: the packages whose files are the project, with their versions; none for one that
            is written here, in `written/NAME`.
        ini: Alembic's file.
        driver: of Postgres, as SQLAlchemy names it.
        edit: the column that is added to its models.
        folder: where `alembic` is called.
        variables: what its env.py reads from the environment; {url} is the database, and {data} a
            folder.
        start: Python that makes what its history does not start with; {url} is the database.
        at: the revision of what that makes.
        init: options of `limbeck init`.
        added: lines that are added to files before that.
        without: what is not installed, for nothing that is imported needs it.
        command: what calls Alembic; {ini} is its file.
        down: how it takes one revision back.

    """

    name: str
    sources: tuple[str, ...]
    ini: str
    driver: str
    edit: Edit
    folder: str = "."
    variables: Mapping[str, str] = field(default_factory=dict)
    start: str = ""
    at: str = "base"
    init: tuple[str, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)
    without: str = ""
    command: tuple[str, ...] = ("-m", "alembic", "-c", "{ini}")
    down: tuple[str, ...] = ("downgrade", "-1")

    @property
    def version(self) -> str:
        """The version of its package."""
        return self.sources[0].partition("==")[2] if self.sources else "written here"


# Its env.py names one MetaData and two classes that have none: a module joins its three.
DAGSTER_MODELS = """
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorageMetadata
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
metadata = sa.MetaData()
for each in (SqlEventLogStorageMetadata, RunStorageSqlMetadata, ScheduleStorageSqlMetadata):
    for table in each.tables.values():
        table.to_metadata(metadata)
"""
# Dagster creates its tables from the models. Its revisions up to 140198fdfe65 are for databases of
# versions before 0.10: they ask the running instance what they shall keep. 6b7fb194ff9c creates an
# index concurrently without autocommit_block(): Dagster runs Alembic in autocommit.
DAGSTER = """
import sqlalchemy as sa
from dagster_models import metadata
with sa.create_engine({url!r}).begin() as connection:
    metadata.create_all(connection)
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num text PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES ('6b7fb194ff9c')"))
"""
# Alembic's commands with a connection, which Dagster's env.py does not make itself.
SHARED = """
import os, sys, sqlalchemy as sa
from alembic.config import CommandLine, Config
line = CommandLine()
options = line.parser.parse_args(sys.argv[2:])
config = Config(sys.argv[1], cmd_opts=options)
engine = sa.create_engine(os.environ["DAGSTER_PG"], isolation_level="AUTOCOMMIT")
with engine.connect() as connection:
    config.attributes["connection"] = connection
    line.run_cmd(config, options)
"""
# Alembic's commands in a thread of an event loop: the env.py of Prefect runs in that loop.
THREAD = """
import functools, sys, anyio.to_thread
from alembic.config import main
anyio.run(anyio.to_thread.run_sync, functools.partial(main, ["-c", *sys.argv[1:]]))
"""
# Alembic's commands with the folder of the history, which Langflow sets as well.
LOCATED = """
import sys
from alembic.config import CommandLine, Config
line = CommandLine()
options = line.parser.parse_args(sys.argv[2:])
config = Config(sys.argv[1], cmd_opts=options)
config.set_main_option("script_location", "langflow/alembic")
line.run_cmd(config, options)
"""
APPLICATIONS = (
    Application(
        "optuna",
        ("optuna==5.0.0",),
        "optuna/storages/_rdb/alembic.ini",
        "psycopg2",
        Edit(
            "optuna/storages/_rdb/models.py",
            "    study_name = _Column(",
            "    owner = _Column(String(100))",
            "owner",
        ),
        folder="optuna/storages/_rdb",
    ),
    Application(
        "mlflow",
        ("mlflow==3.18.0",),
        "mlflow/store/db_migrations/alembic.ini",
        "psycopg2",
        Edit(
            "mlflow/store/tracking/dbmodels/models.py",
            "    artifact_location = Column(String(256)",
            "    owner = Column(String(100))",
            "owner",
        ),
        start=(
            "import sqlalchemy as sa\n"
            "from mlflow.store.tracking.dbmodels.initial_models import Base\n"
            "Base.metadata.create_all(sa.create_engine({url!r}))\n"
        ),
        init=("--alembic-ini", "mlflow/store/db_migrations/alembic.ini"),
        without="pandas, pyarrow, scikit-learn, matplotlib, docker, Flask, gunicorn, graphene",
    ),
    Application(
        "open-webui",
        ("open-webui==0.12.4",),
        "open_webui/alembic.ini",
        "psycopg",
        Edit(
            "open_webui/models/auths.py",
            "    password = Column(Text)",
            "    nickname = Column(Text)",
            "nickname",
        ),
        folder="open_webui",
        variables={"DATABASE_URL": "{url}", "WEBUI_SECRET_KEY": "adopt", "DATA_DIR": "{data}"},
    ),
    Application(
        "airflow",
        ("apache-airflow-core==3.3.2", "apache-airflow-task-sdk==1.3.2"),
        "airflow/alembic.ini",
        "psycopg2",
        Edit(
            "airflow/models/pool.py",
            "    slots: Mapped[int]",
            "    color: Mapped[str | None] = mapped_column(String(20))",
            "color",
        ),
        variables={"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "{url}", "AIRFLOW_HOME": "{data}"},
        without="the providers, uvicorn, python-daemon, opentelemetry-exporter-otlp",
    ),
    Application(
        "prefect",
        ("prefect==3.9.1",),
        "prefect/server/database/alembic.ini",
        "asyncpg",
        Edit(
            "prefect/server/database/orm_models.py",
            '    flow_runs: Mapped[list["FlowRun"]] = relationship(\n'
            '        back_populates="flow", lazy',
            "    nickname: Mapped[Optional[str]]",
            "nickname",
        ),
        variables={"PREFECT_API_DATABASE_CONNECTION_URL": "{url}", "PREFECT_HOME": "{data}"},
        added={
            "prefect/server/database/alembic.ini": (
                "\nversion_locations = %(here)s/_migrations/versions/postgresql\n"
            ),
        },
        without="docker, kubernetes and the integrations",
        command=("-c", THREAD, "{ini}"),
    ),
    Application(
        "dagster",
        ("dagster==1.13.27", "dagster-postgres==0.29.27"),
        "dagster_postgres/alembic/alembic.ini",
        "psycopg2",
        Edit(
            "dagster/_core/storage/event_log/schema.py",
            '    db.Column("dagster_event_type", db.Text),',
            '    db.Column("nickname", db.Text),',
            "nickname",
        ),
        variables={"DAGSTER_PG": "{url}", "DAGSTER_HOME": "{data}"},
        start=DAGSTER,
        at="6b7fb194ff9c",
        init=(
            "--alembic-ini",
            "dagster_postgres/alembic/alembic.ini",
            "--models",
            "dagster_models:metadata",
        ),
        added={"dagster_models.py": DAGSTER_MODELS},
        without="grpcio, Jinja2, requests, rich, universal-pathlib",
        command=("-c", SHARED, "{ini}"),
    ),
    Application(
        "langflow",
        ("langflow-base==1.13.0",),
        "langflow/alembic.ini",
        "psycopg",
        Edit(
            "langflow/services/database/models/folder/model.py",
            "    # The automatically provisioned user project stays personal",
            "    nickname: str | None = Field(default=None)",
            "nickname",
        ),
        variables={"LANGFLOW_CONFIG_DIR": "{data}", "DO_NOT_TRACK": "true"},
        without="litellm, transformers, scipy, kubernetes, duckdb, clients of other services",
        command=("-c", LOCATED, "{ini}"),
    ),
    Application(
        "fastapi",
        (),
        "alembic.ini",
        "psycopg",
        Edit(
            "app/models.py",
            "    hashed_password: str",
            "    nickname: str | None = Field(default=None, max_length=40)",
            "nickname",
        ),
        variables={"DATABASE_URI": "{url}", "PROJECT_NAME": "app"},
    ),
    Application(
        "flask",
        (),
        "migrations/alembic.ini",
        "psycopg2",
        Edit(
            "shop/models.py",
            "    price = db.Column(",
            "    color = db.Column(db.String(20))",
            "color",
        ),
        variables={"SHOP_DATABASE": "{url}", "FLASK_APP": "shop"},
        command=("-m", "flask", "db"),
        down=("downgrade",),
    ),
)
