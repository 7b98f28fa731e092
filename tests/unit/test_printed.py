"""What the tests print is looked through for secrets; this makes sure that they would be found."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.printed import Printed, tells

SECRET = "napi_0123"  # noqa: S105 - one to be found


@pytest.mark.prints_urls
def test_a_secret_is_found_wherever_it_is_printed(
    printed: Printed, capsys: pytest.CaptureFixture[str]
) -> None:
    printed.secrets.add(SECRET)
    try:
        print(f"key {SECRET}")  # noqa: T201 - to be heard
        capsys.readouterr()
        program = "import sys; print('postgres://u:hunter2@h/d', file=sys.stderr)"
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
        assert printed.leaks() == [f"key {SECRET}", "postgres://u:hunter2@h/d"]
    finally:
        printed.secrets.remove(SECRET)


def test_what_stands_for_a_password_is_none(printed: Printed) -> None:
    one = Printed(["postgresql://u:***@h/d", "postgresql://user:password@host/d", "a@b"])
    assert one.leaks() == []
    assert tells(["/bin/limbeck", "url", "-e", "x"])
    assert not tells(["/bin/limbeck", "migrate"])
    assert printed.texts == []
