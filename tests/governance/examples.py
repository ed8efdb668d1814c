"""An agreement of three hospitals, requests that it allows, and logs on disk."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.governance import AuditLog, Request, read_agreement

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: Keys from fixed seeds: the same log, to the byte, in each run but for its random name.
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))

TREE = {
    "schema": "cdt.agreement",
    "version": 1,
    "name": "breast-cancer-2026",
    "parties": [
        {"name": "basel", "region": "CH", "key": "aa" * 32},
        {"name": "lyon", "region": "EU"},
        {"name": "torino", "region": "EU"},
    ],
    "people": [
        {"name": "ana", "roles": ["analyst"], "party": "basel", "key": "bb" * 32},
        {"name": "sam", "roles": ["steward", "analyst"]},
        {"name": "ada", "roles": ["auditor"]},
    ],
    "may_ask": {"analyst": ["round", "statistic"], "steward": ["release"], "auditor": ["audit"]},
    "purposes": ["outcome research"],
    "details": ["groups", "sums", "models"],
    "begins": "2026-01-01T00:00:00Z",
    "expires": "2027-01-01T00:00:00+01:00",
    "minimum_group_size": 10,
    "minimum_sites": 2,
    "budget": {"epsilon": 1.0, "delta": 1e-5},
    "transfers": [
        {"from": "CH", "to": "EU", "details": ["sums", "models"]},
        {"from": "*", "to": "US", "details": ["models"]},
        {"from": "EU", "to": "*", "details": ["sums", "models"]},
        {"from": "CH", "to": "RU", "details": []},
    ],
    "carriers": ["secure_sum"],
    "rules": ["mean", "median"],
}


def agreement(**changes: object):
    """The agreement with other values under some keys; None takes a key away."""
    tree = {key: value for key, value in {**TREE, **changes}.items() if value is not None}
    return read_agreement(json.dumps(tree), "agreement.json")


def request(**changes: object) -> Request:
    """A request that the agreement allows, with changes."""
    return Request(
        **{
            "actor": "ana",
            "kind": "statistic",
            "purpose": "outcome research",
            "sites": ("basel", "lyon"),
            "detail": "sums",
            "destination": "EU",
            "group_size": 25,
            "epsilon": 0.1,
            "delta": 1e-6,
            "carrier": "secure_sum",
            "rule": "mean",
            **changes,
        }
    )


def written(path: Path, groups: tuple[int, ...] = (3, 2, 4), key: Ed25519PrivateKey = KEY):
    """A log with so many entries in each group; returns its heads, the first of none."""
    with AuditLog(path, key, now=NOW) as log:
        heads = [log.head]
        for size in groups:
            for _ in range(size):
                log.append(NOW, "ana", {"kind": "statistic", "subject": f"table {log.count}"}, {"allowed": True})
            heads.append(log.commit())
    return heads


def interrupted_at(step: int, call: Callable[[], object], *modules: ModuleType) -> bool:
    """Whether ``call`` was interrupted, as it was about to run line ``step`` of those that it runs of the modules."""
    left, files = step, {module.__file__ for module in modules}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in files or frame.f_code.co_name == "__del__":  # there, Python swallows it
            return None
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False
