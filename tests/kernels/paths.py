"""Which paths through the format a stream takes, as the reference decoder meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np

from cdt_core.kernels.reference import blocks, contexts, exact, interpolation, palette, planes, version2

METHODS = ("raw", "constant", "planes", "contexts", "interpolated", "palette", "base")
FLAGS = {16: "lossless map", 32: "series", 64: "snapped", 128: "numbers"}
MAPS = ("key", "linear", "key steps", "integer steps")


def method_of(block: bytes) -> str:
    """The method and the flags in the first byte of a block."""
    flags = [name for flag, name in FLAGS.items() if block[0] & flag]
    return ", ".join([METHODS[block[0] & 15], *flags])


def paths_of(stream: bytes) -> set[str]:
    """What occurs in a stream: methods with flags, maps, and what else its parts choose between."""
    head = version2.open_stream(stream)
    found = {method_of(block) for block in head.blocks}
    found.add(f"map {MAPS[head.map.kind]} {head.numbers.str} in {head.map.width} bytes")
    if head.map.offset:
        found.add("offset")
    with _watched(found):
        version2.decode(stream)
    return found


@contextmanager
def _watched(found: set[str]) -> Iterator[None]:
    """Note what parts of blocks say of themselves while they are read."""
    with ExitStack() as stack:
        for module, name, note in _NOTES:
            stack.enter_context(mock.patch.object(module, name, _noting(getattr(module, name), note, found)))
        yield


def _noting(original: Callable[..., Any], note: Callable[..., list[str]], found: set[str]) -> Callable[..., Any]:
    def watched(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        found.update(note(result, *arguments, **named))
        return result

    return watched


def _of_contexts(head: Any) -> list[str]:
    kinds = [f"kind {kind}" for kind, firsts in enumerate(head.firsts) if firsts]
    further = ["two rows above"] * head.is_lagged + ["silent groups"] * (head.flags is not None)
    return [*kinds, f"{head.states} states", *further]


def _of_layout(layout: Any) -> list[str]:
    return [] if list(layout.order) == sorted(layout.order) else ["axes in another order"]


def _of_palette(head: Any) -> list[str]:
    return [f"palette by {('keys', 'grid')[head.way]}"]


def _of_exact(result: Any, *_: Any) -> list[str]:
    kept = result.numbers[result.is_exact]
    distinct = np.unique(kept.view(f"u{kept.itemsize}")).size
    if distinct < 2:
        return ["exact numbers: alike" if distinct else "exact numbers: none"]
    return ["exact numbers: of both sets" if distinct < kept.size else "exact numbers: each"]


def _of_runs(runs: Any, *_: Any) -> list[str]:
    return [f"runs in {32 if len(runs) >= 1 << 16 else 16 if len(runs) >= 1 << 13 else 4} states"]


#: Functions of the reference decoder, and what to note when one of them returns: of its result and its arguments.
_NOTES: tuple[tuple[Any, str, Callable[..., list[str]]], ...] = (
    (exact, "_places", lambda _, data, sides: [f"bitmap, lag {data[0] - 8}" if data[0] & 8 else f"lag {data[0]}"]),
    (exact, "_runs", _of_runs),
    (blocks, "read_exact", _of_exact),
    (contexts, "_head", lambda head, *_: _of_contexts(head[0])),
    (blocks, "read_layout", lambda layout, *_: _of_layout(layout)),
    (interpolation, "read_layout", lambda layout, *_: [f"{word} interpolated" for word in _of_layout(layout)]),
    (interpolation, "Pyramid", lambda pyramid, *_: [f"split axes {pyramid.splits[0]:03b}"]),
    (
        interpolation,
        "_predicted",
        lambda _, block, pyramid, segment, weights, **named: ["straight ends"] * named["straight"],
    ),
    (interpolation, "_weights", lambda weights, *_: [f"{max(weights)[0] + 1} levels with weights"]),
    (palette, "_head", lambda head, *_: _of_palette(head)),
    (palette, "read_numbers", lambda palettes, *_: ["palettes" if len(palettes) > 1 else "one palette"]),
    (planes, "decode", lambda _, data, n, dtype: [f"planes of {np.dtype(dtype).itemsize} bytes"]),
    (contexts, "_tokens", lambda _, data, pyramid, width: [f"contexts of {width} bytes"]),
    (
        interpolation,
        "floats",
        lambda _, source, sides, dtype, *rest: [f"floats interpolated in {dtype.itemsize} bytes"],
    ),
    (blocks, "read_block", lambda _, data, *rest: [f"ranks: {method_of(data)}"]),
)
