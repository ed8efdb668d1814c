"""Streams that say what a test wants to hear."""

from __future__ import annotations


class Told:
    """Gives bits from a list of integers, first ones first, 64 at a time; then zeros."""

    def __init__(self, *words):
        self.octets = b"".join(word.to_bytes(8, "little") for word in words)

    def take(self, count):
        given, self.octets = self.octets[:count], self.octets[count:]
        return given.ljust(count, b"\0")
