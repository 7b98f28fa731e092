"""What goes wrong on purpose."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Fault:
    """Something that befalls the next requests of a method and path, so many times.

    `status` is answered instead of doing anything; `drop` breaks the connection before the
    request is carried out, or after it; `gateway` answers 502 although it was carried out.
    """

    kind: Literal["status", "drop-before", "drop-after", "gateway"]
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)

    def meets(self, method: str, path: str) -> bool:
        """Whether it befalls a request."""
        found = re.fullmatch(self.method, method) and re.fullmatch(self.path, path)
        return self.times > 0 and found is not None
