"""Vectors and messages in Flower's records, taken out again without trusting what they say of themselves."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import frozen
from numpy.lib import format as npy
from numpy.typing import NDArray

from cdt_core.errors import FederatedError, ProtocolError
from cdt_federated.flower.library import flwr
from cdt_federated.vectors import Vector

__all__ = ["Layout", "message_in", "record_of_message"]

#: Name of the record, and of the array in it, that carries one of our messages.
RECORD = "cdt"
_CONTENT = "message"
_KIND = "cdt.message"

#: Bytes that the header of one array may have.
_MOST_HEADER = 4096


@frozen
class Layout:
    """The arrays of a model: how they become one vector, and back.

    Parameters
    ----------
    shapes
        Shape of each array by its name, in the model's order.
    dtypes
        Its dtype: a floating-point one.
    """

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, np.dtype[Any]]

    @classmethod
    def of(cls, arrays: flwr.app.ArrayRecord) -> Layout:
        """The layout of the coordinator's own model; ``FederatedError`` when it holds what is no floating-point array."""
        shapes, dtypes = {}, {}
        for name, array in arrays.items():
            values = array.numpy()
            if values.dtype.kind != "f":
                raise FederatedError(f"array {name!r} of the model has dtype {values.dtype}; only floats are averaged")
            shapes[name], dtypes[name] = values.shape, values.dtype
        if not sum(map(math.prod, shapes.values())):
            raise FederatedError("the model has no values; give an ArrayRecord of at least one array")
        return cls(shapes, dtypes)

    def vector(self, arrays: flwr.app.ArrayRecord, whose: str) -> Vector:
        """All values, float64, shape (length,).

        Raises
        ------
        ProtocolError
            Names, dtypes, shapes or bytes are not those of the model, or a value is not finite. Nothing is allocated that
            the bytes do not fill, nothing is unpickled.
        """
        if list(arrays) != list(self.shapes):
            raise ProtocolError(
                f"the model of {whose} has arrays {list(arrays)[:8]}, not {list(self.shapes)[:8]}; refuse it"
            )
        parts = [self._values(name, array.data, whose).ravel() for name, array in arrays.items()]
        vector: Vector = np.concatenate(parts, dtype=np.float64)
        if not np.isfinite(vector).all():
            index = int(np.argmin(np.isfinite(vector)))
            raise ProtocolError(f"the model of {whose} is {vector[index]} at index {index}; refuse it")
        return vector

    def record(self, vector: Vector) -> flwr.app.ArrayRecord:
        """The arrays of a vector, in their dtypes; ``FederatedError`` when one of them cannot hold a value."""
        arrays, at = {}, 0
        for name, shape in self.shapes.items():
            count = math.prod(shape)
            with np.errstate(over="ignore"):
                values = vector[at : at + count].reshape(shape).astype(self.dtypes[name])
            if not np.isfinite(values).all():
                raise FederatedError(f"array {name!r} of the model left the range of {values.dtype}; lower the rate")
            arrays[name] = flwr.app.Array(values)
            at += count
        return flwr.app.ArrayRecord(arrays)

    def _values(self, name: str, data: bytes, whose: str) -> NDArray[Any]:
        shape, dtype = self.shapes[name], self.dtypes[name]
        stream = io.BytesIO(data)
        try:
            version = npy.read_magic(stream)
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            said, columns_first, kind = read(stream, max_header_size=_MOST_HEADER)
        except (ValueError, KeyError, OSError) as error:
            raise ProtocolError(f"array {name!r} of {whose} is no NumPy array of version 1 or 2; refuse it") from error
        left = len(data) - stream.tell()
        if said != shape or kind != dtype or left != math.prod(shape) * dtype.itemsize:
            raise ProtocolError(
                f"array {name!r} of {whose} has shape {said}, dtype {kind} and {left} bytes; the model has {shape} of {dtype}"
            )
        return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if columns_first else "C")


def record_of_message(message: bytes) -> flwr.app.RecordDict:
    """Content that carries one of our messages, as raw bytes: arrays travel in pieces, so that size is no matter."""
    array = flwr.app.Array(dtype="uint8", shape=(len(message),), stype=_KIND, data=message)
    return flwr.app.RecordDict({RECORD: flwr.app.ArrayRecord({_CONTENT: array})})


def message_in(content: flwr.app.RecordDict) -> bytes:
    """The message in such content; ``ProtocolError`` when there is none."""
    arrays = content.array_records.get(RECORD)
    array = None if arrays is None else arrays.get(_CONTENT)
    if array is None or array.stype != _KIND:
        raise ProtocolError("the content holds no message of a cdt round; use cdt_federated.flower at both sides")
    return bytes(array.data)
