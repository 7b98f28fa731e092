"""A database with a checked URL and the timeouts of its environment."""

from __future__ import annotations

from dataclasses import field, replace

from limbeck.dataclass import dataclass
from limbeck.events import Listener, Notice, ignore
from limbeck.postgres import url as urls


@dataclass(frozen=True, slots=True)
class Database:
    """A database that DDL may be sent to: its URL is direct, and uses TLS unless it is local.

    The timeouts are durations as in Postgres ("2s", "5min"); None leaves the server's setting.
    `lock_budget` is how long a step of a revision is retried that cannot acquire its locks.
    `patience` is after how many seconds no further attempt to connect begins.
    `row_security` is "off" so that no policy hides rows from limbeck (`row_security.py`), and None
    on scratch databases, where revisions of any age are replayed as they were written.
    `superuser` is set on scratch databases of the embedded server: the URL by which limbeck runs
    the few statements that their owner may not run (`engine/privileged.py`).
    `tenant` is the schema that sessions work in: the first one on their search path, whose version
    table and ledger are read and written. `hides` are schemas that are no part of what is read.

    Raises:
        PooledUrlError: the URL leads to a transaction pooler.
        InsecureUrlError: the URL leads to another machine without TLS.
        ConfigurationError: the URL is not a URL of Postgres.

    """

    name: str
    url: str = field(repr=False)
    protected: bool = False
    lock_timeout: str | None = None
    lock_budget: str = "60s"
    statement_timeout: str | None = None
    transaction_timeout: str | None = None
    idle_in_transaction_session_timeout: str | None = None
    patience: float = 45.0
    row_security: str | None = "off"
    superuser: str | None = field(default=None, repr=False)
    tenant: str | None = None
    hides: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        parameters = urls.parse(self.url)
        urls.refuse_pooler(parameters)
        urls.refuse_plain(parameters)

    @classmethod
    def from_url(
        cls,
        name: str,
        url: str,
        *,
        protected: bool = False,
        allow_pooled_rewrite: bool = False,
        listen: Listener = ignore,
    ) -> Database:
        """Return a database for any form of a URL; a remote one without sslmode gets `require`.

        Args:
            name: The environment's name.
            url: `postgres://`, `postgresql://`, `postgresql+driver://` or libpq's `key=value`.
            protected: Whether changes have to be confirmed by the environment's name.
            allow_pooled_rewrite: Replace a pooled host with the direct one, and emit a Notice.
            listen: Receives the Notice.

        """
        parameters = urls.parse(url)
        if allow_pooled_rewrite and urls.is_pooled(parameters):
            parameters = urls.direct(parameters)
            listen(Notice(f"{name}: the pooled host was changed to {parameters['host']}"))
        return cls(name, urls.render(urls.with_tls(parameters)), protected)

    def on(self, dbname: str, *, name: str | None = None) -> Database:
        """Return another database on the same server, for the same user."""
        superuser = self.superuser and _on(self.superuser, dbname)
        url = _on(self.url, dbname)
        return replace(self, name=name or self.name, url=url, superuser=superuser)

    @property
    def parameters(self) -> dict[str, str]:
        """The connection parameters under libpq's names, the password among them."""
        return urls.parse(self.url)

    @property
    def dbname(self) -> str:
        """The name of the database on its server."""
        return self.parameters["dbname"]

    @property
    def destination(self) -> str:
        """`user@host:port/dbname` for messages, without the password; with the tenant's schema."""
        place = urls.destination(self.parameters)
        return place if self.tenant is None else f"{place} schema {self.tenant}"

    def redact(self, text: str) -> str:
        """Return a text without this database's password, URL-encoded or not."""
        return urls.redact(text, self.parameters.get("password", ""))


def _on(url: str, dbname: str) -> str:
    return urls.render({**urls.parse(url), "dbname": dbname})
