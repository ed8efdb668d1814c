"""Questions as bytes: what a coordinator asks must reach sites in another process, and be no code.

JSON with a kind and the fields of that kind; arrays as :mod:`cdt_core.model.state` writes them. Only kinds that are listed here
can be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
import numpy as np

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_core.model.state import state_from_json, state_to_json
from cdt_federated.statistics.alleles import CallCounts
from cdt_federated.statistics.association import LinearProducts, LogisticProducts
from cdt_federated.statistics.chi_square import CellCounts
from cdt_federated.statistics.cox import SiteLikelihood, SumsAtTimes
from cdt_federated.statistics.fitted import Scale
from cdt_federated.statistics.groups import GroupSums
from cdt_federated.statistics.histogram import BinCounts
from cdt_federated.statistics.linear import ResidualSquares
from cdt_federated.statistics.moments import Products, Totals
from cdt_federated.statistics.regression import LogisticSums, PoissonSums
from cdt_federated.statistics.summary import Sums
from cdt_federated.statistics.times import Grid, GroupedTimes

__all__ = ["question_from_bytes", "question_to_bytes"]

_MAGIC = b"cdt.ask\x01"
#: Bytes of a question, and numbers of an answer, that a site accepts.
_MOST_BYTES, _MOST_NUMBERS = 1 << 26, 1 << 27

_QUESTIONS: tuple[type[Sums], ...] = (
    BinCounts,
    CallCounts,
    CellCounts,
    GroupSums,
    GroupedTimes,
    LinearProducts,
    LogisticProducts,
    LogisticSums,
    PoissonSums,
    Products,
    ResidualSquares,
    SiteLikelihood,
    SumsAtTimes,
    Totals,
)
_PARTS: tuple[type[Any], ...] = (Scale, Grid)
_KINDS: Mapping[str, type[Any]] = {each.__name__: each for each in (*_QUESTIONS, *_PARTS)}
#: What the fields of each kind hold.
_HINTS: Mapping[str, Mapping[str, Any]] = {name: get_type_hints(kind) for name, kind in _KINDS.items()}


def question_to_bytes(question: Sums) -> bytes:
    """A question for the task of a round.

    Raises
    ------
    ProtocolError
        It is of a kind that sites do not know, or holds what JSON cannot.
    """
    try:
        text = state_to_json(_tree(question))
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"{type(question).__name__} cannot be sent to sites: {error}") from error
    return FieldWriter().fixed(_MAGIC).text(text).end()


def question_from_bytes(data: bytes) -> Sums:
    """The question of :func:`question_to_bytes`, from bytes that somebody sent.

    Raises
    ------
    ProtocolError
        They are no question, or one whose answer would be too long.
    """
    reader = FieldReader(data, "question")
    if reader.fixed(len(_MAGIC)) != _MAGIC:
        raise reader.error("it does not begin as one of this version")
    text = reader.text(_MOST_BYTES)
    reader.end()
    try:
        question = _built(state_from_json(text))
        length = question.length if isinstance(question, _QUESTIONS) else None
    except (
        ArithmeticError,
        AttributeError,
        FederatedError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise reader.error(f"it cannot be read: {error}") from error
    if not isinstance(question, _QUESTIONS) or not isinstance(length, int) or not 0 < length <= _MOST_NUMBERS:
        raise reader.error(f"it is no question, or has an answer of more than {_MOST_NUMBERS} numbers")
    return question


def _tree(value: Any) -> Any:
    """A question as a tree that JSON holds; tuples are marked, since lists are no keys of levels."""
    if type(value) in _KINDS.values():
        fields = {field.name: _tree(getattr(value, field.name)) for field in attrs.fields(type(value))}
        return {"kind": type(value).__name__, "fields": fields}
    if isinstance(value, tuple):
        return [_tree(each) for each in value]
    return value


def _built(tree: Any) -> Any:
    if isinstance(tree, list):
        return tuple(_built(each) for each in tree)
    if isinstance(tree, dict):
        kind = _KINDS[tree["kind"]]
        fields, hints = {name: _built(value) for name, value in tree["fields"].items()}, _HINTS[tree["kind"]]
        for name, value in fields.items():
            if not _fits(value, hints[name]):
                raise TypeError(f"{name} of {kind.__name__} is no {hints[name]}")
        return kind(**fields)
    return tree


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value that somebody sent is what a field holds; arrays are of one dimension, and finite."""
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind is tuple:
        return isinstance(value, tuple) and all(_fits(each, parts[0]) for each in value)
    if kind is Literal:
        return isinstance(value, str) and value in parts
    if kind is UnionType:
        return any(_fits(value, part) for part in parts)
    if kind is np.ndarray:
        known = isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 1
        return known and bool(np.isfinite(value).all())
    if kind is Any:  # a level
        return value is None or isinstance(value, str | bool | int | float | np.generic)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind
