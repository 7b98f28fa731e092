"""A database that schema changes may be sent to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from limbeck.events import Listener, Notice, ignore
from limbeck.postgres import url as urls


@dataclass(frozen=True, slots=True)
class Database:
    """A database that DDL may be sent to: its URL is direct, and uses TLS unless it is local.

    The timeouts are spelt as Postgres spells them ("2s", "5min"); None leaves the server's.
    `lock_budget` is for how long a step of a revision is tried again that did not get its locks.

    Raises:
        PooledUrlError: the URL leads to a transaction pooler.
        InsecureUrlError: the URL leads to another machine without TLS.
        ConfigurationError: the URL is not one of Postgres.
    """

    name: str
    url: str = field(repr=False)
    protected: bool = False
    lock_timeout: str | None = None
    lock_budget: str = "60s"
    statement_timeout: str | None = None
    transaction_timeout: str | None = None
    idle_in_transaction_session_timeout: str | None = None

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
        """Check and normalise any spelling of a URL; a remote one without sslmode gets `require`.

        Args:
            name: The environment's name.
            url: `postgres://`, `postgresql://`, `postgresql+driver://` or libpq's `key=value`.
            protected: Whether changes need the name typed.
            allow_pooled_rewrite: Change a pooled host to the direct one, and emit a Notice.
            listen: Told of a changed host.
        """
        parameters = urls.parse(url)
        if allow_pooled_rewrite and urls.is_pooled(parameters):
            parameters = urls.direct(parameters)
            listen(Notice(f"{name}: the pooled host was changed to {parameters['host']}"))
        return cls(name, urls.render(urls.with_tls(parameters)), protected)

    def on(self, dbname: str, *, name: str | None = None) -> Database:
        """The same server and user, another database."""
        url = urls.render({**urls.parse(self.url), "dbname": dbname})
        return replace(self, name=name or self.name, url=url)

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
        """What people need to recognise it, `user@host:port/dbname`: never the password."""
        return urls.destination(self.parameters)

    def redact(self, text: str) -> str:
        """The text without this database's password, however it is spelt."""
        return urls.redact(text, self.parameters.get("password", ""))
