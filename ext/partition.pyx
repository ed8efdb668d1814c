# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled kernels of partitions. Shapes and types are checked here, everything else is C."""

from cdt_status cimport check
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint8_t, uint32_t, uint64_t

import os

import numpy as np

from cdt_core.errors import CdtError
from cdt_core.kernels.stopping import heed

include "levels.pxi"
include "partition_packing.pxi"

#: Steps between two looks at Ctrl-C, of one to twenty nanoseconds each.
STEPS = 1 << 22

cdef extern from "cdt_pause.h" nogil:
    ctypedef struct cdt_pause:
        int (*stop)() except -1 with gil
        size_t every, left
        int ended

cdef extern from "cdt_partition.h" nogil:
    ctypedef struct cdt_sensitive:
        const uint32_t *codes
        const double *counts
        const double *below
        const double *sums
        const double *logs
        uint32_t size, log_count
        int ordered
        uint32_t least
        double entropy, t
    ctypedef struct cdt_class_measures:
        uint32_t distinct
        double entropy, distance
    ctypedef struct cdt_partition_work:
        uint32_t *values
        uint32_t *counts
        uint32_t *left
        uint32_t *right
        uint32_t *sorted
        uint32_t *tally
        cdt_pause *pause
    ctypedef struct cdt_partition_table:
        size_t rows, columns, stride
        void *codes
        void *spare
        uint32_t *order
        uint32_t *spare_order
        const double *places
        const uint64_t *first
    ctypedef struct cdt_partition_rule:
        size_t least
        int relaxed
        uint32_t cuts
        const cdt_sensitive *sensitive
        size_t sensitive_count
    ctypedef struct cdt_partition_course:
        uint64_t *stack
        void *scratch
        size_t waiting, done
        uint64_t *starts
        uint32_t *lows
        uint32_t *highs
        uint32_t *classes
    ctypedef struct cdt_kernels:
        int (*cut_u2)(const cdt_partition_table *, const cdt_partition_rule *, cdt_partition_work, cdt_partition_course *) except -1 nogil
        int (*cut_u4)(const cdt_partition_table *, const cdt_partition_rule *, cdt_partition_work, cdt_partition_course *) except -1 nogil
    const cdt_kernels *cdt_active_kernels()
    ptrdiff_t cdt_partition_classes(const uint8_t *, size_t, size_t, uint64_t *, size_t, uint32_t *, uint32_t *, cdt_pause *) except -1
    int cdt_partition_by_class(const uint32_t *, size_t, size_t, uint64_t *, uint32_t *, cdt_pause *) except -1
    int cdt_partition_measure(const cdt_sensitive *, const uint32_t *, const uint64_t *, size_t, cdt_partition_work, cdt_class_measures *) except -1

#: Sensitive columns of one partition; cuts of a column that can be tried.
MOST_SENSITIVE, MOST_CUTS = 16, 64
#: Codes of a row are a multiple of this.
WIDTH = 8


cdef int _asked() except -1 with gil:
    PyErr_CheckSignals()
    heed()
    return 0


cdef cdt_pause _pauses():
    cdef cdt_pause pause
    pause.stop, pause.every, pause.left, pause.ended = _asked, STEPS, 0, 0
    return pause


cdef class Sensitive:
    """A sensitive column and what each class must keep of it: ``least`` distinct values (0: none), ``entropy`` (nats, 0: none), a
    distance of at most ``t`` (below 0: any). ``codes`` are below ``size``."""

    cdef cdt_sensitive column
    cdef object arrays
    cdef readonly Py_ssize_t rows

    def __init__(self, const uint32_t[::1] codes not None, uint32_t size, bint ordered, uint32_t least=0, double entropy=0, double t=-1):
        cdef Py_ssize_t i, first, n = codes.shape[0]
        cdef double[::1] counts = np.zeros(size)
        cdef double[::1] below, sums, logs
        if not n or not size:
            raise ValueError("sensitive codes must be at least one")
        for first in range(0, n, STEPS):
            _asked()
            for i in range(first, min(first + STEPS, n)):
                if codes[i] >= size:
                    raise ValueError("a sensitive code is not below size")
                counts[codes[i]] += 1
        below = np.cumsum(counts)
        sums = np.concatenate([[0.0], np.cumsum(below)])
        logs = np.arange(min(n, 1023) + 1, dtype=np.float64)
        logs = np.asarray(logs) * np.log(np.maximum(logs, 1))
        self.arrays, self.rows = (codes, counts, below, sums, logs), n
        self.column.logs, self.column.log_count = &logs[0], logs.shape[0]
        self.column.codes, self.column.counts = &codes[0], &counts[0]
        self.column.below, self.column.sums = &below[0], &sums[0]
        self.column.size, self.column.ordered = size, ordered
        self.column.least, self.column.entropy, self.column.t = least, entropy, t


