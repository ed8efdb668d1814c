"""The keys of encrypted sums: a public one for sites, a secret one that never leaves its holder."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import field, frozen

from cdt_core.errors import PrivacyError
from cdt_privacy.homomorphic.ciphertexts import Packing
from cdt_privacy.homomorphic.library import tenseal
from cdt_privacy.homomorphic.parameters import Parameters

__all__ = ["KeyHolder", "PublicKey"]

#: Bytes of a stored key beyond which it is not read: degree 32768 with all its moduli has about 12 MB.
LARGEST_KEY = 1 << 25


@frozen(eq=False)
class PublicKey:
    """What sites encrypt with and the coordinator adds with; nothing can be decrypted with it.

    Sites must have it from the key holder, not from the coordinator, or compare its :attr:`fingerprint` with what the key
    holder says: a coordinator that could choose the key could read every update.
    """

    parameters: Parameters
    stored: bytes = field(repr=False)
    context: Any = field(init=False, repr=False)
    packing: Packing = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if len(self.stored) > LARGEST_KEY:
            raise PrivacyError(f"a public key of {len(self.stored)} bytes; at most {LARGEST_KEY} are read")
        context = _loaded(self.stored)
        if context.has_secret_key():
            raise PrivacyError(
                "this key holds the secret key: whoever sent it lets everybody read every update; make a new one"
            )
        if not context.has_public_key() or not _is_of(context, self.parameters):
            raise PrivacyError("this is no public key of these parameters; ask the key holder for both again")
        object.__setattr__(self, "context", context)
        object.__setattr__(self, "packing", Packing.of(context, self.parameters))

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the key's bytes: the name by which all roles know it."""
        return hashlib.sha256(self.stored).digest()


class KeyHolder:
    """Holds the secret key and decrypts sums, rounded; one sum per round (:meth:`begin`).

    Decryptions of CKKS carry noise that depends on the secret key, and a few of them give it away ([1]_). Here sums are whole
    numbers and the noise is far below half of one, so that what leaves is the exact sum, a function of the updates alone;
    a ciphertext whose noise is larger than that is not answered. That it was not can itself tell about a bit of the key, and
    it is told once at most: the first refused sum retires the key (:meth:`retire`), in every round that it takes part in.

    References
    ----------
    .. [1] Li, Micciancio, "On the Security of Homomorphic Encryption on Approximate Numbers", EUROCRYPT 2021.

    Examples
    --------
    >>> holder = KeyHolder()
    >>> holder.public.context.has_secret_key()
    False
    """

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()
        library = tenseal()
        try:
            self._context = library.context(
                library.SCHEME_TYPE.CKKS, self.parameters.degree, coeff_mod_bit_sizes=list(self.parameters.moduli_bits)
            )
        except (ValueError, RuntimeError) as error:
            raise PrivacyError(f"TenSEAL refuses {self.parameters}: {error}") from error
        self._context.global_scale = 2.0**self.parameters.scale_bits
        stored = self._context.serialize(
            save_public_key=True, save_secret_key=False, save_galois_keys=False, save_relin_keys=False
        )
        self.public = PublicKey(self.parameters, stored)
        self._rounds: set[str] = set()
        self._retired_in = ""

    @property
    def secret(self) -> Any:
        """The context that decrypts, for :class:`~cdt_privacy.homomorphic.party.DecryptingParty`.

        Raises
        ------
        PrivacyError
            The key was retired; names the round whose sum was refused.
        """
        if self._context is None:
            raise PrivacyError(
                f"this key was retired when the sum of round {self._retired_in!r} was refused: nothing is decrypted with it "
                "any more; make a new KeyHolder and give the sites its public key"
            )
        return self._context

    def begin(self, name: str) -> None:
        """Take part in a round, once.

        Raises
        ------
        PrivacyError
            It took part before: a second sum of the same round, with a site less, would be that site's update. Or the key
            was retired.
        """
        _ = self.secret
        if name in self._rounds:
            raise PrivacyError(f"the key holder took part in round {name!r} before; one sum per round is decrypted")
        self._rounds.add(name)

    def retire(self, name: str) -> None:
        """Forget the secret key for good, because the sum of that round was refused. Rounds that wait end without a sum."""
        if self._context is not None:
            self._context, self._retired_in = None, name


def _is_of(context: Any, parameters: Parameters) -> bool:
    """Scheme, degree, each modulus and the scale: smaller moduli would let sums wrap."""
    try:
        scale = context.global_scale
    except ValueError:  # another scheme has none
        return False
    modulus = context.seal_context().data.key_context_data().parms()
    bits = tuple(one.bit_count() for one in modulus.coeff_modulus())
    stated = (parameters.degree, parameters.moduli_bits, 2.0**parameters.scale_bits)
    return bool((modulus.poly_modulus_degree(), bits, scale) == stated)


def _loaded(stored: bytes) -> Any:
    try:
        return tenseal().context_from(stored)
    except (ValueError, RuntimeError, TypeError) as error:
        raise PrivacyError(
            f"these {len(stored)} bytes are no key of TenSEAL: {error}; ask the key holder again"
        ) from error
