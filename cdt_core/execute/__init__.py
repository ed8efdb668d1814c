"""Treat chunks: read, process, encode, decode, check and summarise each in one task, on any executor."""

from __future__ import annotations
