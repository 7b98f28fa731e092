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
    init: tuple[str, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)
    without: str = ""
    command: tuple[str, ...] = ("-m", "alembic", "-c", "{ini}")
    down: tuple[str, ...] = ("downgrade", "-1")

    @property
    def version(self) -> str:
        """The version of its package."""
        return self.sources[0].partition("==")[2] if self.sources else "written here"


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
            )
        },
        without="docker, kubernetes and the integrations",
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
