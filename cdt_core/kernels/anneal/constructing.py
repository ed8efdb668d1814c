"""Ising models from Ising models, QUBOs, cuts and models of dimod: what fields, couplings and offset they have."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal.couplings import one_triangle, refuse_loops, symmetric
from cdt_core.kernels.anneal.terms import Terms, numbered, read_terms
from cdt_core.kernels.anneal.weights import check_total, magnitude, of_one_kind, read_number, read_weights

__all__ = ["bqm_parts", "cut_parts", "ising_parts", "qubo_parts"]

Array = NDArray[Any]

#: Keyword arguments of a problem.
Parts = dict[str, Any]


def ising_parts(h: Any, J: Any, offset: Any) -> Parts:  # noqa: N803 - the field's names
    """Parts of ``offset + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j``."""
    if h is not None and not isinstance(h, Mapping) and np.ndim(h) != 1:
        raise AnnealError(f"h has shape {np.shape(h)}; it must be (n,), a mapping, or None")
    names = h if isinstance(h, Mapping) else range(0 if h is None else len(h))
    terms = read_terms(J, "J", names)
    if h is not None and not isinstance(h, Mapping) and isinstance(J, Mapping):
        _refuse_strangers(J, len(names))
    if terms.matrix:
        terms = one_triangle(terms)
    refuse_loops(terms)
    return _parts(_fields(h, terms), terms, read_number(offset, "offset"))


def qubo_parts(Q: Any, offset: Any) -> Parts:  # noqa: N803
    """Parts of ``offset + sum_ij Q_ij x_i x_j`` for x = (1 + s) / 2: four times that has whole weights where Q has."""
    terms = read_terms(Q, "Q")
    return {**_of_binary(np.zeros(terms.size, np.int64), terms, read_number(offset, "offset")), "binary": True}


def cut_parts(graph: Any) -> Parts:
    """Parts of minus the cut, ``sum_{i<j} w_ij (s_i s_j - 1) / 2``."""
    terms = read_terms(graph, "graph")
    if terms.matrix:
        terms = one_triangle(terms)
    refuse_loops(terms)
    check_total(2 * magnitude(terms.weights), "the weights of graph, twice,")
    start, neighbours, weights = symmetric(terms)
    total = weights.sum().item()  # each edge twice
    half = total // 2 if isinstance(total, int) else total / 2
    return _scaled(np.zeros(terms.size, weights.dtype), (start, neighbours, weights), -half, 2) | {
        "labels": terms.labels
    }


def bqm_parts(bqm: Any) -> Parts:
    """Parts of a binary quadratic model of dimod."""
    if not hasattr(bqm, "to_numpy_vectors") or not hasattr(bqm, "vartype"):
        raise AnnealError(f"{type(bqm).__name__} is no binary quadratic model of dimod")
    if not len(bqm.variables):
        raise AnnealError("the model has 0 variables; a problem has at least 1")
    offset = read_number(bqm.offset, "offset")
    linear, terms = _of_mappings(bqm) if bqm.dtype == object else _of_vectors(bqm)
    if bqm.vartype.name == "SPIN":
        return _parts(linear, terms, offset)
    return {**_of_binary(linear, terms, offset), "binary": True}


def _of_vectors(bqm: Any) -> tuple[Array, Terms]:
    """Linear biases, and quadratic ones as terms, of a model whose biases are floats."""
    index, labels = numbered(bqm.variables)
    names: list[Hashable] = [*(labels or range(len(index)))]
    vectors = bqm.to_numpy_vectors(variable_order=names)
    linear = read_weights(vectors.linear_biases, lambda k: f"linear[{names[k]!r}]")
    first, second, biases = (np.asarray(part) for part in vectors.quadratic)
    quadratic = read_weights(biases, lambda k: f"quadratic[{names[first[k]]!r}, {names[second[k]]!r}]")
    ends = first.astype(np.int64), second.astype(np.int64)
    return linear, Terms(len(names), *ends, quadratic, labels, name="quadratic")


def _of_mappings(bqm: Any) -> tuple[Array, Terms]:
    """The same of a model whose biases are objects, which dimod's vectors may truncate."""
    pairs = {(u, v): bias for u, v, bias in bqm.iter_quadratic()}
    terms = read_terms(pairs, "quadratic", bqm.variables)
    return _fields(dict(bqm.linear), terms), terms


