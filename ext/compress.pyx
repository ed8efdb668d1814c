# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Values to lattice codes, codes to planes, and back. Shapes and types are checked here, everything else is C."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from cdt_status cimport check

import numpy as np

cdef extern from "cdt_lattice.h" nogil:
    int cdt_linear_encode_f4(const float *, size_t, double, float, const float *, size_t, uint32_t *, uint32_t *, size_t *, double *)
    int cdt_linear_encode_f8(const double *, size_t, double, double, const double *, size_t, uint64_t *, uint32_t *, size_t *, double *)
    int cdt_linear_decode_f4(const uint32_t *, size_t, float, float *)
    int cdt_linear_decode_f8(const uint64_t *, size_t, double, double *)
    int cdt_key_encode_f4(const float *, size_t, double, uint32_t, const float *, size_t, uint32_t *, uint32_t *, size_t *, double *)
    int cdt_key_encode_f8(const double *, size_t, double, uint64_t, const double *, size_t, uint64_t *, uint32_t *, size_t *, double *)
    int cdt_key_decode_f4(const uint32_t *, size_t, uint32_t, float *)
    int cdt_key_decode_f8(const uint64_t *, size_t, uint64_t, double *)
    int cdt_steps_encode_i1(const int8_t *, size_t, uint8_t, const int8_t *, size_t, uint8_t *, uint32_t *, size_t *, double *)
    int cdt_steps_encode_i2(const int16_t *, size_t, uint16_t, const int16_t *, size_t, uint16_t *, uint32_t *, size_t *, double *)
    int cdt_steps_encode_i4(const int32_t *, size_t, uint32_t, const int32_t *, size_t, uint32_t *, uint32_t *, size_t *, double *)
    int cdt_steps_encode_i8(const int64_t *, size_t, uint64_t, const int64_t *, size_t, uint64_t *, uint32_t *, size_t *, double *)
    int cdt_steps_encode_u1(const uint8_t *, size_t, uint8_t, const uint8_t *, size_t, uint8_t *, uint32_t *, size_t *, double *)
    int cdt_steps_encode_u2(const uint16_t *, size_t, uint16_t, const uint16_t *, size_t, uint16_t *, uint32_t *, size_t *, double *)
    int cdt_steps_encode_u4(const uint32_t *, size_t, uint32_t, const uint32_t *, size_t, uint32_t *, uint32_t *, size_t *, double *)
    int cdt_steps_encode_u8(const uint64_t *, size_t, uint64_t, const uint64_t *, size_t, uint64_t *, uint32_t *, size_t *, double *)
    int cdt_steps_decode_i1(const uint8_t *, size_t, uint8_t, int8_t *)
    int cdt_steps_decode_i2(const uint16_t *, size_t, uint16_t, int16_t *)
    int cdt_steps_decode_i4(const uint32_t *, size_t, uint32_t, int32_t *)
    int cdt_steps_decode_i8(const uint64_t *, size_t, uint64_t, int64_t *)
    int cdt_steps_decode_u1(const uint8_t *, size_t, uint8_t, uint8_t *)
    int cdt_steps_decode_u2(const uint16_t *, size_t, uint16_t, uint16_t *)
    int cdt_steps_decode_u4(const uint32_t *, size_t, uint32_t, uint32_t *)
    int cdt_steps_decode_u8(const uint64_t *, size_t, uint64_t, uint64_t *)

