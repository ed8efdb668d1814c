"""Which rule, which carrier and which noise go together, and why the others do not."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from enum import Enum
from typing import Any, TypeVar

from attrs import Attribute, field, frozen

from cdt_core.errors import PrivacyError
from cdt_core.hooks import Aggregator

__all__ = ["Carrier", "Combination", "Noise", "Pipeline"]

_Kind = TypeVar("_Kind", bound=Enum)


class Carrier(Enum):
    """How updates reach the coordinator, and so what it sees of them."""

    PLAIN = "plain"
    SECURE = "secure"
    GROUPED = "grouped"
    ENCRYPTED = "encrypted"


class Noise(Enum):
    """Who adds noise: nobody, the coordinator to the sum, each site enough for itself, or each site a share of it."""

    NONE = "none"
    CENTRAL = "central"
    LOCAL = "local"
    DISTRIBUTED = "distributed"


_SEES = {
    Carrier.PLAIN: "the coordinator sees every update",
    Carrier.SECURE: "the coordinator sees the sum of the updates and nothing else of them",
    Carrier.GROUPED: "the coordinator sees one sum per group of {group_size} sites and nothing else of the updates",
    Carrier.ENCRYPTED: "the coordinator sees ciphertexts, the key holder the sum",
}

#: What a carrier or noise needs, and what to install where it is missing.
_BACK_ENDS = {
    Carrier.SECURE: ("cdt_privacy.secure", "a cdt-privacy with secure sums"),
    Carrier.GROUPED: ("cdt_privacy.secure", "a cdt-privacy with secure sums"),
    Carrier.ENCRYPTED: ("tenseal", "pip install 'cdt-privacy[ckks]'"),
    Noise.CENTRAL: ("dp_accounting", "pip install 'dp-accounting>=0.6,<0.7'"),
    Noise.LOCAL: ("dp_accounting", "pip install 'dp-accounting>=0.6,<0.7'"),
    Noise.DISTRIBUTED: ("dp_accounting", "pip install 'dp-accounting>=0.6,<0.7'"),
}


def _carrier(value: Any) -> Carrier:
    return _member(Carrier, value)


def _noise(value: Any) -> Noise:
    return _member(Noise, value)


def _member(kind: type[_Kind], value: Any) -> _Kind:
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(repr(one.value) for one in kind)
        raise PrivacyError(f"{value!r} is no {kind.__name__.lower()}; give one of {known}") from error


def _rule(self: Combination, attribute: Attribute[Aggregator], value: Any) -> None:
    if not isinstance(value, Aggregator):
        raise PrivacyError(f"the rule is {value!r}; give the descriptor that a plugin's hook cdt_aggregators returns")


def _yes_or_no(self: Combination, attribute: Attribute[bool], value: Any) -> None:
    if not isinstance(value, bool):
        raise PrivacyError(f"{attribute.name} is {value!r}; it must be True or False")


def _count(self: Combination, attribute: Attribute[int], value: int) -> None:
    if type(value) is not int or value < 0:
        raise PrivacyError(f"{attribute.name} is {value!r}; it must be a whole number of at least 0")


@frozen
class Pipeline:
    """A combination that is sound: its steps in order, what the coordinator sees, and what protects a contribution."""

    steps: tuple[str, ...]
    sees: str
    promise: str

    def __str__(self) -> str:
        numbered = (f"{number}. {step}" for number, step in enumerate(self.steps, 1))
        return "\n".join((*numbered, f"seen: {self.sees}", f"promise: {self.promise}"))


@frozen(kw_only=True)
class Combination:
    """What a round is to be made of.

    Parameters
    ----------
    rule
        Descriptor of the aggregator; ``additive`` and ``breakdown`` decide.
    carrier, noise
        How updates travel, and who adds noise.
    sites
        Sites that are asked.
    least_sites
        Fewest sites whose updates must be in each sum (in each group's, for ``GROUPED``) for the round to give anything; 0
        stands for all. With distributed noise the figure is for this many: plan it by the drop-outs that you expect.
    colluding
        Sites that may tell the coordinator the noise that they added.
    corrupt
        Sites that may send anything, and so may leave out their noise: none of theirs is counted, as of those that collude.
    group_size
        Sites of a group, for ``GROUPED``.
    server_trusted
        The coordinator may see what the carrier shows before noise is added, and forgets it.

    Examples
    --------
    >>> from cdt_core.hooks import Aggregator
    >>> median = Aggregator(name="median", function="cdt_robust.median:median", breakdown=0.5)
    >>> Combination(rule=median, carrier=Carrier.SECURE, noise=Noise.DISTRIBUTED, sites=20).reasons()[0]
    "median has to see updates, which a secure sum hides; use grouped secure sums, and the rule over groups' sums"
    >>> combination = Combination(
    ...     rule=median, carrier=Carrier.GROUPED, noise=Noise.DISTRIBUTED, sites=20, group_size=4, least_sites=3, corrupt=2
    ... )
    >>> combination.reasons()
    ()
    """

    rule: Aggregator = field(validator=_rule)
    carrier: Carrier = field(converter=_carrier)
    noise: Noise = field(converter=_noise)
    sites: int = field(validator=_count)
    least_sites: int = field(default=0, validator=_count)
    colluding: int = field(default=0, validator=_count)
    corrupt: int = field(default=0, validator=_count)
    group_size: int = field(default=0, validator=_count)
    server_trusted: bool = field(default=False, validator=_yes_or_no)

    @property
    def summed(self) -> int:
        """Sites in one sum: all, or those of one group (the last group takes what is left over, and has more)."""
        return self.group_size if self.carrier is Carrier.GROUPED else self.sites

    @property
    def most(self) -> int:
        """Most sites in one sum: all, or those of the last group."""
        return self.sites - (self.groups - 1) * self.group_size if self.carrier is Carrier.GROUPED else self.sites

    @property
    def groups(self) -> int:
        """Sums of a round."""
        return self.sites // self.group_size if self.carrier is Carrier.GROUPED and self.group_size else 1

    @property
    def least(self) -> int:
        """Fewest sites in one sum."""
        return self.least_sites or self.summed

    @property
    def shares(self) -> int:
        """Shares of noise in a sum that nobody but their sites knows, at the least."""
        return self.unknown_shares(self.least)

    def unknown_shares(self, sites_in: int) -> int:
        """Shares of noise, of a sum of ``sites_in`` sites, that were added for certain and are told to nobody."""
        return sites_in - self.colluding - self.corrupt

    def reasons(self) -> tuple[str, ...]:
        """Everything that makes it unsound; empty when nothing does."""
        return (*_carrier_reasons(self), *_rule_reasons(self), *_noise_reasons(self))

    def pipeline(self) -> Pipeline:
        """The steps of a sound combination whose back ends are installed.

        Raises
        ------
        PrivacyError
            It is unsound (all reasons), or something that it needs is missing; nothing else takes its place.
        """
        reasons = self.reasons()
        if reasons:
            raise PrivacyError(
                f"{self.rule.name} over {self.carrier.value} sums, {self.noise.value} noise: {'; '.join(reasons)}"
            )
        for part in (self.carrier, self.noise):
            module, remedy = _BACK_ENDS.get(part, ("", ""))
            if module and not _installed(module):
                raise PrivacyError(
                    f"{part.value} needs {module}, which is not installed, and nothing takes its place: {remedy}"
                )
        return Pipeline(tuple(_steps(self)), _SEES[self.carrier].format(group_size=self.group_size), _promise(self))


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _carrier_reasons(one: Combination) -> Iterator[str]:
    if one.sites < 1:
        yield "a round needs at least one site"
    if not 1 <= one.least <= max(one.summed, 1):
        yield f"{one.least} sites must be in a sum of {one.summed}"
    if one.carrier is not Carrier.GROUPED:
        if one.group_size:
            yield f"a {one.carrier.value} carrier has no groups; leave group_size out"
        if one.carrier is not Carrier.PLAIN and one.least < 2:
            yield "the sum of one site is its update; at least two must be in it"
        return
    if one.least < 2:
        yield "a group's sum of a single site is its update, which the secure sum was to hide; let at least two be in each"
    if one.group_size > one.sites:
        yield f"groups of {one.group_size} cannot be made of {one.sites} sites"


def _rule_reasons(one: Combination) -> Iterator[str]:
    name, rule = one.rule.name, one.rule
    if not rule.additive and one.carrier is Carrier.SECURE:
        yield f"{name} has to see updates, which a secure sum hides; use grouped secure sums, and the rule over groups' sums"
    if not rule.additive and one.carrier is Carrier.ENCRYPTED:
        yield f"{name} has to compare updates, and ciphertexts can only be added; use grouped secure sums"
    if not one.corrupt:
        return
    if rule.additive:
        yield f"{name} is moved anywhere by one corrupt site, and here {one.corrupt} may be; use a robust rule"
    elif one.carrier in (Carrier.PLAIN, Carrier.GROUPED):
        votes, of = (
            (one.groups, "groups, each spoilt by one site of its own,")
            if one.carrier is Carrier.GROUPED
            else (one.sites, "sites")
        )
        if one.corrupt >= rule.breakdown * votes:
            yield f"{name} holds while fewer than {rule.breakdown:g} of {votes} {of} are corrupt, and {one.corrupt} may be"


def _noise_reasons(one: Combination) -> Iterator[str]:
    if one.noise is Noise.CENTRAL:
        if not one.rule.additive:
            yield (
                f"central noise after {one.rule.name} needs its sensitivity, which is not that of a sum and is not known here; "
                "let sites add noise, and the rule follow it"
            )
        if not one.server_trusted:
            shown = "every update" if one.carrier is Carrier.PLAIN else "the exact sum"
            yield f"the coordinator sees {shown} before it adds noise, and is not trusted with it; let sites add noise"
    if one.noise is Noise.DISTRIBUTED:
        if one.carrier is Carrier.PLAIN:
            yield "a share of noise does not protect an update that the coordinator sees alone; use secure sums, or local noise"
        elif one.shares < 1:
            yield (
                f"of {one.least} shares of noise in a sum {one.colluding} may be told to the coordinator and {one.corrupt} "
                "left out by corrupt sites, which leaves none; use larger groups, or local noise"
            )


def _steps(one: Combination) -> Iterator[str]:
    yield "each site clips its contributions and rounds them, at random, to the lattice"
    if one.noise is Noise.LOCAL:
        yield "each site adds discrete noise that is enough for itself"
    if one.noise is Noise.DISTRIBUTED:
        yield f"each site adds a share of discrete Gaussian noise, 1/{one.shares} of its variance"
    yield {
        Carrier.PLAIN: "updates go to the coordinator",
        Carrier.SECURE: "updates are masked and summed modulo a power of two; masks cancel, drop-outs are recovered",
        Carrier.GROUPED: f"{one.groups} groups of at least {one.group_size} sites: masked sums modulo a power of two in each",
        Carrier.ENCRYPTED: "updates are encrypted for a key holder, summed by the coordinator; the sum is decrypted, rounded",
    }[one.carrier]
    if one.noise is Noise.CENTRAL:
        yield "the coordinator adds discrete noise to the sum"
    if one.carrier is Carrier.GROUPED:
        yield f"the coordinator applies {one.rule.name} to the groups' means"
    else:
        yield f"the coordinator decodes, and applies {one.rule.name}"


def _promise(one: Combination) -> str:
    if one.noise is Noise.NONE:
        return "none beyond what is not seen: a result without noise can tell of one contribution"
    where = {
        Noise.CENTRAL: "of whatever the coordinator releases",
        Noise.LOCAL: "of everything that leaves a site",
        Noise.DISTRIBUTED: f"of every sum, for {one.least} sites in it of which {one.colluding} tell their noise"
        + (f" and {one.corrupt} add none" if one.corrupt else ""),
    }[one.noise]
    return f"differential privacy {where}; each contribution is in one sum only"