def _parts(fields: Array, terms: Terms, offset: int | float) -> Parts:
    """Parts of an Ising model: all integers, or all float64."""
    start, neighbours, weights = symmetric(terms)
    fields, weights, base = of_one_kind({"h": fields, terms.name: weights, "offset": np.asarray(offset)})
    return {
        "fields": fields,
        "start": start,
        "neighbours": neighbours,
        "weights": weights,
        "offset": base.item(),
        "labels": terms.labels,
    }


def _of_binary(linear: Array, terms: Terms, offset: int | float) -> Parts:
    """Parts of ``offset + sum_i linear_i x_i + sum w x_i x_j``, four times: ``4 x_i x_j = 1 + s_i + s_j + s_i s_j``."""
    linear, given, base = of_one_kind({"linear": linear, terms.name: terms.weights, "offset": np.asarray(offset)})
    check_total(magnitude(linear) + magnitude(given) + abs(base.item()), f"offset and weights of {terms.name}")
    alone = terms.first == terms.second
    fields = 2 * linear
    for ends in (terms.first, terms.second):  # a variable's own term comes twice, as the linear one does
        np.add.at(fields, ends, given)
    constant = 4 * base.item() + sum(part.sum().item() for part in (linear, linear, given, given[alone]))
    return _scaled(fields, symmetric(attrs.evolve(terms, weights=given)), constant, 4) | {"labels": terms.labels}


def _scaled(fields: Array, couplings: tuple[Array, Array, Array], offset: int | float, scale: int) -> Parts:
    """Parts with the smallest scale: what all integers have in common is divided out, and floats need none."""
    start, neighbours, weights = couplings
    if fields.dtype.kind == "f":
        fields, weights, offset, scale = fields / scale, weights / scale, offset / scale, 1
    else:
        common = math.gcd(scale, int(offset), int(np.gcd.reduce(fields)), int(np.gcd.reduce(weights, initial=0)))
        fields, weights, offset = fields // common, weights // common, int(offset) // common
        scale //= common
    return {
        "fields": fields,
        "start": start,
        "neighbours": neighbours,
        "weights": weights,
        "offset": offset,
        "scale": scale,
    }


def _fields(h: Any, terms: Terms) -> Array:
    """Fields as an array, from an array, a mapping, or None."""
    if h is None:
        return np.zeros(terms.size, np.int64)
    if not isinstance(h, Mapping):
        fields = read_weights(h, lambda k: f"h[{k}]")
        if fields.shape != (terms.size,):
            raise AnnealError(f"h has shape {fields.shape}, J has {terms.size} variables; h must be ({terms.size},)")
        return fields
    index = {name: k for k, name in enumerate(terms.labels or range(terms.size))}
    names = list(h)
    for name in names:
        if name not in index:
            known = f"0 .. {terms.size - 1}" if terms.labels is None else f"{terms.labels[0]!r} .. {terms.labels[-1]!r}"
            raise AnnealError(f"h[{name!r}] is of no variable of J; they are {known}")
    values = read_weights(list(h.values()), lambda k: f"h[{names[k]!r}]")
    fields = np.zeros(terms.size, values.dtype)
    fields[[index[name] for name in names]] = values
    return fields


def _refuse_strangers(J: Mapping[Any, Any], size: int) -> None:  # noqa: N803
    known = set(range(size))
    for pair in J:
        if not known.issuperset(pair):
            raise AnnealError(f"J[{pair[0]!r}, {pair[1]!r}] is between variables that h, of {size}, does not have")
