"""Who takes part: names, public keys and weights, agreed before the first round."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from itertools import compress

from attrs import define, field, frozen, validators
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cdt_core.errors import FederatedError
from cdt_core.model.fields import FieldWriter
from cdt_core.model.public_keys import is_public_key
from cdt_federated.checks import above_zero

__all__ = ["Member", "Roster"]

#: Bytes that a name may have; what is longer in a message is refused before it is read.
NAME_LIMIT = 128


def _named(instance: object, attribute: object, name: str) -> None:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.encode()) <= NAME_LIMIT:
        raise FederatedError(f"the name {name!r} cannot be used; give 1 to {NAME_LIMIT} bytes of printable text")


@frozen
class Member:
    """A site, or the coordinator.

    Parameters
    ----------
    name
        Printable, at most 128 bytes.
    public_key
        Ed25519 (RFC 8032), 32 bytes.
    weight
        What its updates count, usually its number of samples. It is agreed here, and never taken from a message: what a site
        can state anew in every round would buy it influence.
    """

    name: str = field(validator=_named)
    public_key: bytes = field()
    weight: float = field(default=1.0, validator=above_zero)

    @public_key.validator
    def _check_key(self, attribute: object, key: bytes) -> None:
        if not is_public_key(key):
            raise FederatedError(
                f"the key of {self.name!r} is no Ed25519 public key of 32 bytes, or one whose signatures anyone can make (a "
                "placeholder such as zeros is); give public_bytes_raw()"
            )

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey, weight: float = 1.0) -> Member:
        """A member whose private key is at hand."""
        return cls(name, public_of(key, name), weight)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key, its first 32 hexadecimal digits: who this is, whatever it calls itself."""
        return hashlib.sha256(self.public_key).hexdigest()[:32]

    def signed(self, signature: bytes, text: bytes) -> bool:
        """Whether this member's key made the signature of the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def public_of(key: Ed25519PrivateKey, name: str) -> bytes:
    """The public half of a private key; ``FederatedError`` when it is none."""
    if not isinstance(key, Ed25519PrivateKey):
        raise FederatedError(f"the key of {name!r} is a {type(key).__name__}; give an Ed25519PrivateKey")
    return key.public_key().public_bytes_raw()


def _several(sites: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sites)


@define(slots=False, frozen=True)
class Roster:
    """A federation: its name, its coordinator, its sites.

    Raises
    ------
    FederatedError
        No sites, or two members of one name or one key.

    Examples
    --------
    >>> keys = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(3)]
    >>> roster = Roster("trial", Member.of("server", keys[0]), (Member.of("a", keys[1], 120), Member.of("b", keys[2], 80)))
    >>> roster.names, roster.site("a").weight
    (('a', 'b'), 120)
    """

    federation: str = field(validator=_named)
    coordinator: Member = field(validator=validators.instance_of(Member))
    sites: tuple[Member, ...] = field(converter=_several)

    @sites.validator
    def _check_sites(self, attribute: object, sites: tuple[Member, ...]) -> None:
        everyone = (self.coordinator, *sites)
        if not sites or not all(isinstance(member, Member) for member in everyone):
            raise FederatedError(f"the roster of {self.federation!r} has no sites; give one Member for each")
        names, keys = Counter(m.name for m in everyone), Counter(m.public_key for m in everyone)
        for member in everyone:
            twice = "name" if names[member.name] > 1 else "key" if keys[member.public_key] > 1 else ""
            if twice:
                raise FederatedError(
                    f"the roster of {self.federation!r} has the {twice} of {member.name!r} twice; each member needs its own"
                )

    @cached_property
    def _by_name(self) -> dict[str, Member]:
        return {member.name: member for member in self.sites}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All sites, in the roster's order."""
        return tuple(self._by_name)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of all that the roster says: two members agree on it, or do not work together."""
        writer = FieldWriter().text("cdt.roster").text(self.federation)
        for member in (self.coordinator, *self.sites):
            writer.text(member.name).fixed(member.public_key).fixed(struct.pack("<d", member.weight))
        return hashlib.sha256(writer.end()).digest()

    def marks(self, names: Iterable[str]) -> bytes:
        """One bit for each site of the roster, the first lowest, set for those that are named: eight sites a byte."""
        wanted = set(names)
        bits = sum(1 << at for at, name in enumerate(self.names) if name in wanted)
        return bits.to_bytes(self.marks_bytes, "little")

    def marked(self, marks: bytes) -> tuple[str, ...]:
        """The sites of :meth:`marks`; ``FederatedError`` when a bit is set that no site has."""
        bits = int.from_bytes(marks, "little")
        if bits.bit_length() > len(self.sites):
            raise FederatedError(
                f"site number {bits.bit_length()} is marked, the roster has {len(self.sites)}; compare rosters"
            )
        return tuple(compress(self.names, map(int, reversed(f"{bits:b}"))))

    @property
    def marks_bytes(self) -> int:
        """Bytes of :meth:`marks`."""
        return (len(self.sites) + 7) // 8

    def site(self, name: str) -> Member | None:
        """The site of that name, or None."""
        return self._by_name.get(name)