cdef extern from "cdt_codes.h" nogil:
    int CDT_MAX_AXES
    int cdt_difference_u1(uint8_t *, const size_t *, size_t, const uint8_t *)
    int cdt_difference_u2(uint16_t *, const size_t *, size_t, const uint8_t *)
    int cdt_difference_u4(uint32_t *, const size_t *, size_t, const uint8_t *)
    int cdt_difference_u8(uint64_t *, const size_t *, size_t, const uint8_t *)
    int cdt_cumulate_u1(uint8_t *, const size_t *, size_t, const uint8_t *)
    int cdt_cumulate_u2(uint16_t *, const size_t *, size_t, const uint8_t *)
    int cdt_cumulate_u4(uint32_t *, const size_t *, size_t, const uint8_t *)
    int cdt_cumulate_u8(uint64_t *, const size_t *, size_t, const uint8_t *)
    int cdt_choose_u1(const uint8_t *, const size_t *, size_t, uint8_t *)
    int cdt_choose_u2(const uint16_t *, const size_t *, size_t, uint8_t *)
    int cdt_choose_u4(const uint32_t *, const size_t *, size_t, uint8_t *)
    int cdt_choose_u8(const uint64_t *, const size_t *, size_t, uint8_t *)
    int cdt_zigzag_u1(uint8_t *, size_t, unsigned *)
    int cdt_zigzag_u2(uint16_t *, size_t, unsigned *)
    int cdt_zigzag_u4(uint32_t *, size_t, unsigned *)
    int cdt_zigzag_u8(uint64_t *, size_t, unsigned *)
    int cdt_unzigzag_u1(uint8_t *, size_t)
    int cdt_unzigzag_u2(uint16_t *, size_t)
    int cdt_unzigzag_u4(uint32_t *, size_t)
    int cdt_unzigzag_u8(uint64_t *, size_t)
    int cdt_to_bytes_u1(const uint8_t *, size_t, unsigned, uint8_t *)
    int cdt_to_bytes_u2(const uint16_t *, size_t, unsigned, uint8_t *)
    int cdt_to_bytes_u4(const uint32_t *, size_t, unsigned, uint8_t *)
    int cdt_to_bytes_u8(const uint64_t *, size_t, unsigned, uint8_t *)
    int cdt_from_bytes_u1(const uint8_t *, size_t, unsigned, uint8_t *)
    int cdt_from_bytes_u2(const uint8_t *, size_t, unsigned, uint16_t *)
    int cdt_from_bytes_u4(const uint8_t *, size_t, unsigned, uint32_t *)
    int cdt_from_bytes_u8(const uint8_t *, size_t, unsigned, uint64_t *)
    int cdt_to_bits_u1(const uint8_t *, size_t, unsigned, uint8_t *)
    int cdt_to_bits_u2(const uint16_t *, size_t, unsigned, uint8_t *)
    int cdt_to_bits_u4(const uint32_t *, size_t, unsigned, uint8_t *)
    int cdt_to_bits_u8(const uint64_t *, size_t, unsigned, uint8_t *)
    int cdt_from_bits_u1(const uint8_t *, size_t, unsigned, uint8_t *)
    int cdt_from_bits_u2(const uint8_t *, size_t, unsigned, uint16_t *)
    int cdt_from_bits_u4(const uint8_t *, size_t, unsigned, uint32_t *)
    int cdt_from_bits_u8(const uint8_t *, size_t, unsigned, uint64_t *)

ctypedef fused code_t:
    uint8_t
    uint16_t
    uint32_t
    uint64_t

ctypedef fused integer_t:
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t

ctypedef fused float_t:
    float
    double


cdef _exact(object positions, size_t found, double largest):
    return positions[:found].copy(), largest


def linear_encode(const float_t[::1] values not None, double bound, double step, const float_t[::1] missing not None,
                  object codes not None):
    """Codes of ``values`` on the lattice ``step`` into ``codes``; positions kept exact, and the largest error."""
    cdef size_t n = values.shape[0], found = 0
    cdef double largest = 0.0
    cdef int status
    cdef const float_t *no_values = NULL
    cdef const float_t *x = &values[0] if n else no_values
    cdef size_t n_missing = missing.shape[0]
    cdef const float_t *m = &missing[0] if n_missing else no_values
    positions = np.empty(n, np.uint32)
    cdef uint32_t[::1] exact = positions
    cdef uint32_t[::1] codes4
    cdef uint64_t[::1] codes8
    if codes.shape[0] != n:
        raise ValueError("codes must have one place for each value")
    if n == 0:
        return positions, 0.0
    if float_t is float:
        codes4 = codes
        with nogil:
            status = cdt_linear_encode_f4(x, n, bound, <float>step, m, n_missing, &codes4[0], &exact[0], &found, &largest)
    else:
        codes8 = codes
        with nogil:
            status = cdt_linear_encode_f8(x, n, bound, step, m, n_missing, &codes8[0], &exact[0], &found, &largest)
    check(status)
    return _exact(positions, found, largest)


