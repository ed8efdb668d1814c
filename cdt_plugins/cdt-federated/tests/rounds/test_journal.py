"""Whatever of the journal a power cut takes with it, what was acknowledged is resumed, and nothing else is believed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from federation import coordinator_of, expected_mean, plain, roster_of, sites_of

from cdt_core.errors import FederatedError
from cdt_federated.rounds import InProcess, Journal, run_round

ROSTER = roster_of(2)


class PowerCutError(BaseException):
    """The machine stops here."""


class Disk:
    """A disk that has of each file what was synced, and perhaps what was written since; it stops before the n-th call."""

    def __init__(self, monkeypatch, folder, calls_left):
        self.folder, self.calls_left = folder, calls_left
        self.synced = {}
        for name in ("pwrite", "fsync", "replace", "unlink", "link", "ftruncate"):
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name, real):
        def call(*arguments, **options):
            self.calls_left -= 1
            if self.calls_left < 0:
                raise PowerCutError
            done = real(*arguments, **options)
            if name == "fsync":
                self._sync(arguments[0])
            return done

        return call

    def _sync(self, handle):
        status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode):
            self.synced[status.st_ino] = Path(f"/proc/self/fd/{handle}").read_bytes()

    def after_the_cut(self, lost):
        """Take back, of files whose names end so, what was not synced."""
        for path in self.folder.iterdir():
            if path.name.endswith(lost):
                path.write_bytes(self.synced.get(path.stat().st_ino, b""))


def rounds_until_cut(folder, acknowledged):
    """A round and half of the next, whose answers come one by one."""
    deliver = InProcess(sites_of(ROSTER))
    journal = Journal(folder)
    try:
        coordinator = coordinator_of(ROSTER, journal=journal)
        for round_ in (1, 2):
            for answer in list(deliver(coordinator.begin(plain, b"add")))[: 3 - round_]:
                assert coordinator.receive(answer).accepted
                acknowledged.append(round_)
    finally:
        with suppress(FederatedError):  # what waits is lost with the machine
            journal.close()


@pytest.mark.parametrize("lost", [(), (".answers",), (".jsonl", ".head"), (".answers", ".jsonl", ".head")])
def test_after_a_power_cut_all_that_was_acknowledged_is_resumed(tmp_path, lost):
    """Files reach the disk in any order where nobody asks for one: each may have lost what was not synced, or not."""
    for step in range(1000):
        folder, acknowledged = tmp_path / str(step), []
        with pytest.MonkeyPatch.context() as patched:
            disk = Disk(patched, folder, step)
            try:
                rounds_until_cut(folder, acknowledged)
                break
            except PowerCutError:
                pass
        disk.after_the_cut(lost)
        with Journal(folder) as journal:
            again = coordinator_of(ROSTER, journal=journal)
            deliver = InProcess(sites_of(ROSTER))
            assert again.round >= max(acknowledged, default=0)
            if again.round:
                pending = again.resume(plain)
                assert len(pending) <= 2 - acknowledged.count(again.round)
                assert all(receipt.accepted for receipt in again.receive_all(deliver(pending)))
            if again.round < 2:
                run_round(again, deliver, plain)
            assert np.allclose(again.result().values, expected_mean(ROSTER.names, again.round), rtol=1e-14)
    assert len(acknowledged) == 3
    assert step > 40
