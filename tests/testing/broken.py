"""Plugins' functions, each with one fault that its contract check must find; and the same without a fault."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cdt_core.errors import ReaderError
from cdt_core.model import Finding


class Spread:
    """A good validator: range of the finite values."""

    def __init__(self, spec, profile, bound):
        self.spec = spec

    def start(self) -> dict[str, Any]:
        return {"low": None, "high": None, "count": 0}

    def update(self, state, block):
        values = block.original[block.valid]
        if values.size == 0:
            return state
        more = {"low": float(values.min()), "high": float(values.max()), "count": values.size}
        return Spread.merge(self, state, more)

    def merge(self, left, right):
        both = [state for state in (left, right) if state["count"]]
        return {
            "low": min((state["low"] for state in both), default=None),
            "high": max((state["high"] for state in both), default=None),
            "count": left["count"] + right["count"],
        }

    def finish(self, state):
        yield self.finding(state["count"] and state["high"] / 2 - state["low"] / 2)

    def finding(self, value: Any, **more: Any) -> Finding:
        return Finding(check="x.spread", dimension="validity", value=value, variable=self.spec.name, **more)


class CannotBeMade(Spread):
    def __init__(self, spec, profile, bound):
        raise ValueError("no")


class WithoutMerge:
    def __init__(self, spec, profile, bound): ...
    def start(self): ...
    def update(self, state, block): ...
    def finish(self, state): ...


class StateOfObjects(Spread):
    def start(self):
        return {**super().start(), "seen": {1, 2}}


class StateOfTuples(Spread):
    """JSON gives a list back for a tuple, and text for a number as key."""

    def start(self):
        return {**super().start(), 1: "a"}


class ChangesTheBlock(Spread):
    def update(self, state, block):
        block.original[...] = 0
        return super().update(state, block)


class ChangesTheRight(Spread):
    def merge(self, left, right):
        merged = super().merge(left, right)
        right["count"] = 0
        return merged


class KeepsTheLast(Spread):
    """Associative, but not commutative."""

    def merge(self, left, right):
        return right if right["count"] else left


class AveragesPairs(Spread):
    """Commutative, but not associative."""

    def merge(self, left, right):
        if not left["count"] or not right["count"]:
            return left if left["count"] else right
        return {**super().merge(left, right), "high": (left["high"] + right["high"]) / 2}


class CountsTheStart(Spread):
    def start(self):
        return {**super().start(), "count": 1, "low": 0.0, "high": 0.0}

    def finish(self, state):
        yield self.finding(state["count"])


class FailsOnEmpty(Spread):
    def update(self, state, block):
        block.original.max()
        return super().update(state, block)


class FailsOnNan(Spread):
    def update(self, state, block):
        assert block.valid.all()
        return super().update(state, block)


class DrawsLots(Spread):
    def update(self, state, block):
        return {**super().update(state, block), "lot": random.random()}

    def merge(self, left, right):
        return {**super().merge(left, right), "lot": 0.0}


class Undeclared(Spread):
    def finish(self, state):
        yield Finding(check="x.other", dimension="validity", value=1, variable=self.spec.name)


class AboutAnother(Spread):
    def finish(self, state):
        yield Finding(check="x.spread", dimension="validity", value=1, variable="another")


class ValueIsNan(Spread):
    def finish(self, state):
        yield self.finding(float("nan"))


class ValueIsNumpy(Spread):
    def finish(self, state):
        yield self.finding(np.float32(1))


class EvidenceOfArrays(Spread):
    def finish(self, state):
        yield self.finding(1, evidence={"values": np.zeros(3)})


class NoFinding(Spread):
    def finish(self, state):
        yield {"check": "x.spread"}


class FailsAtTheEnd(Spread):
    def finish(self, state):
        yield self.finding(1)
        raise KeyError("late")


def names_of(subject):
    """A good dataset-scope validator."""
    return [Finding(check="x.names", dimension="format", value=len(name), variable=name) for name in subject]


def needs_a_variable(subject):
    first = next(iter(subject.specs))
    return [Finding(check="x.names", dimension="format", value=1, variable=first)]


_calls = itertools.count()


def counts_calls(subject):
    return [Finding(check="x.names", dimension="format", value=next(_calls))]


def doubled(values, spec, start, factor=2):
    return values * values.dtype.type(factor)


def widened(values, spec, start):
    return values.astype("float64")


def flattened(values, spec, start):
    return values.reshape(-1)


def in_place(values, spec, start):
    values += 1
    return values


def writes_if_it_can(values, spec, start):
    if values.flags.writeable:
        values *= 2
        return values
    return values * values.dtype.type(2)


def noisy(values, spec, start):
    return (values + np.random.default_rng().random(values.shape)).astype(values.dtype)


def centred(values, spec, start):
    """Depends on which values share the block."""
    return (values - values.dtype.type(values.size)).astype(values.dtype)


def mean(updates, weights):
    return np.average(updates, axis=0, weights=weights)


def middle(updates, weights):
    return np.median(updates, axis=0)


def first(updates, weights):
    return updates[0] * 1.0


def summed_to_one(updates, weights):
    return mean(updates, weights).sum()


def cubed(updates, weights):
    """Overflows float32 at 1e20."""
    with np.errstate(over="ignore"):
        return (updates**3).mean(axis=0)


def rounded(updates, weights):
    return np.rint(mean(updates, weights)).astype(int)


def sorts_in_place(updates, weights):
    updates.sort(axis=0)
    return updates[len(updates) // 2] * 1.0


def drifting(updates, weights):
    return mean(updates, weights) + next(_calls)


MAGIC = b"TWO!"


def _parts(data: bytes) -> dict[str, np.ndarray]:
    count = int.from_bytes(data[4:8], "little")
    if len(data) != 8 + 8 * count:
        raise ReaderError(f"{len(data)} bytes, but the header asks for {8 + 8 * count}")
    return {"numbers": np.frombuffer(data[8:], "<f8")}


def _dataset(parts: dict[str, np.ndarray]) -> xr.Dataset:
    return xr.Dataset({name: (f"{name}_row", values) for name, values in parts.items()})


def eager(source, allow_partial):
    with source.open() as file:
        return _dataset(_parts(file.read()))


def lazy(source, allow_partial):
    return eager(source, allow_partial).chunk()


def shortening(source, allow_partial):
    """Takes a file that is cut short for a shorter one."""
    with source.open() as file:
        data = file.read()[8:]
    return _dataset({"numbers": np.frombuffer(data[: len(data) // 8 * 8], "<f8")})


def rescaled(source, allow_partial):
    return eager(source, allow_partial) * 1.0000001


def renamed(source, allow_partial):
    return eager(source, allow_partial).rename(numbers="values")


def signing(source, allow_partial):
    """Leaves a mark in the file that it reads."""
    found = eager(source, allow_partial)
    with Path(source.location).open("r+b") as file:
        file.write(b"two!")
    return found


def not_a_dataset(source, allow_partial):
    return {"numbers": 3}
