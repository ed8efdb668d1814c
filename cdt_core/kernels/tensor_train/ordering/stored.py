"""Ordered trains as streams of bytes; FORMAT.md, "Ordered tensor trains", is the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdt_core.errors import CorruptStreamError, TensorError
from cdt_core.kernels.tensor_train.envelope import Envelope, number
from cdt_core.kernels.tensor_train.ordering.order import MOST_DIGITS, Order
from cdt_core.kernels.tensor_train.train import TensorTrain

if TYPE_CHECKING:
    from cdt_core.kernels.tensor_train.envelope import Reading

__all__ = ["pack", "unpack"]

_ENVELOPE = Envelope(b"\x93CTO", 1, "tensor train with an order of axes")


def pack(order: Order, train: TensorTrain, own: int) -> bytes:
    """The stream of a train, of the order of its axes, and of the parameters in the own one."""
    fields = [len(order.shape), *order.shape]
    for digits in order.digits:
        fields += [len(digits), *digits]
    fields.append(len(order.groups))
    for group in order.groups:
        fields += [len(group), *group]
    return _ENVELOPE.headed(b"".join(map(number, [*fields, own]))) + train.to_bytes()


def unpack(stream: bytes | bytearray | memoryview) -> tuple[Order, TensorTrain, int]:
    """Order, train and parameters in the own order.

    Raises
    ------
    CorruptStreamError
        Truncated, mutated, or no stream of an ordered train; says where.
    """
    source = _ENVELOPE.opened(stream)
    shape = _several(source, "axes", 1)
    digits = [_several(source, "digits", 0) for _ in shape]
    groups = [_several(source, "places", 1) for _ in range(_count(source, "modes", 1))]
    own = source.number("parameters")
    source.check(0, "head")
    try:
        order = Order(shape, digits, groups)
    except TensorError as error:
        raise CorruptStreamError(f"offset {source.at}: the stream is damaged: {error}") from error
    try:
        train = TensorTrain.from_bytes(source.stream[source.at :])
    except CorruptStreamError as error:
        raise CorruptStreamError(f"in the train, which begins at offset {source.at}: {error}") from error
    if train.shape != order.modes or not own:
        raise CorruptStreamError(
            f"offset {source.at}: a train of shape {train.shape} where the order has modes {order.modes}, of {own} "
            "parameters in the own one; the stream is damaged"
        )
    return order, train, own


def _several(source: Reading, what: str, least: int) -> list[int]:
    """Numbers, with their number in front."""
    return [source.number(what) for _ in range(_count(source, what, least))]


def _count(source: Reading, what: str, least: int) -> int:
    found = source.number(f"number of {what}")
    if not least <= found <= MOST_DIGITS:
        raise CorruptStreamError(
            f"offset {source.at}: {found} {what}, where there are {least} to {MOST_DIGITS}; the stream is damaged"
        )
    return found
