#: ``v`` and ``y`` of :func:`normal_product` have rows up to a multiple of NORMAL_SIDE, and columns up to one of NORMAL_WIDTH.
NORMAL_SIDE = CDT_NORMAL_SIDE
NORMAL_WIDTH = CDT_NORMAL_WIDTH


cdef int _must_have_rows(const real_t[:, :] x, Py_ssize_t *stride) except -1:
    """Into ``stride``: the numbers between two rows of ``x``, which must be contiguous and in order."""
    stride[0] = x.strides[0] // <Py_ssize_t> sizeof(real_t) if x.shape[0] > 1 else x.shape[1]
    if x.strides[1] != sizeof(real_t) or (x.shape[0] > 1 and (x.strides[0] % <Py_ssize_t> sizeof(real_t) or stride[0] < x.shape[1])):
        raise ValueError("the rows of x must be contiguous, one after the other")
    return must_be_aligned(&x[0, 0], sizeof(real_t))


def normal_moments(const real_t[:, :] x not None, const double[::1] shift not None, double[::1] sums not None) -> float:
    """To ``sums``, add those of the columns of ``x - shift``; returns the sum of the squares of ``x - shift``."""
    cdef Py_ssize_t stride
    cdef double squares = 0
    if shift.shape[0] != x.shape[1] or sums.shape[0] != x.shape[1]:
        raise ValueError("shift and sums must have a number for each column of x")
    if not x.shape[0] or not x.shape[1]:
        return 0.0
    _must_have_rows[real_t](x, &stride)
    with nogil:
        if real_t is float:
            squares = cdt_active_kernels().normal.moments_f4(&x[0, 0], x.shape[0], x.shape[1], stride, &shift[0], &sums[0])
        else:
            squares = cdt_active_kernels().normal.moments_f8(&x[0, 0], x.shape[0], x.shape[1], stride, &shift[0], &sums[0])
    return squares


def normal_product(const real_t[:, :] x not None, const double[::1] mean, const double[:, ::1] v not None, double[:, ::1] y not None):
    """To ``y``, add ``(x - mean)^T ((x - mean) v)``: the contract is in cdt_normal.h; ``mean`` may be None."""
    cdef Py_ssize_t rows = x.shape[0], columns = x.shape[1], side = CDT_NORMAL_SIDE
    cdef Py_ssize_t padded = (columns + side - 1) // side * side, stride
    cdef const double *centre = NULL
    cdef int status = 0
    if not rows or not columns:
        return
    _must_have_rows[real_t](x, &stride)
    if v.shape[0] != padded or y.shape[0] != padded or v.shape[1] != y.shape[1] or not v.shape[1]:
        raise ValueError("v and y must have rows for the columns of x, up to a multiple of NORMAL_SIDE, and one width")
    if mean is not None:
        if mean.shape[0] != columns:
            raise ValueError("the mean must have a number for each column of x")
        centre = &mean[0]
    with nogil:
        if real_t is float:
            status = cdt_active_kernels().normal.f4(&x[0, 0], rows, columns, stride, centre, &v[0, 0], v.shape[1], &y[0, 0])
        else:
            status = cdt_active_kernels().normal.f8(&x[0, 0], rows, columns, stride, centre, &v[0, 0], v.shape[1], &y[0, 0])
    check(status)
