"""Serve the pages on this machine until Ctrl-C."""

from __future__ import annotations

import logging
import os
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from threading import Thread

import uvicorn

from limbeck.errors import ConfigurationError
from limbeck.studio.desk import Desk
from limbeck.studio.guard import Access
from limbeck.studio.server import application

LOOPBACK = "127.0.0.1"
GRACE = 1
"""Seconds that a running request has to end after Ctrl-C."""


def serve(desk: Desk, port: int, *, browser: bool, announce: Callable[[str], None]) -> None:
    """Serve the pages until Ctrl-C.

    Args:
        desk: What is shown.
        port: The port; 0 is any that is free.
        browser: Whether to open the pages in the browser.
        announce: Receives the address, once it answers.

    Raises:
        ConfigurationError: The port is taken.

    """
    # The models may be edited meanwhile: see `begin_afresh` of push.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    desk = replace(desk, project=replace(desk.project, afresh=True))
    with listening(port) as listener:
        access = Access(listener.getsockname()[1])
        announce(access.address)
        if browser:
            # The port listens already: the request waits until the server answers it.
            Thread(target=webbrowser.open, args=[access.ticket()], daemon=True).start()
        config = uvicorn.Config(
            application(desk, access),
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            # A page tells its errors by itself; a traceback might have a password in it.
            log_level=logging.CRITICAL,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            return  # uvicorn raises it again when all is closed


def listening(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine only; 0 is any that is free."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"port {port} is not free: {error.strerror}", hint="Name another one with --port."
        ) from error
    return listener