cdef class Work:
    """Memory of the kernels for so many rows and codes below ``most``."""

    cdef cdt_partition_work arrays
    cdef cdt_pause pause
    cdef object memory

    def __init__(self, Py_ssize_t rows, Py_ssize_t most):
        cdef uint32_t[:, ::1] lines = np.empty((5, rows + 1), np.uint32)
        cdef uint32_t[::1] tally = np.zeros(2 * most + 1, np.uint32)
        self.memory, self.pause = (lines, tally), _pauses()
        self.arrays.pause = &self.pause
        self.arrays.values, self.arrays.counts, self.arrays.left = &lines[0, 0], &lines[1, 0], &lines[2, 0]
        self.arrays.right, self.arrays.sorted, self.arrays.tally = &lines[3, 0], &lines[4, 0], &tally[0]

    cdef int must_go_on(self) except -1:
        if self.pause.ended:
            raise ValueError("what was stopped cannot go on")
        return 0


cdef void *_address(array) except NULL:
    return <void *> <size_t> array.ctypes.data


cdef class Cutting:
    """A Mondrian partition that is being made of ``rows`` (n, stride) uint16 or uint32, which are reordered on the way.

    ``places`` and ``first`` as in cdt_partition.h; codes of column c are below ``first[c + 1] - first[c]``. After :meth:`run` the
    results are in ``order``, ``classes`` (n), and of the first ``done`` classes in ``starts``, ``lows``, ``highs``.
    """

    cdef cdt_partition_table table
    cdef cdt_partition_rule rule
    cdef cdt_partition_course course
    cdef cdt_sensitive demands[16]
    cdef Work work
    cdef bint short_
    cdef object kept
    cdef readonly object order, classes, starts, lows, highs

    def __init__(self, rows, const double[::1] places not None, const uint64_t[::1] first not None, size_t least, bint relaxed, tuple rest not None):
        cdef Py_ssize_t n = rows.shape[0], columns = first.shape[0] - 1, most, i
        cdef Sensitive one
        sensitive, cuts = rest
        if rows.dtype not in (np.uint16, np.uint32) or rows.ndim != 2 or not rows.flags.c_contiguous or rows.shape[1] % WIDTH:
            raise ValueError("rows must be a contiguous table of uint16 or uint32, its rows as long as a multiple of 8")
        if not n or columns < 1 or columns > rows.shape[1] or not 0 < least <= <size_t> n or n >= 2**32 - 1:
            raise ValueError("there must be a column, at least as many rows as k, and fewer than 2**32 - 1")
        if first[0] != 0 or <Py_ssize_t> first[columns] != places.shape[0] or not 0 < cuts <= MOST_CUTS or len(sensitive) > MOST_SENSITIVE:
            raise ValueError("places must be as many as codes, cuts 1 to 64, and sensitive columns 16 at most")
        sizes, greatest = np.diff(first).astype(np.int64), np.zeros(rows.shape[1], rows.dtype)
        limits(rows, np.zeros(rows.shape[1], rows.dtype), greatest)
        if (np.asarray(first)[1:] <= np.asarray(first)[:columns]).any() or (greatest[:columns] >= sizes).any():
            raise ValueError("codes must be below the number of places of their column")
        most = sizes.max()
        for i in range(len(sensitive)):
            one = sensitive[i]
            if one.rows != n:
                raise ValueError("there must be a sensitive code for each row")
            self.demands[i] = one.column
            most = max(most, one.column.size)
        self.short_ = rows.dtype == np.uint16
        self._make_table(rows, places, first)
        self.work = Work(n, most)
        self.rule.least, self.rule.relaxed, self.rule.cuts = least, relaxed, cuts
        self.rule.sensitive, self.rule.sensitive_count = self.demands, len(sensitive)
        self.kept = (*self.kept, tuple(sensitive))
        self._begin(n, columns, n // least + 2)

    cdef int _make_table(self, rows, const double[::1] places, const uint64_t[::1] first) except -1:
        spare, spare_order = np.empty_like(rows), np.empty(rows.shape[0], np.uint32)
        self.order = np.arange(rows.shape[0], dtype=np.uint32)
        self.kept = (rows, spare, spare_order, places, first)
        self.table.rows, self.table.stride, self.table.columns = rows.shape[0], rows.shape[1], first.shape[0] - 1
        self.table.codes, self.table.spare = _address(rows), _address(spare)
        self.table.order, self.table.spare_order = <uint32_t *> _address(self.order), <uint32_t *> _address(spare_order)
        self.table.places, self.table.first = &places[0], &first[0]
        return 0

    cdef int _begin(self, Py_ssize_t n, Py_ssize_t columns, Py_ssize_t most) except -1:
        stack, scratch = np.zeros((most, 2), np.uint64), np.zeros((3, self.table.stride), np.uint32)
        stack[0, 1] = n
        self.starts, self.classes = np.zeros(most, np.uint64), np.empty(n, np.uint32)
        self.lows, self.highs = np.empty((most, columns), np.uint32), np.empty((most, columns), np.uint32)
        self.kept = (*self.kept, stack, scratch)
        self.course.stack, self.course.scratch = <uint64_t *> _address(stack), _address(scratch)
        self.course.starts, self.course.classes = <uint64_t *> _address(self.starts), <uint32_t *> _address(self.classes)
        self.course.lows, self.course.highs = <uint32_t *> _address(self.lows), <uint32_t *> _address(self.highs)
        self.course.waiting, self.course.done = 1, 0
        return 0

    @property
    def done(self) -> int:
        """Classes so far."""
        return self.course.done

    def run(self) -> None:
        """Cut, once."""
        self.work.must_go_on()
        with nogil:
            if self.short_:
                cdt_active_kernels().cut_u2(&self.table, &self.rule, self.work.arrays, &self.course)
            else:
                cdt_active_kernels().cut_u4(&self.table, &self.rule, self.work.arrays, &self.course)


def classes(rows, uint32_t[::1] found not None, uint32_t[::1] firsts not None) -> int:
    """Class of each of the (n, stride) ``rows`` into ``found``, first row of each class into ``firsts``; returns how many."""
    cdef size_t n = rows.shape[0], count, width, slots
    cdef const uint8_t *bytes_
    cdef uint64_t[::1] table
    cdef cdt_pause pause = _pauses()
    if rows.ndim != 2 or not rows.flags.c_contiguous or (rows.shape[1] * rows.itemsize) % 16 or not rows.size:
        raise ValueError("rows must be contiguous, and multiples of 16 bytes long")
    if <size_t> found.shape[0] != n or <size_t> firsts.shape[0] != n or n >= 2**32 - 1:
        raise ValueError("there must be a place for each row")
    width, slots = rows.shape[1] * rows.itemsize, 1 << int(2 * n).bit_length()
    table = np.zeros(slots, np.uint64)
    bytes_ = <const uint8_t *> _address(rows)
    with nogil:
        count = cdt_partition_classes(bytes_, n, width, &table[0], slots, &firsts[0], &found[0], &pause)
    return count


def by_class(const uint32_t[::1] classes not None, Py_ssize_t count):
    """``starts`` (count + 1) and ``order`` (n) of rows by class."""
    cdef Py_ssize_t n = classes.shape[0], i
    cdef uint64_t[::1] starts = np.empty(count + 1, np.uint64)
    cdef uint32_t[::1] order = np.empty(n, np.uint32)
    cdef cdt_pause pause = _pauses()
    if not n:
        raise ValueError("there must be a row")
    for i in range(n):
        if classes[i] >= <size_t> count:
            raise ValueError("a class is not below their number")
    with nogil:
        cdt_partition_by_class(&classes[0], n, count, &starts[0], &order[0], &pause)
    return np.asarray(starts), np.asarray(order)


def measure(Sensitive column not None, const uint32_t[::1] order not None, const uint64_t[::1] starts not None):
    """Distinct values (int64), entropy and distance (float64) of each class of rows, which must have a row each."""
    cdef Py_ssize_t count = starts.shape[0] - 1, i
    cdef Work work = Work(column.rows, column.column.size)
    record = np.dtype([("distinct", np.uint32), ("entropy", np.float64), ("distance", np.float64)], align=True)
    kept = np.empty(max(count, 1), record)
    cdef cdt_class_measures *measures = <cdt_class_measures *> _address(kept)
    if count < 1 or starts[0] != 0 or starts[count] != <size_t> order.shape[0] or order.shape[0] != column.rows:
        raise ValueError("starts must go from zero to the number of rows, which are those of the column")
    for i in range(count):
        if starts[i] >= starts[i + 1]:
            raise ValueError("starts must rise")
    for i in range(order.shape[0]):
        if order[i] >= <size_t> column.rows:
            raise ValueError("order must hold rows")
    with nogil:
        cdt_partition_measure(&column.column, &order[0], &starts[0], count, work.arrays, measures)
    return kept["distinct"].astype(np.int64), kept["entropy"], kept["distance"]


include "partition_moves.pxi"
