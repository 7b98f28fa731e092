"""What is dangerous: one function a rule, judged by what a statement was seen to do."""

from __future__ import annotations
