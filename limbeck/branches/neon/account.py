"""A Neon project and its API key."""

from __future__ import annotations

from dataclasses import field
from urllib.parse import urlsplit

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.postgres import url as urls

HOST = "https://console.neon.tech/api/v2"


@dataclass(frozen=True, slots=True)
class Account:
    """A Neon project and its API key, which no repr shows. `host` is the address of the API.

    Raises:
        ConfigurationError: the key would be sent without TLS, or the host is no address.

    """

    key: str = field(repr=False)
    project: str
    host: str = HOST

    def __post_init__(self) -> None:
        parts = urlsplit(self.host)
        local = parts.hostname is not None and urls.is_local({"host": parts.hostname})
        if parts.scheme == "https" or (parts.scheme == "http" and local):
            return
        raise ConfigurationError(
            f"NEON_API_HOST={self.host} is no https address, and the key must not be sent there",
            hint=f"Remove it, or write NEON_API_HOST={HOST}.",
        )

    def redact(self, text: str) -> str:
        """Return a text without the key and without the password of any URL."""
        return urls.redact(text, self.key)
