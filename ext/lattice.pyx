# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled kernels of the integer lattice. Shapes and types are checked here, everything else is C."""

from cdt_status cimport check, must_be_aligned
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

import os

from cdt_core.errors import CdtError

include "levels.pxi"

cdef extern from "cdt_lattice.h" nogil:
    ctypedef enum cdt_lattice_stop:
        CDT_LATTICE_DONE
        CDT_LATTICE_REFUSED
        CDT_LATTICE_DRY
        CDT_LATTICE_RARE
        CDT_LATTICE_CLOSE
    ctypedef struct cdt_spare:
        const uint64_t *words
        size_t count
        size_t used
    ctypedef struct cdt_alias:
        const uint32_t *entries
        uint32_t slot_bits
        uint32_t rare
    ctypedef struct cdt_blocks:
        cdt_alias alias
        const uint32_t *squeeze
        const double *top
        double slope
        double steep
        double bend
        double margin
        uint32_t low_bits
    ctypedef struct cdt_kernels:
        double (*squares[2])(const void *, size_t) noexcept nogil
        cdt_lattice_stop (*encode[2][2])(const void *, size_t, double, const uint16_t *, cdt_spare *, void *, size_t *) noexcept nogil
        void (*add[2])(void *, const void *, size_t, int) noexcept nogil
        cdt_lattice_stop (*draw)(const cdt_alias *, const uint32_t *, size_t, int64_t, int64_t *, size_t *) noexcept nogil
        cdt_lattice_stop (*draw_blocks)(const cdt_blocks *, const uint32_t *, const uint64_t *, size_t, cdt_spare *, int64_t *, size_t *, uint64_t *) noexcept nogil
    const cdt_kernels *cdt_active_kernels()
    void cdt_share(const uint64_t *, size_t, size_t, size_t, size_t, uint64_t *)
    void cdt_weights(const uint64_t *, size_t, size_t, size_t, uint64_t *)
    void cdt_combine(const uint64_t *, const uint64_t *, size_t, size_t, uint64_t *)
    void cdt_norm(const void *, size_t, int, uint64_t *)

ctypedef fused value_t:
    float
    double

ctypedef fused ring_t:
    uint32_t
    uint64_t

#: Why a kernel stopped.
DONE = CDT_LATTICE_DONE
REFUSED = CDT_LATTICE_REFUSED
DRY = CDT_LATTICE_DRY
RARE = CDT_LATTICE_RARE
CLOSE = CDT_LATTICE_CLOSE


cdef int _must_match(bint fits) except -1:
    if not fits:
        raise ValueError("the arrays must have as many numbers as each other")
    return 0


def squares(const value_t[::1] values not None) -> float:
    """Sum of squares in double precision."""
    cdef double total = 0
    cdef size_t n = values.shape[0]
    if n:
        must_be_aligned(&values[0], sizeof(value_t))
        with nogil:
            total = cdt_active_kernels().squares[value_t is double](&values[0], n)
    return total


def encode(const value_t[::1] values not None, double factor, const uint16_t[::1] words not None, const uint64_t[::1] spare not None,
           ring_t[::1] ring not None) -> tuple[int, int, int]:
    """Round values times factor into the ring: how many, why it stopped, how many spare words were used."""
    cdef cdt_spare more
    cdef size_t done = 0, n = values.shape[0]
    cdef int stop = CDT_LATTICE_DONE
    _must_match(words.shape[0] == <Py_ssize_t> n and ring.shape[0] == <Py_ssize_t> n)
    if not n:
        return 0, CDT_LATTICE_DONE, 0
    must_be_aligned(&values[0], sizeof(value_t))
    must_be_aligned(&ring[0], sizeof(ring_t))
    must_be_aligned(&words[0], 2)
    more.words = &spare[0] if spare.shape[0] else NULL
    more.count = spare.shape[0]
    more.used = 0
    with nogil:
        stop = cdt_active_kernels().encode[value_t is double][ring_t is uint64_t](&values[0], n, factor, &words[0], &more, &ring[0], &done)
    return done, stop, more.used


def add(ring_t[::1] ring not None, const ring_t[::1] mask not None, bint negative) -> None:
    """``ring += mask`` or ``ring -= mask``; the mask is no part of the ring."""
    cdef size_t n = ring.shape[0]
    _must_match(mask.shape[0] == <Py_ssize_t> n)
    if n:
        must_be_aligned(&ring[0], sizeof(ring_t))
        must_be_aligned(&mask[0], sizeof(ring_t))
        with nogil:
            cdt_active_kernels().add[ring_t is uint64_t](&ring[0], &mask[0], n, negative)


cdef int _alias(cdt_alias *alias, const uint32_t[::1] entries, uint32_t rare) except -1:
    """A table of 2^1 to 2^16 entries."""
    cdef uint32_t bits = 1
    while bits < 17 and (1 << bits) != entries.shape[0]:
        bits += 1
    if bits == 17 or rare >= (<uint32_t> 1 << bits):
        raise ValueError("an alias table has 2, 4, ... or 65536 entries")
    must_be_aligned(&entries[0], 4)
    alias.entries = &entries[0]
    alias.slot_bits = bits
    alias.rare = rare
    return 0