def key_encode(const float_t[::1] values not None, double bound, uint64_t step, const float_t[::1] missing not None,
               object codes not None):
    """Codes of ``values`` as order-preserving keys over ``step`` into ``codes``; ``bound < 0`` asks for the bare keys."""
    cdef size_t n = values.shape[0], found = 0
    cdef double largest = 0.0
    cdef int status
    cdef const float_t *no_values = NULL
    cdef size_t n_missing = missing.shape[0]
    cdef const float_t *m = &missing[0] if n_missing else no_values
    positions = np.empty(n if bound >= 0 else min(n, 1), np.uint32)
    cdef uint32_t[::1] exact = positions
    cdef uint32_t[::1] codes4
    cdef uint64_t[::1] codes8
    if codes.shape[0] != n:
        raise ValueError("codes must have one place for each value")
    if n == 0:
        return positions, 0.0
    if float_t is float:
        codes4 = codes
        with nogil:
            status = cdt_key_encode_f4(&values[0], n, bound, <uint32_t>step, m, n_missing, &codes4[0], &exact[0], &found, &largest)
    else:
        codes8 = codes
        with nogil:
            status = cdt_key_encode_f8(&values[0], n, bound, step, m, n_missing, &codes8[0], &exact[0], &found, &largest)
    check(status)
    return _exact(positions, found, largest)


def steps_encode(const integer_t[::1] values not None, uint64_t bound, const integer_t[::1] missing not None, object codes not None):
    """Codes of integers in steps of ``2 * bound + 1`` into ``codes``; positions kept exact, and the largest error."""
    cdef size_t n = values.shape[0], found = 0
    cdef double largest = 0.0
    cdef int status
    cdef const integer_t *no_values = NULL
    cdef size_t n_missing = missing.shape[0]
    cdef const integer_t *m = &missing[0] if n_missing else no_values
    positions = np.empty(n if bound else min(n, 1), np.uint32)
    cdef uint32_t[::1] exact = positions
    cdef uint8_t[::1] c1
    cdef uint16_t[::1] c2
    cdef uint32_t[::1] c4
    cdef uint64_t[::1] c8
    if codes.shape[0] != n:
        raise ValueError("codes must have one place for each value")
    if n == 0:
        return positions, 0.0
    if integer_t is int8_t:
        c1 = codes
        with nogil:
            status = cdt_steps_encode_i1(&values[0], n, <uint8_t>bound, m, n_missing, &c1[0], &exact[0], &found, &largest)
    elif integer_t is uint8_t:
        c1 = codes
        with nogil:
            status = cdt_steps_encode_u1(&values[0], n, <uint8_t>bound, m, n_missing, &c1[0], &exact[0], &found, &largest)
    elif integer_t is int16_t:
        c2 = codes
        with nogil:
            status = cdt_steps_encode_i2(&values[0], n, <uint16_t>bound, m, n_missing, &c2[0], &exact[0], &found, &largest)
    elif integer_t is uint16_t:
        c2 = codes
        with nogil:
            status = cdt_steps_encode_u2(&values[0], n, <uint16_t>bound, m, n_missing, &c2[0], &exact[0], &found, &largest)
    elif integer_t is int32_t:
        c4 = codes
        with nogil:
            status = cdt_steps_encode_i4(&values[0], n, <uint32_t>bound, m, n_missing, &c4[0], &exact[0], &found, &largest)
    elif integer_t is uint32_t:
        c4 = codes
        with nogil:
            status = cdt_steps_encode_u4(&values[0], n, <uint32_t>bound, m, n_missing, &c4[0], &exact[0], &found, &largest)
    elif integer_t is int64_t:
        c8 = codes
        with nogil:
            status = cdt_steps_encode_i8(&values[0], n, bound, m, n_missing, &c8[0], &exact[0], &found, &largest)
    else:
        c8 = codes
        with nogil:
            status = cdt_steps_encode_u8(&values[0], n, bound, m, n_missing, &c8[0], &exact[0], &found, &largest)
    check(status)
    return _exact(positions, found, largest)


def linear_decode(const code_t[::1] codes not None, double step, object values not None):
    """Values of codes on the lattice ``step`` into ``values`` (float32 for 4-byte codes, float64 for 8-byte ones)."""
    cdef size_t n = codes.shape[0]
    cdef float[::1] y4
    cdef double[::1] y8
    if values.shape[0] != n:
        raise ValueError("values must have one place for each code")
    if n == 0:
        return
    if code_t is uint32_t:
        y4 = values
        with nogil:
            cdt_linear_decode_f4(&codes[0], n, <float>step, &y4[0])
    elif code_t is uint64_t:
        y8 = values
        with nogil:
            cdt_linear_decode_f8(&codes[0], n, step, &y8[0])
    else:
        raise ValueError("float codes have 4 or 8 bytes")


