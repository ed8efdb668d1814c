"""Frozen descriptors that hooks return: data that can be read without importing what they describe."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from attrs import field, frozen, validators

from cdt_core.errors import PluginError

__all__ = [
    "Aggregator",
    "CodecOffer",
    "Descriptor",
    "Magic",
    "Policy",
    "Processor",
    "Reader",
    "Validator",
    "load_function",
]

#: NumPy's letters for the kinds of numbers that are treated.
_KINDS = validators.matches_re(r"[iufbc]+")
_NAME = validators.matches_re(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")
_FUNCTION = validators.matches_re(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_TEXTS = validators.deep_iterable(validators.instance_of(str))


def _tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    """A tuple of ``values``; one text alone is refused, for its letters would be taken one by one (``*`` matches all)."""
    if isinstance(values, str | bytes):
        raise TypeError(f"{values!r} is one text; give a tuple of texts, as in ({values!r},)")
    return tuple(values)


@frozen(kw_only=True)
class Descriptor:
    """What all descriptors have: a name unique within its kind, the function as ``"module:attribute"``, one line of text."""

    name: str = field(validator=_NAME)
    function: str = field(validator=_FUNCTION)
    description: str = ""

    def load(self) -> Any:
        """Import the module and return the function (or class).

        Raises
        ------
        PluginError
            The module cannot be imported or lacks the attribute.
        """
        return load_function(self.function, f"{type(self).__name__.lower()} {self.name!r}")


@frozen
class Magic:
    """Bytes that a format has at a fixed offset."""

    offset: int = field(validator=validators.and_(validators.instance_of(int), validators.ge(0)))
    signature: bytes = field(validator=validators.and_(validators.instance_of(bytes), validators.min_len(1)))


@frozen(kw_only=True)
class Reader(Descriptor):
    """A file format. ``function(source: Source, allow_partial: bool) -> xarray.Dataset | xarray.DataTree``.

    ``patterns`` are shell patterns on the lower-cased file name (``"*.nc"``); ``magic`` signatures decide before
    patterns do. ``directories`` is True when a folder can be opened; ``markers`` are names of files inside, or shell
    patterns on such names, that make a folder (or zip archive) of this format (``"zarr.json"``, ``"*.dcm"``). A higher
    ``priority`` is tried first among readers that match equally well (a subformat above its container: OME-TIFF above
    TIFF).
    """

    patterns: tuple[str, ...] = field(default=(), converter=_tuple, validator=_TEXTS)
    magic: tuple[Magic, ...] = field(
        default=(), converter=_tuple, validator=validators.deep_iterable(validators.instance_of(Magic))
    )
    directories: bool = False
    markers: tuple[str, ...] = field(default=(), converter=_tuple, validator=_TEXTS)
    priority: int = field(default=0, validator=validators.instance_of(int))


@frozen(kw_only=True)
class Processor(Descriptor):
    """A transformation. ``function(values: ndarray, spec: VariableSpec, start: tuple[int, ...], **parameters) -> ndarray``
    of the same shape and dtype; deterministic; called on whole chunks, from several threads. ``dtype_kinds`` as NumPy's.
    """

    dtype_kinds: str = field(default="iuf", validator=_KINDS)


@frozen(kw_only=True)
class Validator(Descriptor):
    """A check, or a family of checks that share a pass.

    ``scope="dataset"``: ``function(subject: Subject) -> Iterable[Finding]``, called once.
    ``scope="variable"``: a class that keeps :class:`cdt_core.hooks.contracts.VariableSummary`, made per variable whose
    dtype kind is in ``dtype_kinds``, whose ``role`` is in ``roles`` and that has at least ``min_ndim`` dimensions.
    ``checks`` names the findings that it makes: when it crashes, each becomes a ``not-assessed`` finding.
    """

    scope: str = field(default="variable", validator=validators.in_(("variable", "dataset")))
    checks: tuple[str, ...] = field(default=(), converter=_tuple, validator=_TEXTS)
    dtype_kinds: str = field(default="iufb", validator=_KINDS)
    roles: tuple[str, ...] = field(
        default=("data",), converter=_tuple, validator=validators.deep_iterable(validators.in_(("data", "coordinate")))
    )
    min_ndim: int = field(default=0, validator=validators.instance_of(int))


@frozen(kw_only=True)
class Aggregator(Descriptor):
    """A rule for updates. ``function(updates: ndarray (sites, length) float, weights: ndarray (sites,), **parameters) ->
    ndarray (length,)``.

    ``breakdown`` is the share of arbitrary updates that it tolerates (0 for a mean, 0.5 for a median); ``additive`` is True
    when the rule is a weighted sum, so that it can run under secure aggregation.
    """

    breakdown: float = field(default=0.0, validator=[validators.ge(0), validators.le(1)])
    additive: bool = False


@frozen(kw_only=True)
class CodecOffer(Descriptor):
    """A codec for the planner. ``function`` is a class that keeps :class:`cdt_core.hooks.contracts.ChunkCodec`.

    ``dtype_kinds`` and ``bounds`` (``"lossless"``, ``"abs"``, ``"pw_rel"``, ``"rmse"``) say what it can hold. ``rel`` reaches a
    codec as ``abs``; so do ``psnr`` and ``rmse``, and as ``rmse`` those codecs that hold it.
    """

    dtype_kinds: str = field(default="iufb", validator=_KINDS)
    bounds: tuple[str, ...] = field(
        default=("lossless",),
        converter=_tuple,
        validator=validators.deep_iterable(validators.in_(("abs", "pw_rel", "rmse", "lossless"))),
    )


@frozen(kw_only=True)
class Policy(Descriptor):
    """A versioned policy. ``function() -> str`` returns the policy's JSON text.

    ``kind="levels"``: thresholds of checks and what each level demands (:mod:`cdt_core.certify.policy`);
    ``kind="agreement"``: who may ask what of whose data (:mod:`cdt_core.governance`), which judges no check.
    """

    version: int = 1
    kind: str = field(default="levels", validator=validators.in_(("levels", "agreement")))


def load_function(reference: str, what: str) -> Any:
    """Import ``"module:attribute"``; a failure names ``what`` and the reference."""
    module_name, _, attribute = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise PluginError(f"{what}: cannot import {module_name!r}: {error}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise PluginError(f"{what}: module {module_name!r} has no attribute {attribute!r}") from None
