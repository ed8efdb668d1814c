"""What a reader has to say of a file: findings of its own, left in ``encoding[NOTES]`` of the dataset that it returns."""

from __future__ import annotations

from typing import Any

from cdt_core.model import Finding

__all__ = ["NOTES", "note"]

#: Key in ``encoding`` of a reader's result under which it leaves its own findings.
NOTES = "cdt_notes"

#: Notes that say that a part of the file was not read: the dataset is then not complete, and no level is reached.
_LOSSES = ("file_left_out", "incomplete", "level_missing", "rows_left_out", "truncated", "variable_left_out")


def note(check: str, message: str, variable: str | None = None, **evidence: Any) -> Finding:
    """A reader's own finding: a value of 1 means that it happened. What lost values is a failed one."""
    return Finding(
        check=f"core.reader.{check}",
        dimension="completeness",
        value=1,
        unit="bool",
        variable=variable,
        method="noted by the reader",
        message=message,
        verdict="fail" if check in _LOSSES else "not-assessed",
        evidence=evidence,
    )
