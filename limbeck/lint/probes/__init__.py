"""Statements of applications, tried at every commit point of a revision: the proof of the way."""

from __future__ import annotations
