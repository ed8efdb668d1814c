# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled robust rules by coordinate. Shapes and types are checked here, everything else is C."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals

from cdt_status cimport check, must_be_aligned

import os

import numpy as np

from cdt_core.errors import CdtError
from cdt_core.kernels.stopping import heed

include "levels.pxi"

cdef extern from "cdt_robust.h" nogil:
    int CDT_ROBUST_NETWORK
    int CDT_ROBUST_TILE
    ctypedef struct cdt_robust_kernels:
        size_t (*median)(const void *const *, size_t, size_t, void *, void *) noexcept nogil
        size_t (*weighted_median)(const void *const *, size_t, size_t, const void *, void *, void *) noexcept nogil
        size_t (*trimmed)(const void *const *, size_t, size_t, size_t, void *, void *) noexcept nogil
        size_t (*mean)(const void *const *, size_t, size_t, const double *, void *, void *) noexcept nogil
    ctypedef struct cdt_kernels:
        cdt_robust_kernels robust[2]
    const cdt_kernels *cdt_active_kernels()
    size_t cdt_robust_work(size_t)

#: Up to so many rows, columns are sorted by a network; above, values are counted.
NETWORK = CDT_ROBUST_NETWORK

#: Numbers between two looks for an interrupt: some milliseconds.
cdef size_t SOME_NUMBERS = 1 << 20


cdef void *_numbers(x, size_t columns, dtype, int more, list held) except NULL:
    """Where the numbers of a vector lie, which is held until the call ends."""
    if x.dtype != dtype or x.ndim != 1 or <size_t>x.shape[0] != columns or not x.flags.c_contiguous:
        raise ValueError(f"vectors of {columns} {dtype} without gaps")
    cdef Py_buffer view
    PyObject_GetBuffer(x, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | more)
    cdef void *at = view.buf
    PyBuffer_Release(&view)
    must_be_aligned(at, x.itemsize)
    held.append(x)
    return at


cdef class _Rows:
    """Vectors of one length, float32 or float64, and one to be filled: as addresses, which advance some columns at a time."""

    cdef size_t count, columns, done, step, item
    cdef list held
    cdef size_t[::1] addresses
    cdef char *out
    cdef char *work

    def __init__(self, list vectors not None, out):
        cdef size_t i
        if not vectors or out.dtype.kind != "f" or out.dtype.itemsize not in (4, 8) or not out.dtype.isnative or out.ndim != 1:
            raise ValueError("at least one vector, and room for one, of float32 or float64")
        self.count, self.columns, self.item, self.held = len(vectors), out.shape[0], out.dtype.itemsize, []
        self.addresses = np.empty(self.count, np.uintp)
        for i in range(self.count):
            self.addresses[i] = <size_t>_numbers(vectors[i], self.columns, out.dtype, 0, self.held)
        self.out = <char *>_numbers(out, self.columns, out.dtype, PyBUF_WRITABLE, self.held)
        room = np.empty(cdt_robust_work(self.count) + 64, np.uint8)
        self.held.append(room)
        self.work = <char *>_numbers(room, room.shape[0], room.dtype, PyBUF_WRITABLE, self.held)
        self.work += -<size_t>self.work % 64
        self.step = max(1, SOME_NUMBERS // (self.count * CDT_ROBUST_TILE)) * CDT_ROBUST_TILE
        self.done = 0

    cdef const cdt_robust_kernels *kernels(self) noexcept:
        return &cdt_active_kernels().robust[self.item // 4 - 1]

    cdef const void *const *rows(self) noexcept nogil:
        return <const void *const *><void *>&self.addresses[0]

    cdef size_t here(self) noexcept:
        """Columns of the next call; 0 at the end."""
        return min(self.step, self.columns - self.done)

    cdef bint advance(self, size_t did) except -1:
        """After a call did so many columns: whether it did them all, so that there may be a next one."""
        cdef size_t i
        cdef size_t asked = self.here()
        PyErr_CheckSignals()
        heed()
        self.done += did
        if did != asked:
            return False
        for i in range(self.count):
            self.addresses[i] += did * self.item
        self.out += did * self.item
        return True


def median(list vectors not None, out) -> int:
    """Medians of the columns of ``vectors``; how many columns before the first few of which one is not finite, at most all."""
    cdef _Rows rows = _Rows(vectors, out)
    cdef const cdt_robust_kernels *kernels = rows.kernels()
    cdef size_t here = rows.here(), did
    while here:
        with nogil:
            did = kernels.median(rows.rows(), rows.count, here, rows.out, rows.work)
        here = rows.here() if rows.advance(did) else 0
    return rows.done


def trimmed(list vectors not None, out, size_t cut) -> int:
    """Means of the columns without the ``cut`` lowest and highest values of each; else as :func:`median`."""
    cdef _Rows rows = _Rows(vectors, out)
    cdef const cdt_robust_kernels *kernels = rows.kernels()
    cdef size_t here = rows.here(), did
    if 2 * cut >= rows.count:
        raise ValueError(f"fewer than {rows.count} rows to cut")
    while here:
        with nogil:
            did = kernels.trimmed(rows.rows(), rows.count, here, cut, rows.out, rows.work)
        here = rows.here() if rows.advance(did) else 0
    return rows.done


def weighted_median(list vectors not None, out, votes) -> int:
    """Medians of columns of which each row has ``votes``, int32 for float32, int64 for float64; else as :func:`median`."""
    cdef _Rows rows = _Rows(vectors, out)
    cdef const cdt_robust_kernels *kernels = rows.kernels()
    cdef size_t here = rows.here(), did
    whole = np.dtype(f"i{out.dtype.itemsize}")
    if votes.dtype != whole or not 1 <= votes.min() or votes.sum(dtype=np.float64) >= (2.0**31 if rows.item == 4 else 2.0**53):
        raise ValueError(f"votes in {whole}, at least 1 each")
    cdef const void *of = _numbers(votes, rows.count, whole, 0, rows.held)
    while here:
        with nogil:
            did = kernels.weighted_median(rows.rows(), rows.count, here, of, rows.out, rows.work)
        here = rows.here() if rows.advance(did) else 0
    return rows.done


def mean(list vectors not None, out, const double[::1] shares not None) -> int:
    """Sums of the rows times their ``shares``, which sum up to 1; else as :func:`median`."""
    cdef _Rows rows = _Rows(vectors, out)
    cdef const cdt_robust_kernels *kernels = rows.kernels()
    cdef size_t here = rows.here(), did
    if <size_t>shares.shape[0] != rows.count:
        raise ValueError(f"shares of {rows.count} rows")
    while here:
        with nogil:
            did = kernels.mean(rows.rows(), rows.count, here, &shares[0], rows.out, rows.work)
        here = rows.here() if rows.advance(did) else 0
    return rows.done
