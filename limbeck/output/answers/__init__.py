"""The shape of every `--json` answer, one module for each group of commands.

Only type checkers and the tool that writes `docs/json` import these modules; a command never does.
`version` is missing in them: `limbeck.output.data.to_json` adds it to every answer.
"""

from __future__ import annotations