def draw(const uint32_t[::1] entries not None, uint32_t rare, const uint32_t[::1] words not None, int64_t first, int64_t[::1] out not None) -> tuple[int, int]:
    """``first`` + a symbol for each word: how many, and why it stopped."""
    cdef cdt_alias alias
    cdef size_t done = 0, n = words.shape[0]
    cdef int stop = CDT_LATTICE_DONE
    _must_match(out.shape[0] == <Py_ssize_t> n)
    _alias(&alias, entries, rare)
    if n:
        must_be_aligned(&words[0], 4)
        must_be_aligned(&out[0], 8)
        with nogil:
            stop = cdt_active_kernels().draw(&alias, &words[0], n, first, &out[0], &done)
    return done, stop


cdef class Blocks:
    """A law by blocks of 2^low_bits integers: see cdt_blocks. ``curve`` is (slope, steep, bend, margin)."""

    cdef cdt_blocks blocks
    cdef const uint32_t[::1] entries
    cdef const uint32_t[::1] squeeze
    cdef const double[::1] top

    def __cinit__(self, const uint32_t[::1] entries not None, uint32_t rare, const uint32_t[::1] squeeze not None, const double[::1] top not None,
                  tuple curve not None, uint32_t low_bits):
        _alias(&self.blocks.alias, entries, rare)
        if squeeze.shape[0] != entries.shape[0] or top.shape[0] != entries.shape[0] or low_bits > 47:
            raise ValueError("squeeze and top must have a number for each entry, and low_bits must be at most 47")
        self.entries, self.squeeze, self.top = entries, squeeze, top
        self.blocks.squeeze, self.blocks.top, self.blocks.low_bits = &squeeze[0], &top[0], low_bits
        self.blocks.slope, self.blocks.steep, self.blocks.bend, self.blocks.margin = curve

    def draw(self, const uint32_t[::1] words not None, const uint64_t[::1] places not None, const uint64_t[::1] spare not None,
             int64_t[::1] out not None) -> tuple[int, int, int, tuple[int, int, int]]:
        """An integer for each word and place: how many, why it stopped, spare words used, and the last draw's words."""
        cdef cdt_spare more
        cdef uint64_t last[3]
        cdef size_t done = 0, n = words.shape[0]
        cdef int stop = CDT_LATTICE_DONE
        _must_match(out.shape[0] == <Py_ssize_t> n and places.shape[0] == <Py_ssize_t> n)
        last[0] = last[1] = last[2] = 0
        more.words = &spare[0] if spare.shape[0] else NULL
        more.count = spare.shape[0]
        more.used = 0
        if n:
            must_be_aligned(&words[0], 4)
            must_be_aligned(&places[0], 8)
            must_be_aligned(&out[0], 8)
            with nogil:
                stop = cdt_active_kernels().draw_blocks(&self.blocks, &words[0], &places[0], n, &more, &out[0], &done, last)
        return done, stop, more.used, (last[0], last[1], last[2])


def share(const uint64_t[:, ::1] polynomials not None, size_t first, uint64_t[:, ::1] shares not None) -> None:
    """``shares`` (count, limbs) at ``first``, ``first + 1``, ... of polynomials (threshold, limbs), constant terms first."""
    cdef size_t threshold = polynomials.shape[0], limbs = polynomials.shape[1], count = shares.shape[0]
    _must_match(shares.shape[1] == <Py_ssize_t> limbs)
    if not threshold or not limbs or not count or not first or count >= 1 << 32 or first > (1 << 32) - count:
        raise ValueError("there must be a coefficient, a limb and a share, at places from 1 to below 2^32")
    must_be_aligned(&polynomials[0, 0], 8)
    must_be_aligned(&shares[0, 0], 8)
    with nogil:
        cdt_share(&polynomials[0, 0], threshold, limbs, first, count, &shares[0, 0])


def weights(const uint64_t[::1] places not None, size_t first, uint64_t[::1] found not None) -> None:
    """Weights of the shares at some of the places, which are different, from the number ``first`` on."""
    cdef size_t n = places.shape[0], count = found.shape[0]
    if not count or first > n or count > n - first:
        raise ValueError("there must be a place for each weight")
    must_be_aligned(&places[0], 8)
    must_be_aligned(&found[0], 8)
    with nogil:
        cdt_weights(&places[0], n, first, count, &found[0])


def combine(const uint64_t[::1] weights not None, const uint64_t[:, ::1] shares not None, uint64_t[::1] secret not None) -> None:
    """The secret's limbs from shares (n, limbs) and their weights (n)."""
    cdef size_t n = weights.shape[0], limbs = secret.shape[0]
    _must_match(shares.shape[0] == <Py_ssize_t> n and shares.shape[1] == <Py_ssize_t> limbs)
    if not n or not limbs:
        raise ValueError("there must be a share and a limb")
    must_be_aligned(&weights[0], 8)
    must_be_aligned(&shares[0, 0], 8)
    must_be_aligned(&secret[0], 8)
    with nogil:
        cdt_combine(&weights[0], &shares[0, 0], n, limbs, &secret[0])


def norm(const ring_t[::1] ring not None) -> int:
    """Sum of the squares of the centred numbers, exactly."""
    cdef uint64_t total[2]
    cdef size_t n = ring.shape[0]
    if not n:
        return 0
    must_be_aligned(&ring[0], sizeof(ring_t))
    with nogil:
        cdt_norm(&ring[0], n, 8 * sizeof(ring_t), total)
    return (int(total[1]) << 64) + int(total[0])
