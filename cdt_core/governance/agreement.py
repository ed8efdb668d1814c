"""Agreements: who may ask what of whose data, for which purpose, until when, and what may leave."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from cdt_core.errors import CertificateError
from cdt_core.governance.instants import instant_text
from cdt_core.governance.writing import agreement_digest

__all__ = ["ANYWHERE", "DETAILS", "KINDS", "ROLES", "Agreement", "Budget", "Party", "Person", "Transfer", "is_number"]

#: What a person may be: owners decide about data, stewards let results out, analysts ask, auditors read the log.
ROLES = ("owner", "steward", "analyst", "auditor")

#: What may be asked: a round of learning, a statistic over sites, a release to others, and a look into the log.
KINDS = ("round", "statistic", "release", "audit")

#: What leaves a site: single records, counts or means of groups, sums over all records, or trained parameters.
DETAILS = ("rows", "groups", "sums", "models")

#: In a transfer: every region.
ANYWHERE = "*"

_KEY = re.compile(r"[0-9a-f]{64}")


def _several(values: Iterable[Any]) -> tuple[Any, ...]:
    """A tuple; one text alone is refused, for its letters would be taken one by one."""
    if isinstance(values, str):
        raise CertificateError(f"{values!r} is one text where several are wanted; give a tuple, as in ({values!r},)")
    try:
        return tuple(values)
    except TypeError as error:
        raise CertificateError(f"{values!r} is one value where several are wanted; give a tuple") from error


def _several_or_any(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else _several(values)


def _unchanging(may_ask: Mapping[str, Iterable[str]]) -> Mapping[str, tuple[str, ...]]:
    """A copy that nobody can change: decisions are logged by a digest that is computed once."""
    if not isinstance(may_ask, Mapping):
        raise CertificateError(f"may_ask: {may_ask!r} maps no roles to kinds of requests")
    return MappingProxyType({role: _several(kinds) for role, kinds in may_ask.items()})


@frozen(kw_only=True)
class Party:
    """A site with data, and the region whose law it is under. ``key``: its Ed25519 public key, 64 hexadecimal digits."""

    name: str
    region: str
    key: str = ""

    def __attrs_post_init__(self) -> None:
        _check_names(party=self.name, region=self.region)
        if self.region == ANYWHERE:
            raise CertificateError(f"party {self.name!r}: the region {ANYWHERE!r} stands for every one; name its own")
        _check_key(self.key)


@frozen(kw_only=True)
class Person:
    """Someone who may ask, with one or more of :data:`ROLES`; of a party, or of none."""

    name: str
    roles: tuple[str, ...] = field(converter=_several)
    party: str = ""
    key: str = ""

    def __attrs_post_init__(self) -> None:
        _check_names(person=self.name)
        _check_known("role", self.roles, ROLES)
        _check_key(self.key)


@frozen
class Budget:
    """Differential privacy that may be spent, or was: (epsilon, delta).

    Examples
    --------
    >>> Budget(1.0, 1e-5)
    Budget(epsilon=1.0, delta=1e-05)
    """

    epsilon: float = 0.0
    delta: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not (is_number(self.epsilon) and self.epsilon >= 0):
            raise CertificateError(f"epsilon {self.epsilon!r} is no finite number of at least 0")
        if not (is_number(self.delta) and 0 <= self.delta < 1):
            raise CertificateError(f"delta {self.delta!r} is no number in [0, 1)")


@frozen(kw_only=True)
class Transfer:
    """What may cross from a region to another: details of :data:`DETAILS`, or nothing. ``"*"`` stands for every region."""

    source: str
    destination: str
    details: tuple[str, ...] = field(converter=_several)

    def __attrs_post_init__(self) -> None:
        _check_names(source=self.source, destination=self.destination)
        if self.details:
            _check_known("detail", self.details, DETAILS)


@frozen(kw_only=True, slots=False)
class Agreement:
    """What the parties agreed. Made by :func:`cdt_core.governance.read_agreement` from JSON, or here by its values.

    ``may_ask`` maps roles to kinds of requests; what no role may ask, nobody may. ``details`` is what may leave a site at
    all, ``transfers`` what of it may cross a border: a transfer of exactly these two regions decides; else all those with
    ``"*"`` that match must allow it; and where none matches, nothing crosses. ``carriers`` and ``rules`` name the ways of
    summing and the rules of aggregation that rounds and statistics must use; None allows every one. ``budget`` is all that
    may ever be spent; None says that no differential privacy is asked for.

    Raises
    ------
    CertificateError
        A value has no meaning, a name stands twice, or a person is of a party that is not there.
    """

    name: str
    parties: tuple[Party, ...] = field(converter=_several)
    people: tuple[Person, ...] = field(converter=_several)
    may_ask: Mapping[str, tuple[str, ...]] = field(converter=_unchanging)
    purposes: tuple[str, ...] = field(converter=_several)
    details: tuple[str, ...] = field(converter=_several)
    expires: datetime
    begins: datetime | None = None
    minimum_group_size: int = 1
    minimum_sites: int = 1
    budget: Budget | None = None
    transfers: tuple[Transfer, ...] = field(default=(), converter=_several)
    carriers: tuple[str, ...] | None = field(default=None, converter=_several_or_any)
    rules: tuple[str, ...] | None = field(default=None, converter=_several_or_any)
    description: str = ""

    def __attrs_post_init__(self) -> None:
        _check_names(agreement=self.name)
        self._check_kinds()
        _check_once("parties", [party.name for party in self.parties])
        _check_once("people", [person.name for person in self.people])
        _check_once("keys", [key for key in (*_keys(self.parties), *_keys(self.people)) if key], least=0)
        _check_once("transfers", [f"{each.source} to {each.destination}" for each in self.transfers], least=0)
        _check_once("purposes", self.purposes)
        _check_known("detail", self.details, DETAILS)
        for name, given in (("carriers", self.carriers), ("rules", self.rules)):
            if given is not None:
                _check_once(name, given)
        for name in ("minimum_group_size", "minimum_sites"):
            _check_count(name, getattr(self, name))
        self._check_roles()
        self._check_times()

    def _check_kinds(self) -> None:
        for name, kind in (("parties", Party), ("people", Person), ("transfers", Transfer)):
            wrong = [value for value in getattr(self, name) if not isinstance(value, kind)]
            if wrong:
                raise CertificateError(f"{name}: {wrong[0]!r} is no {kind.__name__}")
        if not isinstance(self.budget, Budget | None):
            raise CertificateError(f"budget: {self.budget!r} is no {Budget.__module__}.Budget")
        if not isinstance(self.description, str):
            raise CertificateError(f"description: {self.description!r} is no text")

    def _check_roles(self) -> None:
        _check_known("role of may_ask", tuple(self.may_ask), ROLES)
        for role, kinds in self.may_ask.items():
            _check_known(f"kind that may_ask.{role}", kinds, KINDS)
        names = {party.name for party in self.parties}
        for person in self.people:
            if person.party and person.party not in names:
                raise CertificateError(f"people: {person.name!r} is of {person.party!r}, which is no party")

    def _check_times(self) -> None:
        instant_text(self.expires, "expires", CertificateError)
        if self.begins is not None:
            instant_text(self.begins, "begins", CertificateError)
            if self.begins >= self.expires:
                raise CertificateError("expires: the agreement ends before it begins")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the agreement's canonical JSON, in hexadecimal: by what a decision was made."""
        return agreement_digest(self)

    def party(self, name: str) -> Party | None:
        """The party of that name."""
        return next((party for party in self.parties if party.name == name), None)

    def person(self, name: str) -> Person | None:
        """The person of that name."""
        return next((person for person in self.people if person.name == name), None)

    def person_with_key(self, key: str) -> Person | None:
        """The person whose public key this is (64 hexadecimal digits); who proves to hold it is this person."""
        return next((person for person in self.people if key and person.key == key.lower()), None)


