# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The coefficients of tensor streams as bytes, and sums in one order. Shapes are checked here, everything else is C."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, uint8_t

from cdt_status cimport check

import numpy as np

from cdt_core.kernels.stopping import heed

cdef extern from "cdt_coefficients.h" nogil:
    int CDT_LARGEST_COEFFICIENT
    ctypedef struct cdt_coefficient_grid:
        size_t lengths[4]
        int dyadic[4]

    ctypedef struct cdt_coefficient_coder:
        pass

    size_t cdt_coefficients_room(const cdt_coefficient_grid *)
    int cdt_coefficients_encoder(const cdt_coefficient_grid *, const int32_t *, uint8_t *, size_t, cdt_coefficient_coder **)
    int cdt_coefficients_decoder(const cdt_coefficient_grid *, const uint8_t *, size_t, int32_t *, cdt_coefficient_coder **)
    int cdt_coefficients_go_on(cdt_coefficient_coder *, size_t, size_t *)
    int cdt_coefficients_close(cdt_coefficient_coder *, size_t *)
    void cdt_coefficients_free(cdt_coefficient_coder *)

cdef extern from "cdt_ordered.h" nogil:
    void cdt_ordered_product(const double *, const double *, size_t, size_t, size_t, size_t, size_t, double *)
    void cdt_ordered_energies(const double *, size_t, size_t, size_t, double *)

LARGEST = CDT_LARGEST_COEFFICIENT

#: Numbers that are coded, and multiply-adds, between two looks for an interrupt: some hundredths of a second.
cdef enum:
    SOME_NUMBERS = 1 << 14
    SOME_PRODUCTS = 1 << 26


cdef int _heed() except -1:
    PyErr_CheckSignals()
    heed()
    return 0


cdef int _grid(tuple lengths, tuple dyadic, cdt_coefficient_grid *grid) except -1:
    if len(lengths) != 4 or len(dyadic) != 4:
        raise ValueError("coefficients have four axes")
    for k in range(4):
        grid.lengths[k] = lengths[k]
        grid.dyadic[k] = dyadic[k]
    return 0


def encode(const int32_t[:, :, :, ::1] numbers not None, tuple dyadic not None):
    """The code of numbers of four axes, none of which is empty."""
    cdef cdt_coefficient_grid grid
    cdef cdt_coefficient_coder *coder = NULL
    cdef size_t used = 0
    _grid((numbers.shape[0], numbers.shape[1], numbers.shape[2], numbers.shape[3]), dyadic, &grid)
    if not numbers.shape[0] * numbers.shape[1] * numbers.shape[2] * numbers.shape[3]:
        raise ValueError("there are no coefficients")
    cdef size_t room = cdt_coefficients_room(&grid)
    out = np.empty(room, np.uint8)
    cdef uint8_t[::1] bytes_out = out
    check(cdt_coefficients_encoder(&grid, &numbers[0, 0, 0, 0], &bytes_out[0], room, &coder))
    try:
        _code(coder)
        check(cdt_coefficients_close(coder, &used))
    finally:
        cdt_coefficients_free(coder)
    return out[:used].tobytes()


cdef int _code(cdt_coefficient_coder *coder) except -1:
    """All numbers of a coder, with looks for an interrupt in between."""
    cdef size_t left = 1
    cdef int status
    while left:
        with nogil:
            status = cdt_coefficients_go_on(coder, SOME_NUMBERS, &left)
        check(status)
        _heed()
    return 0


def decode(const uint8_t[::1] code not None, tuple lengths not None, tuple dyadic not None):
    """The numbers of a code."""
    cdef cdt_coefficient_grid grid
    cdef cdt_coefficient_coder *coder = NULL
    _grid(lengths, dyadic, &grid)
    found = np.empty(lengths, np.int32)
    if not found.size or not code.shape[0]:
        raise ValueError("there are no coefficients")
    cdef int32_t[:, :, :, ::1] numbers = found
    check(cdt_coefficients_decoder(&grid, &code[0], code.shape[0], &numbers[0, 0, 0, 0], &coder))
    try:
        _code(coder)
    finally:
        cdt_coefficients_free(coder)
    return found


def product(const double[:, ::1] basis not None, const double[:, :, ::1] x not None):
    """(before, n, after): sums over k, in its order, of basis (k, n) times x (before, k, after)."""
    cdef size_t rank = basis.shape[0], n = basis.shape[1], before = x.shape[0], after = x.shape[2]
    if <size_t>x.shape[1] != rank:
        raise ValueError("the basis and the array must have one rank")
    out = np.zeros((before, n, after))
    cdef double[:, :, ::1] sums = out
    if not rank or not out.size:
        return out
    cdef size_t places = before * n, start = 0, stop, step = 1 + SOME_PRODUCTS // (rank * after)
    while start < places:
        stop = min(start + step, places)
        with nogil:
            cdt_ordered_product(&basis[0, 0], &x[0, 0, 0], rank, n, after, start, stop, &sums[0, 0, 0])
        _heed()
        start = stop
    return out


def energies(const double[:, :, ::1] x not None):
    """Sums of squares of the slices along the middle axis, added in their order."""
    out = np.zeros(x.shape[1])
    cdef double[::1] sums = out
    if x.shape[0] and x.shape[1] and x.shape[2]:
        with nogil:
            cdt_ordered_energies(&x[0, 0, 0], x.shape[0], x.shape[1], x.shape[2], &sums[0])
    return out
