# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Statistics of flat arrays. Shapes and types are checked here, everything else is C."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from cdt_status cimport check, must_be_aligned

cdef extern from "cdt_stats.h" nogil:
    ctypedef struct cdt_moments:
        int64_t missing, nan, positive_infinite, negative_infinite, zeros, finite
        double total, mean, m2

    ctypedef struct cdt_comparison:
        cdt_moments x, y
        int64_t finite, mismatched, over_bound
        double max_error, max_relative_error, sum_error, sum_squared_error, co_moment

    ctypedef enum cdt_bound_kind:
        pass

    ctypedef struct cdt_histograms:
        double low, high, bound
        cdt_bound_kind kind
        int32_t bins, error_bins
        int64_t *counts_x
        int64_t *counts_y
        int64_t *counts_error

    int cdt_describe_f4(const float *, const uint8_t *, size_t, cdt_moments *, float *, float *)
    int cdt_describe_f8(const double *, const uint8_t *, size_t, cdt_moments *, double *, double *)
    int cdt_describe_i1(const int8_t *, const uint8_t *, size_t, cdt_moments *, int8_t *, int8_t *)
    int cdt_describe_i2(const int16_t *, const uint8_t *, size_t, cdt_moments *, int16_t *, int16_t *)
    int cdt_describe_i4(const int32_t *, const uint8_t *, size_t, cdt_moments *, int32_t *, int32_t *)
    int cdt_describe_i8(const int64_t *, const uint8_t *, size_t, cdt_moments *, int64_t *, int64_t *)
    int cdt_describe_u1(const uint8_t *, const uint8_t *, size_t, cdt_moments *, uint8_t *, uint8_t *)
    int cdt_describe_u2(const uint16_t *, const uint8_t *, size_t, cdt_moments *, uint16_t *, uint16_t *)
    int cdt_describe_u4(const uint32_t *, const uint8_t *, size_t, cdt_moments *, uint32_t *, uint32_t *)
    int cdt_describe_u8(const uint64_t *, const uint8_t *, size_t, cdt_moments *, uint64_t *, uint64_t *)
    int cdt_compare_f4(const float *, const float *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, float *)
    int cdt_compare_f8(const double *, const double *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, double *)
    int cdt_compare_i1(const int8_t *, const int8_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, int8_t *)
    int cdt_compare_i2(const int16_t *, const int16_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, int16_t *)
    int cdt_compare_i4(const int32_t *, const int32_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, int32_t *)
    int cdt_compare_i8(const int64_t *, const int64_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, int64_t *)
    int cdt_compare_u1(const uint8_t *, const uint8_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, uint8_t *)
    int cdt_compare_u2(const uint16_t *, const uint16_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, uint16_t *)
    int cdt_compare_u4(const uint32_t *, const uint32_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, uint32_t *)
    int cdt_compare_u8(const uint64_t *, const uint64_t *, const uint8_t *, size_t, const cdt_histograms *, cdt_comparison *, uint64_t *)

    int cdt_row_hashes(const uint8_t *, size_t, size_t, uint64_t *)

ctypedef fused value_t:
    float
    double
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef dict _moments(cdt_moments m, size_t count, object least, object most):
    return {
        "count": count,
        "missing": m.missing,
        "nan": m.nan,
        "positive_infinite": m.positive_infinite,
        "negative_infinite": m.negative_infinite,
        "zeros": m.zeros,
        "minimum": least if m.finite else None,
        "maximum": most if m.finite else None,
        "total": m.total,
        "mean": m.mean,
        "m2": m.m2,
    }


def describe(const value_t[::1] values not None, const uint8_t[::1] mask):
    """Fields of a ``Description`` of flat ``values``; ``mask`` (or None) is 1 where a value is missing."""
    cdef size_t n = values.shape[0]
    cdef cdt_moments moments
    cdef value_t least = 0, most = 0
    cdef const uint8_t *m = NULL
    cdef const value_t *x = NULL
    cdef int status
    if mask is not None and n:
        if <size_t>mask.shape[0] != n:
            raise ValueError("the mask must have one place for each value")
        m = &mask[0]
    if n:
        x = &values[0]
        must_be_aligned(x, sizeof(value_t))
    with nogil:
        if value_t is float:
            status = cdt_describe_f4(x, m, n, &moments, &least, &most)
        elif value_t is double:
            status = cdt_describe_f8(x, m, n, &moments, &least, &most)
        elif value_t is int8_t:
            status = cdt_describe_i1(x, m, n, &moments, &least, &most)
        elif value_t is int16_t:
            status = cdt_describe_i2(x, m, n, &moments, &least, &most)
        elif value_t is int32_t:
            status = cdt_describe_i4(x, m, n, &moments, &least, &most)
        elif value_t is int64_t:
            status = cdt_describe_i8(x, m, n, &moments, &least, &most)
        elif value_t is uint8_t:
            status = cdt_describe_u1(x, m, n, &moments, &least, &most)
        elif value_t is uint16_t:
            status = cdt_describe_u2(x, m, n, &moments, &least, &most)
        elif value_t is uint32_t:
            status = cdt_describe_u4(x, m, n, &moments, &least, &most)
        else:
            status = cdt_describe_u8(x, m, n, &moments, &least, &most)
    check(status)
    return _moments(moments, n, least, most)


