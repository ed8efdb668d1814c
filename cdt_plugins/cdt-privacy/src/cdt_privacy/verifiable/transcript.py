"""What a proof is about, hashed into its challenge, so that it proves nothing else.

A. Fiat, A. Shamir, How to prove yourself, CRYPTO 1986, in its strong form: the whole statement, who proves it and in which
round are hashed before the announcements (D. Bernhard, O. Pereira, B. Warinschi, How not to prove yourself, ASIACRYPT 2012).
"""

from __future__ import annotations

import hashlib

from cdt_privacy.verifiable.group import ORDER

__all__ = ["Transcript"]

_DOMAIN = b"cdt verifiable sums, version 1"


class Transcript:
    """Fields in their order, each with its label and length; a challenge is a hash of all of them.

    Parameters
    ----------
    protocol
        Which proof this is: none passes for another.
    round, site
        Where it belongs: a proof of another round or site does not verify.

    Examples
    --------
    >>> one, other = Transcript("opening", "study/1", "basel"), Transcript("opening", "study/2", "basel")
    >>> one.challenge() == Transcript("opening", "study/1", "basel").challenge(), one.challenge() == other.challenge()
    (True, False)
    """

    def __init__(self, protocol: str, round: str, site: str) -> None:
        self._hash = hashlib.sha512()
        self.absorb("domain", _DOMAIN)
        for label, text in (("protocol", protocol), ("round", round), ("site", site)):
            self.absorb(label, text.encode("utf-8", "surrogatepass"))

    def absorb(self, label: str, *fields: bytes) -> None:
        """Add fields under a label."""
        name = label.encode("ascii")
        self._hash.update(len(name).to_bytes(4, "little") + name + len(fields).to_bytes(8, "little"))
        for each in fields:
            self._hash.update(len(each).to_bytes(8, "little"))
            self._hash.update(each)

    def absorb_number(self, label: str, number: int) -> None:
        """Add a number of at least 0."""
        self.absorb(label, number.to_bytes(max(1, -(-number.bit_length() // 8)), "little"))

    def copy(self) -> Transcript:
        """One that goes on from here by itself."""
        twin = object.__new__(Transcript)
        twin._hash = self._hash.copy()
        return twin

    def challenge(self) -> int:
        """A scalar that depends on every field so far; its bias is below 2^-250."""
        return int.from_bytes(self._hash.digest(), "little") % ORDER
