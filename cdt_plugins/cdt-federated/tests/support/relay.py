"""An exchange of three stages, for tests of what several stages need: commit, open, confirm."""

from __future__ import annotations

import hashlib

import numpy as np

from cdt_core.errors import ProtocolError


class RelayExchange:
    """Sites commit to a number, open it, and confirm the sum; it reveals no sum of fewer than ``least``."""

    stages = ("commit", "open", "confirm")

    def __init__(self, sites, least=2):
        self.sites, self.least = tuple(sites), least
        self.commitments, self.numbers, self.confirmed = {}, {}, set()

    def begin(self):
        return dict.fromkeys(self.sites, b"commit")

    def receive(self, stage, site, payload):
        if stage == "commit":
            if len(payload) != 32:
                raise ProtocolError(f"{site}: a commitment has 32 bytes")
            self.commitments[site] = payload
        elif stage == "open":
            if hashlib.sha256(payload).digest() != self.commitments[site]:
                raise ProtocolError(f"{site}: not what it committed to")
            self.numbers[site] = int.from_bytes(payload, "little")
        else:
            self.confirmed.add(site)

    def close(self, stage):
        here = {"commit": self.commitments, "open": self.numbers, "confirm": self.confirmed}[stage]
        if len(here) < self.least:
            raise ProtocolError(f"{len(here)} sites are left, {self.least} are needed")
        if stage == "commit":
            return {site: b"open" for site in self.sites if site in here}
        if stage == "open":
            return {site: str(sum(self.numbers.values())).encode() for site in self.sites if site in here}
        return {}

    def result(self):
        return np.array([float(sum(self.numbers.values()))])

    @property
    def dropped(self):
        return tuple(site for site in self.sites if site not in self.numbers)


class RelayParty:
    def __init__(self, number):
        self.number, self.asked = number, []

    def answer(self, stage, payload):
        self.asked.append(stage)
        number = self.number.to_bytes(4, "little")
        if stage == "commit":
            return hashlib.sha256(number).digest()
        return number if stage == "open" else b"yes"

    def saved(self):
        return self.number.to_bytes(4, "little")
