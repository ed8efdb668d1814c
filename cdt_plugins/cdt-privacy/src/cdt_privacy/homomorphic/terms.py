"""What all roles of an encrypted round agree on beforehand."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from cdt_core.errors import PrivacyError

__all__ = ["LONGEST_NAME", "Terms"]

#: Bytes of a round's or a site's name.
LONGEST_NAME = 256


def _text(self: Any, attribute: Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or not value.isprintable():
        raise PrivacyError(f"the round's name is {value!r}; give printable text")


def _whole(self: Any, attribute: Attribute[int], value: Any) -> None:
    if type(value) is not int:
        raise PrivacyError(f"{attribute.name} is {value!r}; give a whole number")


@frozen(kw_only=True)
class Terms:
    """One round: its name, the vectors' length, how many sites are asked and how few may answer.

    ``least_sites`` is what the key holder insists on: a sum of fewer is never decrypted.
    """

    round: str = field(validator=_text)
    length: int = field(validator=_whole)
    sites: int = field(validator=_whole)
    least_sites: int = field(validator=_whole)

    def __attrs_post_init__(self) -> None:
        if not 0 < len(self.round.encode()) <= LONGEST_NAME:
            raise PrivacyError(f"the round's name has {len(self.round.encode())} bytes; give 1 to {LONGEST_NAME}")
        if not 1 <= self.length <= 2**31:
            raise PrivacyError(f"vectors of {self.length} numbers cannot be summed; 1 to 2**31 can")
        if not 2 <= self.least_sites <= self.sites:
            raise PrivacyError(
                f"{self.least_sites} of {self.sites} sites must answer; give 2 (one alone is its update) to all"
            )
