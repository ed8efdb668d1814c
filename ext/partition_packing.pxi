from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint16_t

ctypedef fused code_t:
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t

ctypedef fused packed_t:
    uint16_t
    uint32_t


cdef Py_ssize_t _rows_at_once(Py_ssize_t columns) except -1:
    return max(1, 4 * STEPS // max(1, columns))


def limits(const code_t[:, :] codes not None, code_t[::1] least not None, code_t[::1] most not None):
    """Lowers ``least`` to the least code of each column, raises ``most`` to the greatest."""
    cdef Py_ssize_t i, j, first, columns = codes.shape[1], some = _rows_at_once(columns)
    cdef code_t code
    if least.shape[0] != columns or most.shape[0] != columns:
        raise ValueError("least and most must have a number for each column")
    for first in range(0, codes.shape[0], some):
        _asked()
        with nogil:
            for i in range(first, min(first + some, codes.shape[0])):
                for j in range(columns):
                    code = codes[i, j]
                    least[j] = code if code < least[j] else least[j]
                    most[j] = code if code > most[j] else most[j]


def pack(const code_t[:, :] codes not None, packed_t[:, ::1] rows not None):
    """Codes into the first columns of ``rows``, whose type must hold them."""
    cdef Py_ssize_t i, j, first, columns = codes.shape[1], some = _rows_at_once(columns)
    if rows.shape[0] != codes.shape[0] or rows.shape[1] < columns:
        raise ValueError("rows must have a place for each code")
    for first in range(0, codes.shape[0], some):
        _asked()
        with nogil:
            for i in range(first, min(first + some, codes.shape[0])):
                for j in range(columns):
                    rows[i, j] = <packed_t> codes[i, j]
