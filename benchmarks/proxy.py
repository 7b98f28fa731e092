"""A line to a distant server: a port of this machine that delays every byte."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque


class Proxy:
    """A port on this machine that leads to another one, with a delay each way in seconds."""

    def __init__(self, target: tuple[str, int], delay: float) -> None:
        self.target = target
        self.delay = delay
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._carry(near, far)
                self._carry(far, near)

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        line: deque[tuple[float, bytes]] = deque()
        arrived = threading.Semaphore(0)

        def read() -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(1 << 16):
                    line.append((time.monotonic() + self.delay, data))
                    arrived.release()
            line.append((time.monotonic() + self.delay, b""))
            arrived.release()

        def write() -> None:
            with contextlib.suppress(OSError):
                while True:
                    arrived.acquire()
                    due, data = line.popleft()
                    time.sleep(max(0.0, due - time.monotonic()))
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)

        for loop in (read, write):
            threading.Thread(target=loop, daemon=True).start()
