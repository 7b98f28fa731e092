"""What limbeck asks of a server on another machine before it sends a password or data.

TLS with `sslmode=require` encrypts, but does not tell who is at the other end: a false server could
ask for the password in clear text and get it. SCRAM never sends the password, and the server has to
prove that it knows the verifier. So limbeck insists on SCRAM wherever the certificate of the server
is not checked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from psycopg import pq

from limbeck.postgres import url as urls

SYSTEM: Final = "system"
VERIFYING: Final = ("verify-ca", "verify-full")
_REQUIRE_AUTH: Final = 160000  # libpq 16, see "require_auth" in its chapter on connection strings
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, FreeBSD
)


def verified(parameters: Mapping[str, str], mode: str | None) -> dict[str, str]:
    """Return the parameters with the sslmode of a profile, which a URL's own does not weaken.

    `verify-full` uses the root certificates of the system, unless a certificate is named or libpq
    has its own file of them. Nothing changes on this machine, or without a mode.
    """
    if mode is None or urls.is_local(parameters):
        return dict(parameters)
    strict = {**parameters, "sslmode": mode}
    if mode == "verify-full" and not _has_root(parameters):
        strict["sslrootcert"] = SYSTEM
    return strict


def safeguards(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters to add when connecting, so that no false server gets the password.

    They are not a part of the URL, because other programs get it too, and asyncpg or a psql before
    16 refuse parameters that they do not know.
    """
    return {**authentication(parameters, pq.version()), **root(parameters)}


def variables(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that make psql ask the same of a server."""
    # A psql before 16 ignores the variable; it would refuse the parameter.
    required = authentication(parameters, _REQUIRE_AUTH).get("require_auth")
    return {"PGREQUIREAUTH": required} if required else {}


def authentication(parameters: Mapping[str, str], libpq: int) -> dict[str, str]:
    """Return the parameter that makes this version of libpq insist on SCRAM, where that is due."""
    if urls.is_local(parameters) or parameters.get("sslmode") in VERIFYING:
        return {}
    # libpq's own variables count as the user's word, like the URL.
    methods = parameters.get("require_auth") or os.environ.get("PGREQUIREAUTH")
    binding = parameters.get("channel_binding") or os.environ.get("PGCHANNELBINDING")
    if methods or binding == "require":  # channel binding implies SCRAM
        return {}
    if libpq < _REQUIRE_AUTH:
        return {} if binding else {"channel_binding": "require"}
    # A server that accepts the client's certificate asks for nothing more.
    certificate = parameters.get("sslcert") or os.environ.get("PGSSLCERT")
    return {"require_auth": "scram-sha-256,none" if certificate else "scram-sha-256"}


def root(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the file of the system's root certificates, if the parameters ask for them.

    psycopg's wheels have an OpenSSL of their own, whose built-in folder exists on no machine; so
    `sslrootcert=system` would find no certificate there.
    """
    if urls.root_certificate(parameters) != SYSTEM or parameters.get("sslmode") != "verify-full":
        return {}
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return {}  # OpenSSL follows these
    import ssl  # noqa: PLC0415 - only where it is asked for

    places = (ssl.get_default_verify_paths().cafile, *_BUNDLES)
    bundle = next((each for each in places if each and Path(each).is_file()), None)
    return {"sslrootcert": bundle} if bundle else {}


def _has_root(parameters: Mapping[str, str]) -> bool:
    if urls.root_certificate(parameters):
        return True
    return Path("~/.postgresql/root.crt").expanduser().is_file()
