"""What is imported when it is needed."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = (
    "limbeck.catalog.objects",
    "limbeck.history",
    "limbeck.pull",
    "limbeck.settings",
    "limbeck.sources",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_gives_every_name_that_it_says_it_has(package: str) -> None:
    module = import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_of_a_package_is_one_of_its_modules(package: str) -> None:
    """Importing the module would put it where the name was."""
    for name in import_module(package).__all__:
        with pytest.raises(ModuleNotFoundError):
            import_module(f"{package}.{name}")


@pytest.mark.parametrize(
    ("wanted", "unwanted"),
    [
        ("limbeck.catalog.read", "limbeck.catalog.objects.columns"),
        ("limbeck.settings.project", "limbeck.settings.url"),
        ("limbeck.pull.writing", "limbeck.diff"),
        ("limbeck.reports.pulls", "limbeck.history"),
    ],
)
def test_what_is_asked_first_does_not_load_what_comes_later(wanted: str, unwanted: str) -> None:
    code = f"import {wanted}, sys; sys.exit('{unwanted}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
