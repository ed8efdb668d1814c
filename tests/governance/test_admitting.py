"""Nothing is admitted before the log has it, and what is refused is in the log, too."""

from __future__ import annotations

import math
import os

import pytest

from cdt_core.errors import AccessError, OutputError
from cdt_core.governance import AuditLog, Budget, admit, read_entries, verify_log
from tests.governance.examples import KEY, NOW, agreement, request


def test_each_decision_is_in_the_log_before_anybody_acts(tmp_path) -> None:
    path = tmp_path / "audit.log"
    with AuditLog(path, KEY, now=NOW) as log:
        assert admit(agreement(), request(), log, now=NOW, spent=Budget()).allowed
        assert verify_log(path, KEY.public_key()).signed_entries == 1
        with pytest.raises(AccessError, match=r"does not allow this statistic: purpose .purposes.: 'ads' is none of"):
            admit(agreement(), request(purpose="ads"), log, now=NOW, spent=Budget())
        assert verify_log(path, KEY.public_key(), head=log.head).signed_entries == 2
    assert [entry.decision["allowed"] for entry in read_entries(path)] == [True, False]


def test_without_a_log_nothing_is_admitted(tmp_path, monkeypatch) -> None:
    log = AuditLog(tmp_path / "audit.log", KEY, now=NOW)

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OutputError, match="cannot be committed: Input/output error"):
        admit(agreement(), request(), log, now=NOW, spent=Budget())


@pytest.mark.parametrize(
    "said",
    [
        {"epsilon": math.nan}, {"epsilon": math.inf}, {"epsilon": 10**400}, {"group_size": object},
        {"subject": math.nan, "delta": -1.0},
        {"actor": 5}, {"actor": None}, {"actor": []}, {"sites": ([], [])}, {"sites": (None, {})}, {"kind": b"round"},
        {"detail": {1: 2}},
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused_and_logged(tmp_path, said) -> None:
    path = tmp_path / "audit.log"
    with AuditLog(path, KEY, now=NOW) as log, pytest.raises(AccessError, match="does not allow this"):
        admit(agreement(), request(**said), log, now=NOW, spent=Budget())
    (entry,) = read_entries(path)
    assert entry.decision["allowed"] is False
    assert verify_log(path, KEY.public_key()).ok