def compare(const value_t[::1] original not None, const value_t[::1] treated not None, const uint8_t[::1] mask,
            tuple edges not None, tuple bound not None, tuple counts not None):
    """Fields of a ``Comparison``. ``edges``: (low, high); ``bound``: (kind number, value); ``counts``: three int64 arrays to
    count in (original, treated, error), empty for none. One buffer for both sides skips all comparing."""
    cdef size_t n = original.shape[0]
    cdef cdt_comparison c
    cdef cdt_histograms h
    cdef value_t extremes[4]
    cdef int64_t[::1] counts_x = counts[0]
    cdef int64_t[::1] counts_y = counts[1]
    cdef int64_t[::1] counts_error = counts[2]
    cdef const uint8_t *m = NULL
    cdef const value_t *x = NULL
    cdef const value_t *y = NULL
    cdef int status
    if treated.shape[0] != original.shape[0] or counts_x.shape[0] != counts_y.shape[0]:
        raise ValueError("both arrays, and both histograms, must have one size")
    if mask is not None and n:
        if <size_t>mask.shape[0] != n:
            raise ValueError("the mask must have one place for each value")
        m = &mask[0]
    if n:
        x = &original[0]
        y = &treated[0]
        must_be_aligned(x, sizeof(value_t))
        must_be_aligned(y, sizeof(value_t))
    h.low, h.high = edges
    h.kind = <cdt_bound_kind><int>bound[0]
    h.bound = bound[1]
    h.bins = counts_x.shape[0]
    h.error_bins = counts_error.shape[0]
    h.counts_x = &counts_x[0] if h.bins else NULL
    h.counts_y = &counts_y[0] if h.bins else NULL
    h.counts_error = &counts_error[0] if h.error_bins else NULL
    for k in range(4):
        extremes[k] = 0
    with nogil:
        if value_t is float:
            status = cdt_compare_f4(x, y, m, n, &h, &c, extremes)
        elif value_t is double:
            status = cdt_compare_f8(x, y, m, n, &h, &c, extremes)
        elif value_t is int8_t:
            status = cdt_compare_i1(x, y, m, n, &h, &c, extremes)
        elif value_t is int16_t:
            status = cdt_compare_i2(x, y, m, n, &h, &c, extremes)
        elif value_t is int32_t:
            status = cdt_compare_i4(x, y, m, n, &h, &c, extremes)
        elif value_t is int64_t:
            status = cdt_compare_i8(x, y, m, n, &h, &c, extremes)
        elif value_t is uint8_t:
            status = cdt_compare_u1(x, y, m, n, &h, &c, extremes)
        elif value_t is uint16_t:
            status = cdt_compare_u2(x, y, m, n, &h, &c, extremes)
        elif value_t is uint32_t:
            status = cdt_compare_u4(x, y, m, n, &h, &c, extremes)
        else:
            status = cdt_compare_u8(x, y, m, n, &h, &c, extremes)
    check(status)
    return {
        "original": _moments(c.x, n, extremes[0], extremes[1]),
        "treated": _moments(c.y, n, extremes[2], extremes[3]),
        "finite": c.finite,
        "mismatched": c.mismatched,
        "max_error": c.max_error,
        "max_relative_error": c.max_relative_error,
        "over_bound": c.over_bound,
        "sum_error": c.sum_error,
        "sum_squared_error": c.sum_squared_error,
        "co_moment": c.co_moment,
    }


def row_hashes(const uint8_t[:, ::1] rows not None, uint64_t[::1] hashes not None):
    """A 64-bit hash of each row of bytes, into ``hashes``."""
    cdef size_t count = rows.shape[0], width = rows.shape[1]
    cdef int status
    if <size_t>hashes.shape[0] != count:
        raise ValueError("hashes must have one place for each row")
    if not count or not width:
        hashes[:] = 0
        return
    with nogil:
        status = cdt_row_hashes(&rows[0, 0], count, width, &hashes[0])
    check(status)
