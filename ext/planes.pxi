cdef extern from "cdt_planes.h" nogil:
    size_t cdt_planes_bound(size_t, size_t)


def planes_encode(residuals) -> bytes:
    """The bytes of residuals: int32 or int64, at least one."""
    cdef size_t n = residuals.size, length = 0
    if n == 0 or residuals.dtype.name not in ("int32", "int64"):
        raise ValueError("planes hold at least one residual of 32 or 64 bits")
    out = np.empty(cdt_planes_bound(n, residuals.itemsize), np.uint8)
    cdef uint8_t[::1] room = out
    cdef const int32_t[::1] narrow
    cdef const int64_t[::1] wide
    if residuals.itemsize == 4:
        narrow = residuals
        with nogil:
            length = cdt_active_kernels().planes.encode_4(&narrow[0], n, &room[0])
    else:
        wide = residuals
        with nogil:
            length = cdt_active_kernels().planes.encode_8(&wide[0], n, &room[0])
    return out[:length].tobytes()


def planes_decode(bytes data not None, size_t n, dtype):
    """The ``n`` >= 1 residuals of :func:`planes_encode`."""
    out = np.empty(n, dtype)
    if n == 0 or out.dtype.name not in ("int32", "int64"):
        raise ValueError("planes hold at least one residual of 32 or 64 bits")
    cdef const uint8_t *begin = data
    cdef size_t length = len(data)
    cdef int status
    cdef int32_t[::1] narrow
    cdef int64_t[::1] wide
    if out.itemsize == 4:
        narrow = out
        with nogil:
            status = cdt_active_kernels().planes.decode_4(begin, length, &narrow[0], n)
    else:
        wide = out
        with nogil:
            status = cdt_active_kernels().planes.decode_8(begin, length, &wide[0], n)
    check(status)
    return out
