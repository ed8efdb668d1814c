"""Instants as text: RFC 3339 in UTC, of times that know their zone."""

from __future__ import annotations

from datetime import UTC, datetime

from cdt_core.errors import CdtError

__all__ = ["instant_text", "read_instant"]


def instant_text(value: datetime, what: str, error: type[CdtError]) -> str:
    """``value`` in UTC, as in ``"2026-03-01T08:30:00Z"``; raises ``error`` naming ``what`` for a time without a zone.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> instant_text(datetime(2026, 3, 1, 8, 30, tzinfo=timezone.utc), "now", CdtError)
    '2026-03-01T08:30:00Z'
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise error(f"{what}: {value!r} is no time with a zone; give datetime.now(timezone.utc), or another aware one")
    try:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        raise error(f"{what}: {value!r} is in no year from 1 to 9999 in UTC") from None


def read_instant(text: str) -> datetime:
    """The instant that a text names, in UTC; ``ValueError`` when it names none, or has no zone."""
    try:
        value = datetime.fromisoformat(text)
        aware = value.utcoffset() is not None and "T" in text
        value = value.astimezone(UTC) if aware else value
    except (ValueError, OverflowError):
        aware = False
    if not aware:
        raise ValueError(f"{text!r} is no instant; write it with its zone, as 2026-12-31T23:59:59Z")
    return value
