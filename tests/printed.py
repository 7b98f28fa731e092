"""Everything that programs and tests print, looked through for secrets."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://[^\s:/@'\"]+:([^\s@'\"]+)@")
# What stands in documents, and what limbeck writes instead of a password.
PLACEHOLDERS = {"***", "password", "PASSWORD", "..."}
# These print URLs because that is what they are for.
TELLERS = {("url",), ("preview", "up"), ("psql",)}


@dataclass(slots=True)
class Printed:
    """What was printed since the last look, and the secrets that must not be among it."""

    texts: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    """What answers of `--json` have otherwise than their schemas."""

    def leaks(self) -> list[str]:
        """Give every line with a secret, or a URL with a password; forget what was printed."""
        texts, self.texts = self.texts, []
        return [line for text in texts for line in text.splitlines() if self._secret(line)]

    def undocumented(self) -> list[str]:
        """Return the faults of answers, and forget them."""
        faults = list(dict.fromkeys(self.faults))
        self.faults.clear()
        return faults

    def _secret(self, line: str) -> bool:
        passwords = set(URL.findall(line)) - PLACEHOLDERS
        return bool(passwords) or any(secret in line for secret in self.secrets)

    def add(self, text: object) -> None:
        """Take what was printed."""
        if isinstance(text, bytes):
            text = text.decode(errors="replace")
        if isinstance(text, str) and text:
            self.texts.append(text)


def tells(arguments: object) -> bool:
    """Whether a command is there to print a URL."""
    words = [str(word) for word in arguments] if isinstance(arguments, list | tuple) else []
    return any(set(teller) <= set(words) for teller in TELLERS)


@contextmanager
def listening(printed: Printed) -> Iterator[None]:
    """Hear what every program says that is started, and what tests read of their own output."""
    patch = pytest.MonkeyPatch()
    communicate: Callable[..., Any] = subprocess.Popen.communicate
    readouterr: Callable[..., Any] = pytest.CaptureFixture.readouterr

    def communicated(self: subprocess.Popen[Any], *arguments: Any, **options: Any) -> Any:
        answer = communicate(self, *arguments, **options)
        if not tells(self.args):
            printed.add(answer[0])
        printed.add(answer[1])
        return answer

    def read(self: pytest.CaptureFixture[str]) -> Any:
        answer = readouterr(self)
        printed.add(answer[0])
        printed.add(answer[1])
        return answer

    patch.setattr(subprocess.Popen, "communicate", communicated)
    patch.setattr(pytest.CaptureFixture, "readouterr", read)
    yield
    patch.undo()
