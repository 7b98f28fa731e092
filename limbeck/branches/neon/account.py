"""Whose branches: a Neon project and the key to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from limbeck.errors import ConfigurationError
from limbeck.postgres import url as urls

HOST = "https://console.neon.tech/api/v2"


@dataclass(frozen=True, slots=True)
class Account:
    """A project of Neon's; the key is in no repr. `host` is the API's whole address.

    Raises:
        ConfigurationError: the host would have the key travel without TLS, or is no address.
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
            f"NEON_API_HOST={self.host} is no https address, and the key would be sent there",
            hint=f"NEON_API_HOST={HOST}, or leave it out",
        )

    def redact(self, text: str) -> str:
        """The text without the key, and without any password of a URL."""
        return urls.redact(text, self.key)
