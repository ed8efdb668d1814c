cdef int _lorenzo_block(codes, orders, size_t *dim, uint8_t *order) except -1:
    """Dimensions and orders of codes with up to four axes, the first of batch, z, y and x left out."""
    if not 1 <= codes.ndim <= 4 or codes.size == 0 or codes.dtype.name not in ("uint32", "uint64"):
        raise ValueError("a block has 1 to 4 axes and at least one code of 32 or 64 bits, unsigned")
    if len(orders) != codes.ndim or not all(0 <= o <= 2 for o in orders):
        raise ValueError("each axis has an order of 0, 1 or 2")
    cdef int missing = 4 - codes.ndim, axis
    for axis in range(4):
        dim[axis] = codes.shape[axis - missing] if axis >= missing else 1
        order[axis] = orders[axis - missing] if axis >= missing else 0
    return 0


def lorenzo_difference(codes, orders, bint in_place=False):
    """Differences of C-contiguous ``codes`` (1 to 4 axes, uint32 or uint64), ``orders`` (0..2) times along each axis."""
    cdef size_t dim[4]
    cdef uint8_t order[4]
    _lorenzo_block(codes, orders, dim, order)
    source = codes.copy() if in_place else codes
    out = source if in_place else np.empty_like(codes)
    cdef const uint32_t[::1] narrow
    cdef const uint64_t[::1] wide
    cdef uint32_t[::1] narrow_out
    cdef uint64_t[::1] wide_out
    if codes.itemsize == 4:
        narrow, narrow_out = source.reshape(-1), out.reshape(-1)
        with nogil:
            cdt_active_kernels().lorenzo.u4.difference(&narrow[0], dim, order, &narrow_out[0])
    else:
        wide, wide_out = source.reshape(-1), out.reshape(-1)
        with nogil:
            cdt_active_kernels().lorenzo.u8.difference(&wide[0], dim, order, &wide_out[0])
    return out


def lorenzo_cumulate(residuals, orders):
    """The codes that :func:`lorenzo_difference` had."""
    cdef size_t dim[4]
    cdef uint8_t order[4]
    _lorenzo_block(residuals, orders, dim, order)
    out = residuals.copy()
    cdef uint32_t[::1] narrow
    cdef uint64_t[::1] wide
    if out.itemsize == 4:
        narrow = out.reshape(-1)
        with nogil:
            cdt_active_kernels().lorenzo.u4.cumulate(&narrow[0], dim, order)
    else:
        wide = out.reshape(-1)
        with nogil:
            cdt_active_kernels().lorenzo.u8.cumulate(&wide[0], dim, order)
    return out


def lorenzo_choose(codes, bint thorough=False) -> tuple:
    """The orders, one for each axis, that a sample of C-contiguous ``codes`` speaks for."""
    cdef size_t dim[4]
    cdef uint8_t order[4]
    _lorenzo_block(codes, (0,) * codes.ndim, dim, order)
    cdef const uint32_t[::1] narrow
    cdef const uint64_t[::1] wide
    if codes.itemsize == 4:
        narrow = codes.reshape(-1)
        with nogil:
            cdt_active_kernels().lorenzo.u4.choose(&narrow[0], dim, thorough, order)
    else:
        wide = codes.reshape(-1)
        with nogil:
            cdt_active_kernels().lorenzo.u8.choose(&wide[0], dim, thorough, order)
    return tuple(order[axis] for axis in range(4 - codes.ndim, 4))
