"""Tensor streams: an array as a tensor train, or as a core in one basis per axis, quantised and entropy-coded (FORMAT.md).

For targets of the root mean square error, where they are far shorter than codes that bound each value; with a residual, also
for absolute bounds. Decoding gives the same bits on every machine. Encoding does not promise the same bytes on two machines:
its eigenvectors are LAPACK's.
"""

from __future__ import annotations

from cdt_core.kernels.tensor_stream.decoding import decode
from cdt_core.kernels.tensor_stream.encoding import encode
from cdt_core.kernels.tensor_stream.layout import SIGNATURE, TensorHeader, read_header

__all__ = ["SIGNATURE", "TensorHeader", "decode", "encode", "read_header"]