def _keys(those: Sequence[Party] | Sequence[Person]) -> list[str]:
    return [each.key for each in those]


def is_number(value: object) -> bool:
    """Whether it is a number, and one that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _check_names(**names: str) -> None:
    for what, name in names.items():
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise CertificateError(f"{what} {name!r} is no name of printable characters")


def _check_key(key: str) -> None:
    if not isinstance(key, str) or (key and not _KEY.fullmatch(key)):
        raise CertificateError(f"key {key!r} is no Ed25519 public key of 64 hexadecimal digits in lower case")


def _check_known(what: str, values: Sequence[str], known: Sequence[str]) -> None:
    unknown = [value for value in values if value not in known]
    if unknown or not values or len(set(values)) < len(values):
        raise CertificateError(f"{what}: {list(values)!r} must be one or more of {', '.join(known)}, each once")


def _check_once(what: str, values: Sequence[str], least: int = 1) -> None:
    twice = [value for position, value in enumerate(values) if value in values[:position]]
    if twice:
        raise CertificateError(f"{what}: {twice[0]!r} stands there twice")
    if len(values) < least or not all(isinstance(v, str) and v.strip() and v.isprintable() for v in values):
        raise CertificateError(
            f"{what}: at least {least} printable texts that are not empty are wanted, not {values!r}"
        )


def _check_count(what: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise CertificateError(f"{what}: {value!r} is no whole number of at least 1")
