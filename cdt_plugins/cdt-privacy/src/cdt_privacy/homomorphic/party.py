"""Sites that encrypt, and the key holder that decrypts, as parties of a round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.homomorphic.ciphertexts import Residues, ciphertexts_of, require_residues
from cdt_privacy.homomorphic.keys import KeyHolder, PublicKey
from cdt_privacy.homomorphic.terms import LONGEST_NAME, Terms

__all__ = ["RING", "DecryptingParty", "EncryptedParty", "read_residues"]

#: What is summed: integers modulo 2^32.
RING = np.dtype(np.uint32)

#: A decrypted number farther from a whole one than this was not made by adding what sites encrypt.
_FARTHEST = 0.25


class EncryptedParty:
    """A site: encrypts its ring vector for the key holder.

    Parameters
    ----------
    public
        The key holder's key, had from the key holder.
    terms
        What was agreed on.
    update
        Ring integers, uint32 of shape (length,), as a :class:`cdt_core.kernels.lattice.Lattice` of 32 bits makes them; read as
        centred numbers.

    Raises
    ------
    PrivacyError
        Another dtype or shape, or sums that the parameters cannot hold.
    """

    def __init__(self, public: PublicKey, terms: Terms, update: NDArray[np.uint32]) -> None:
        public.parameters.require(terms.sites)
        if not isinstance(update, np.ndarray):
            raise PrivacyError(
                f"the update is {type(update).__name__}; give ring integers of {RING}, shape ({terms.length},)"
            )
        if update.dtype != RING or update.shape != (terms.length,):
            raise PrivacyError(
                f"the update is {update.dtype} of shape {update.shape}; round {terms.round!r} sums "
                f"{RING} of shape ({terms.length},)"
            )
        self._public = public
        self._terms = terms
        self._update: NDArray[np.uint32] | None = update

    def answer(self, stage: str, payload: bytes) -> bytes:
        """The update's ciphertexts, once. About 1.1 s per million numbers, 32 MB."""
        reader = FieldReader(payload, f"request of stage {stage!r}")
        _require(reader, stage == "encrypted", "a site is asked only to encrypt")
        _require(reader, reader.text(LONGEST_NAME) == self._terms.round, f"not of round {self._terms.round!r}")
        _require(reader, reader.fixed(32) == self._public.fingerprint, "another key than the key holder's")
        reader.end()
        if self._update is None:
            raise ProtocolError(f"round {self._terms.round!r} was answered before; a site answers once")
        numbers = self._update.view(np.int32).astype(np.float64)
        sealed = self._public.packing.encrypted(self._public.context, numbers)
        self._update = None
        return FieldWriter().fixed(self._public.fingerprint).array(sealed.reshape(-1), np.uint64).end()


class DecryptingParty:
    """The key holder in one round: decrypts one sum, of at least ``terms.least_sites`` updates, and rounds it.

    It has the coordinator's word for what was summed. A coordinator that lies can have one site's update decrypted and learn
    its ring integers; where that is to be feared, let each site add noise that is enough for itself (``noise="local"`` of
    :mod:`cdt_privacy.chain`; a share of noise is not), or use secure sums.
    Whether a sum is refused can also tell it about a bit of the secret key, so that a refused sum retires the key
    (:class:`KeyHolder`): rounds go on with a new one.

    Raises
    ------
    PrivacyError
        The key took part in this round before, was retired, or its parameters cannot hold the sum.
    """

    def __init__(self, holder: KeyHolder, terms: Terms) -> None:
        holder.parameters.require(terms.sites)
        holder.begin(terms.round)
        self._holder = holder
        self._terms = terms
        self._answered = False

    def answer(self, stage: str, payload: bytes) -> bytes:
        """The sum as ring integers, once. About 0.2 s per million numbers.

        Raises
        ------
        ProtocolError
            Another request than that of this round, key and number of sites, or a second one; or the sum is none of whole
            numbers, which retires the key.
        PrivacyError
            The key was retired meanwhile, by a refused sum of another round.
        """
        terms, public = self._terms, self._holder.public
        reader = FieldReader(payload, f"request of stage {stage!r}")
        _require(reader, stage == "decrypted", "a key holder is asked only to decrypt")
        _require(reader, reader.text(LONGEST_NAME) == terms.round, f"not of round {terms.round!r}")
        _require(reader, reader.fixed(32) == public.fingerprint, "another key than this one")
        sites = reader.number(4)
        _require(reader, terms.least_sites <= sites <= terms.sites, f"a sum of {sites} sites is not decrypted")
        sealed = read_residues(reader, public, terms)
        if self._answered:
            raise ProtocolError(f"a sum of round {terms.round!r} was decrypted before; one per round is")
        secret = self._holder.secret
        self._answered = True
        ring = self._rounded(public.packing.decrypted(secret, sealed)[: terms.length])
        return FieldWriter().text(terms.round).array(ring, ring.dtype).end()

    def _rounded(self, numbers: NDArray[np.float64]) -> NDArray[np.uint32]:
        """The whole numbers, as the ring has them; nothing of the noise is left."""
        whole = np.rint(numbers)
        if (
            not (np.abs(numbers - whole) <= _FARTHEST).all()
            or not (np.abs(whole) <= self._holder.parameters.largest_sum).all()
        ):
            self._holder.retire(self._terms.round)
            raise ProtocolError(
                f"the sum of round {self._terms.round!r} is none of encrypted whole numbers; nothing of it is said, and the "
                "key is retired. Find the site that sends something else, and go on with a new key"
            )
        return whole.astype(np.int64).astype(RING)


def read_residues(reader: FieldReader, public: PublicKey, terms: Terms) -> Residues:
    """Ciphertexts of the expected number and nothing after them, each residue below its modulus."""
    parameters = public.parameters
    shape = (ciphertexts_of(terms.length, parameters), 2, parameters.primes, parameters.degree)
    sealed: Residues = reader.array(np.uint64, int(np.prod(shape))).reshape(shape)
    reader.end()
    require_residues(sealed, public.packing.primes, f"ciphertexts of round {terms.round!r}")
    return sealed


def _require(reader: FieldReader, holds: bool, wrong: str) -> None:
    if not holds:
        raise reader.error(wrong)
