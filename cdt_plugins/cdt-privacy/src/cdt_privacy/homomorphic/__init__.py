"""Sums of encrypted vectors (CKKS, by TenSEAL): the coordinator adds what it cannot read, a key holder reads only the sum.

Three roles: each site is an :class:`EncryptedParty`, the coordinator an :class:`EncryptedSum`, and a :class:`KeyHolder`, which
must not be the coordinator, answers its last stage. What a site sends is as hidden as the key holder and the coordinator do
not work together; secure sums (:mod:`cdt_privacy.secure`) need no such trust and far fewer bytes. Use encryption where sites
cannot talk in several stages.
"""

from __future__ import annotations

from cdt_privacy.homomorphic.exchange import EncryptedSum
from cdt_privacy.homomorphic.keys import KeyHolder, PublicKey
from cdt_privacy.homomorphic.parameters import Parameters
from cdt_privacy.homomorphic.party import DecryptingParty, EncryptedParty
from cdt_privacy.homomorphic.terms import Terms

__all__ = ["DecryptingParty", "EncryptedParty", "EncryptedSum", "KeyHolder", "Parameters", "PublicKey", "Terms"]
