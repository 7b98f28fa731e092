from __future__ import annotations

from limbeck.env import run

run()
