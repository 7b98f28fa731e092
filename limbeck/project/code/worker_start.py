"""Start the worker beside this file: Python compiles a program at each start, but a module once.

That is a twentieth of the processor time of a migration of few revisions. `process` calls it.
"""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path

SPEC = util.spec_from_file_location("limbeck_worker", Path(__file__).with_name("worker.py"))
if SPEC is not None and SPEC.loader is not None:
    WORKER = sys.modules["limbeck_worker"] = util.module_from_spec(SPEC)
    SPEC.loader.exec_module(WORKER)
    WORKER.main()
