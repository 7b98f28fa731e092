"""A project's folder, and the installed command run in it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SECRET = "s3cret"  # noqa: S105 - one to look for in outputs


@dataclass(frozen=True)
class Result:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it said."""
        return self.out + self.err


@dataclass(frozen=True)
class Workplace:
    """A project's folder and the environment that commands run in."""

    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str, typing: str | None = None, cwd: Path | None = None, **more: str
    ) -> Result:
        """Run limbeck; with `typing` it has a terminal to read from, on which that is typed."""
        return self.call(str(BIN / "limbeck"), *arguments, typing=typing, cwd=cwd, **more)

    def call(
        self, *command: str, typing: str | None = None, cwd: Path | None = None, **more: str
    ) -> Result:
        """Run any program."""
        keyboard, terminal = pty.openpty() if typing is not None else (None, None)
        if keyboard is not None:
            os.write(keyboard, f"{typing}\n".encode())
        try:
            done = subprocess.run(
                command,
                cwd=cwd or self.root,
                env={**self.variables, **more},
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
        finally:
            for end in (keyboard, terminal):
                if end is not None:
                    os.close(end)
        return Result(done.returncode, done.stdout, done.stderr)

    def good(self, *arguments: str, **options: Any) -> Result:
        """Run limbeck, which has to succeed."""
        result = self.run(*arguments, **options)
        assert result.code == 0, result.text
        return result

    @property
    def urls(self) -> dict[str, str]:
        """The URLs in its .env, by their variables."""
        return dict(line.split("=", 1) for line in (self.root / ".env").read_text().splitlines())

    def files(self) -> dict[str, bytes]:
        """Every file of the project by its path, without what limbeck and Python keep there."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not {".limbeck", "__pycache__"} & set(path.parts)
        }
