# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled kernels of rules that go by distance. Shapes and types are checked here, everything else is C."""

from cdt_status cimport check, must_be_aligned

import os

from cpython.buffer cimport PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint32_t

from cdt_core.errors import CdtError

include "levels.pxi"

cdef extern from "cdt_robust_distances.h" nogil:
    int CDT_NOT_CENTRED
    ctypedef struct cdt_distances_kernels:
        int (*gram)(const void *const *, size_t, size_t, size_t, const uint32_t *, size_t, double, double *) noexcept nogil
        int (*apart)(const void *const *, size_t, size_t, const uint32_t *, size_t, double, double *) noexcept nogil
        int (*weigh)(const void *const *, size_t, size_t, size_t, const double *, double, void *, double, double *) noexcept nogil
        int (*window_mean)(const void *const *, size_t, size_t, size_t, size_t, void *) noexcept nogil
    ctypedef struct cdt_kernels:
        cdt_distances_kernels distances[2]
    const cdt_kernels *cdt_active_kernels()


cdef class Rows:
    """One vector of float32 or float64 for each site, all of one dtype and length, each without gaps; kept, not copied."""

    cdef readonly tuple vectors
    cdef readonly size_t sites, length
    cdef const void **at
    cdef int kind

    def __cinit__(self, tuple vectors not None):
        if not vectors:
            raise ValueError("at least one vector")
        first = vectors[0]
        if first.dtype.kind != "f" or first.dtype.itemsize not in (4, 8) or first.ndim != 1:
            raise ValueError(f"vectors of float32 or float64, not {first.ndim} axes of {first.dtype}")
        self.vectors, self.sites, self.length = vectors, len(vectors), first.size
        self.kind = first.dtype.itemsize // 4 - 1
        self.at = <const void **>PyMem_Malloc(self.sites * sizeof(void *))
        if not self.at:
            raise MemoryError()
        for site, vector in enumerate(vectors):
            if vector.dtype != first.dtype or vector.shape != first.shape or not vector.dtype.isnative or not vector.flags.c_contiguous:
                raise ValueError("vectors of one native dtype and length, without gaps")
            self.at[<size_t>site] = _address(vector)

    def __dealloc__(self):
        PyMem_Free(self.at)

    cdef const cdt_distances_kernels *kernels(self) noexcept:
        return &cdt_active_kernels().distances[self.kind]

    cdef int within(self, size_t start, size_t stop) except -1:
        if start > stop or stop > self.length:
            raise ValueError(f"columns of {self.length}")
        return 0


cdef void *_address(x) except? NULL:
    """Where the numbers of an array lie, as long as the caller keeps it."""
    cdef Py_buffer view
    PyObject_GetBuffer(x, &view, PyBUF_STRIDES)
    cdef void *at = view.buf
    PyBuffer_Release(&view)
    must_be_aligned(at, x.itemsize)
    return at


cdef void *_room(Rows rows, x) except? NULL:
    """Where results of the rows' type go: a vector of their length."""
    if x.dtype != rows.vectors[0].dtype or x.shape != (rows.length,) or not x.flags.c_contiguous or not x.flags.writeable:
        raise ValueError(f"room for {rows.length} numbers of {rows.vectors[0].dtype}")
    return _address(x)


def gram(Rows rows not None, size_t start, size_t stop, const uint32_t[::1] central not None, double scale, double[:, ::1] sums not None) -> bool:
    """Upper triangle of ``sums`` += products of the scaled rows less the mean of the ``central`` ones; False: not all finite."""
    cdef size_t i, centrals = central.shape[0]
    cdef int status
    rows.within(start, stop)
    if <size_t>sums.shape[0] != rows.sites or <size_t>sums.shape[1] != rows.sites:
        raise ValueError(f"sums of {rows.sites} sites")
    for i in range(centrals):
        if central[i] >= rows.sites:
            raise ValueError(f"central rows of {rows.sites}")
    cdef const cdt_distances_kernels *kernels = rows.kernels()
    with nogil:
        status = kernels.gram(rows.at, rows.sites, start, stop, &central[0] if centrals else NULL, centrals, scale, &sums[0, 0])
    if status == CDT_NOT_CENTRED:
        return False
    check(status)
    return True


def apart(Rows rows not None, size_t start, size_t stop, const uint32_t[:, ::1] pairs not None, double scale, double[::1] squares not None):
    """``squares`` += the squared distances of pairs of scaled rows."""
    cdef size_t i, count = pairs.shape[0]
    cdef int status
    rows.within(start, stop)
    if pairs.shape[1] != 2 or <size_t>squares.shape[0] != count:
        raise ValueError("two rows and one square for each pair")
    if not count:
        return
    for i in range(count):
        if pairs[i, 0] >= rows.sites or pairs[i, 1] >= rows.sites:
            raise ValueError(f"pairs of {rows.sites} rows")
    cdef const cdt_distances_kernels *kernels = rows.kernels()
    with nogil:
        status = kernels.apart(rows.at, start, stop, &pairs[0, 0], count, scale, &squares[0])
    check(status)


def weigh(Rows rows not None, size_t start, size_t stop, const double[::1] weights, double keep, z, double scale, double[::1] squares):
    """``z`` = ``keep * z`` + the rows by weight (None: as it is); ``squares`` (None: not wanted) += squared distances from it."""
    cdef const double *by = NULL
    cdef double *to = NULL
    cdef void *centre = _room(rows, z)
    cdef int status
    rows.within(start, stop)
    if (weights is not None and <size_t>weights.shape[0] != rows.sites) or (squares is not None and <size_t>squares.shape[0] != rows.sites):
        raise ValueError(f"numbers for {rows.sites} rows")
    if weights is not None:
        by = &weights[0]
    if squares is not None:
        to = &squares[0]
    cdef const cdt_distances_kernels *kernels = rows.kernels()
    with nogil:
        status = kernels.weigh(rows.at, rows.sites, start, stop, by, keep, centre, scale, to)
    check(status)


def window_mean(Rows rows not None, size_t start, size_t stop, size_t kept, out):
    """``out`` = the mean of the ``kept`` values of each column that are nearest to its median."""
    cdef void *to = _room(rows, out)
    cdef int status
    rows.within(start, stop)
    if not 1 <= kept <= rows.sites:
        raise ValueError(f"some of {rows.sites} values")
    cdef const cdt_distances_kernels *kernels = rows.kernels()
    with nogil:
        status = kernels.window_mean(rows.at, rows.sites, start, stop, kept, to)
    check(status)