def key_decode(const code_t[::1] codes not None, uint64_t step, object values not None):
    """Values of keys over ``step`` into ``values`` (float32 for 4-byte codes, float64 for 8-byte ones)."""
    cdef size_t n = codes.shape[0]
    cdef float[::1] y4
    cdef double[::1] y8
    if values.shape[0] != n:
        raise ValueError("values must have one place for each code")
    if n == 0:
        return
    if code_t is uint32_t:
        y4 = values
        with nogil:
            cdt_key_decode_f4(&codes[0], n, <uint32_t>step, &y4[0])
    elif code_t is uint64_t:
        y8 = values
        with nogil:
            cdt_key_decode_f8(&codes[0], n, step, &y8[0])
    else:
        raise ValueError("float codes have 4 or 8 bytes")


def steps_decode(object codes not None, uint64_t bound, integer_t[::1] values not None):
    """Integers of codes in steps of ``2 * bound + 1`` into ``values``."""
    cdef size_t n = values.shape[0]
    cdef const uint8_t[::1] c1
    cdef const uint16_t[::1] c2
    cdef const uint32_t[::1] c4
    cdef const uint64_t[::1] c8
    if codes.shape[0] != n:
        raise ValueError("values must have one place for each code")
    if n == 0:
        return
    if integer_t is int8_t:
        c1 = codes
        with nogil:
            cdt_steps_decode_i1(&c1[0], n, <uint8_t>bound, &values[0])
    elif integer_t is uint8_t:
        c1 = codes
        with nogil:
            cdt_steps_decode_u1(&c1[0], n, <uint8_t>bound, &values[0])
    elif integer_t is int16_t:
        c2 = codes
        with nogil:
            cdt_steps_decode_i2(&c2[0], n, <uint16_t>bound, &values[0])
    elif integer_t is uint16_t:
        c2 = codes
        with nogil:
            cdt_steps_decode_u2(&c2[0], n, <uint16_t>bound, &values[0])
    elif integer_t is int32_t:
        c4 = codes
        with nogil:
            cdt_steps_decode_i4(&c4[0], n, <uint32_t>bound, &values[0])
    elif integer_t is uint32_t:
        c4 = codes
        with nogil:
            cdt_steps_decode_u4(&c4[0], n, <uint32_t>bound, &values[0])
    elif integer_t is int64_t:
        c8 = codes
        with nogil:
            cdt_steps_decode_i8(&c8[0], n, bound, &values[0])
    else:
        c8 = codes
        with nogil:
            cdt_steps_decode_u8(&c8[0], n, bound, &values[0])


cdef size_t _shape(tuple shape, size_t *sides) except? 0:
    cdef size_t total = 1
    if len(shape) > CDT_MAX_AXES:
        raise ValueError("too many axes for the predictor")
    for axis, length in enumerate(shape):
        sides[axis] = length
        total *= <size_t>length
    return total


def predict(code_t[::1] codes not None, tuple shape not None):
    """Choose and apply the predictor to ``codes`` of ``shape``, zigzag them; the orders by axis, and the bits in use."""
    cdef size_t sides[8]
    cdef uint8_t orders[8]
    cdef unsigned bits = 0
    cdef size_t axes = len(shape), n = codes.shape[0]
    cdef int status
    if _shape(shape, sides) != n or n == 0:
        raise ValueError("codes do not have that shape")
    with nogil:
        if code_t is uint8_t:
            status = cdt_choose_u1(&codes[0], sides, axes, orders) or cdt_difference_u1(&codes[0], sides, axes, orders) or cdt_zigzag_u1(&codes[0], n, &bits)
        elif code_t is uint16_t:
            status = cdt_choose_u2(&codes[0], sides, axes, orders) or cdt_difference_u2(&codes[0], sides, axes, orders) or cdt_zigzag_u2(&codes[0], n, &bits)
        elif code_t is uint32_t:
            status = cdt_choose_u4(&codes[0], sides, axes, orders) or cdt_difference_u4(&codes[0], sides, axes, orders) or cdt_zigzag_u4(&codes[0], n, &bits)
        else:
            status = cdt_choose_u8(&codes[0], sides, axes, orders) or cdt_difference_u8(&codes[0], sides, axes, orders) or cdt_zigzag_u8(&codes[0], n, &bits)
    check(status)
    return bytes(orders[:axes]), bits


