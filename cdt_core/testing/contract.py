"""How a broken contract is told: one kind of error, that pytest shows as a failed assertion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cdt_core.errors import PluginError
from cdt_core.hooks.descriptor import Descriptor

__all__ = ["ContractError", "called", "loaded", "require"]


class ContractError(AssertionError):
    """A plugin does not keep what its descriptor promises; says which promise, and on what it was broken."""


def require(kept: bool, broken: str) -> None:
    """Raise :class:`ContractError` with the text ``broken`` unless ``kept``; unlike ``assert``, under ``python -O`` too."""
    if not kept:
        raise ContractError(broken)


def loaded(offer: Any, kind: type[Descriptor]) -> Any:
    """The function or class of a descriptor of the given kind."""
    require(isinstance(offer, kind), f"{offer!r} is a {type(offer).__name__}, not a {kind.__name__} descriptor")
    try:
        return offer.load()
    except PluginError as error:
        raise ContractError(str(error)) from error


def called(what: str, function: Callable[..., Any], *arguments: Any, **parameters: Any) -> Any:
    """The result of a call that must not raise."""
    try:
        return function(*arguments, **parameters)
    except Exception as error:  # whatever a plugin raises is what is looked for
        raise ContractError(f"{what} raised {type(error).__name__}: {error}") from error