def unpredict(code_t[::1] codes not None, tuple shape not None, const uint8_t[::1] orders not None):
    """Undo :func:`predict` in place."""
    cdef size_t sides[8]
    cdef size_t axes = len(shape), n = codes.shape[0]
    cdef const uint8_t *o = NULL
    cdef int status
    if _shape(shape, sides) != n or <size_t>orders.shape[0] != axes:
        raise ValueError("codes do not have that shape")
    if n == 0:
        return
    if axes:
        o = &orders[0]
    with nogil:
        if code_t is uint8_t:
            status = cdt_unzigzag_u1(&codes[0], n) or cdt_cumulate_u1(&codes[0], sides, axes, o)
        elif code_t is uint16_t:
            status = cdt_unzigzag_u2(&codes[0], n) or cdt_cumulate_u2(&codes[0], sides, axes, o)
        elif code_t is uint32_t:
            status = cdt_unzigzag_u4(&codes[0], n) or cdt_cumulate_u4(&codes[0], sides, axes, o)
        else:
            status = cdt_unzigzag_u8(&codes[0], n) or cdt_cumulate_u8(&codes[0], sides, axes, o)
    check(status)


def to_planes(const code_t[::1] codes not None, unsigned planes, bint by_bit, uint8_t[::1] out not None):
    """Write ``planes`` byte or bit planes of ``codes`` to ``out``."""
    cdef size_t n = codes.shape[0]
    cdef size_t width = (n + 7) // 8 if by_bit else n
    cdef int status
    if <size_t>out.shape[0] != planes * width:
        raise ValueError("out has the wrong size for so many planes")
    if n == 0 or planes == 0:
        return
    with nogil:
        if code_t is uint8_t:
            status = cdt_to_bits_u1(&codes[0], n, planes, &out[0]) if by_bit else cdt_to_bytes_u1(&codes[0], n, planes, &out[0])
        elif code_t is uint16_t:
            status = cdt_to_bits_u2(&codes[0], n, planes, &out[0]) if by_bit else cdt_to_bytes_u2(&codes[0], n, planes, &out[0])
        elif code_t is uint32_t:
            status = cdt_to_bits_u4(&codes[0], n, planes, &out[0]) if by_bit else cdt_to_bytes_u4(&codes[0], n, planes, &out[0])
        else:
            status = cdt_to_bits_u8(&codes[0], n, planes, &out[0]) if by_bit else cdt_to_bytes_u8(&codes[0], n, planes, &out[0])
    check(status)


def from_planes(const uint8_t[::1] planes_in not None, unsigned planes, bint by_bit, code_t[::1] codes not None):
    """Read ``planes`` byte or bit planes into ``codes``."""
    cdef size_t n = codes.shape[0]
    cdef size_t width = (n + 7) // 8 if by_bit else n
    cdef int status
    if <size_t>planes_in.shape[0] != planes * width:
        raise ValueError("the planes have the wrong size")
    if n == 0:
        return
    if planes == 0:
        for i in range(n):
            codes[i] = 0
        return
    with nogil:
        if code_t is uint8_t:
            status = cdt_from_bits_u1(&planes_in[0], n, planes, &codes[0]) if by_bit else cdt_from_bytes_u1(&planes_in[0], n, planes, &codes[0])
        elif code_t is uint16_t:
            status = cdt_from_bits_u2(&planes_in[0], n, planes, &codes[0]) if by_bit else cdt_from_bytes_u2(&planes_in[0], n, planes, &codes[0])
        elif code_t is uint32_t:
            status = cdt_from_bits_u4(&planes_in[0], n, planes, &codes[0]) if by_bit else cdt_from_bytes_u4(&planes_in[0], n, planes, &codes[0])
        else:
            status = cdt_from_bits_u8(&planes_in[0], n, planes, &codes[0]) if by_bit else cdt_from_bytes_u8(&planes_in[0], n, planes, &codes[0])
    check(status)
