
from cpython.buffer cimport PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer

#: The most rows, or columns, on the short side of a tall matrix.
TALL_MOST = CDT_TALL_MOST


cdef const cdt_tall_kernels *_tall(x, int ndim) except NULL:
    if x.dtype.kind != "f" or x.dtype.itemsize not in (4, 8) or not x.dtype.isnative or x.ndim != ndim:
        raise ValueError(f"{ndim} axes of float32 or float64, not {x.ndim} of {x.dtype}")
    return &cdt_active_kernels().tall[x.dtype.itemsize // 4 - 1]


cdef char *_address(x) except? NULL:
    """Where the numbers of an array lie, as long as the caller keeps it."""
    cdef Py_buffer view
    PyObject_GetBuffer(x, &view, PyBUF_STRIDES)
    cdef char *at = <char *>view.buf
    PyBuffer_Release(&view)
    must_be_aligned(at, x.itemsize)
    return at


cdef size_t _stride(x) except? 0:
    """Numbers from one place along the first axis to the next, of an array that has no gaps along the others."""
    cdef Py_ssize_t item = x.itemsize
    if x.size and (not x[0].flags.c_contiguous or x.strides[0] < 0 or x.strides[0] % item):
        raise ValueError("an array without gaps but along its first axis")
    return x.strides[0] // item if x.shape[0] > 1 else 0


def gram(x, double[:, ::1] sums not None, bint by_rows):
    """``sums += x @ x.T`` (``by_rows``, x (n, m)) or ``x.T @ x`` (x (m, n), contiguous), of float32 or float64 x in doubles."""
    cdef const cdt_tall_kernels *tall = _tall(x, 2)
    cdef size_t n = x.shape[0 if by_rows else 1], m = x.shape[1 if by_rows else 0], stride = _stride(x)
    _square(x, sums, n, by_rows)
    if not n * m:
        return
    cdef const void *at = _address(x)
    cdef int status
    with nogil:
        status = tall.gram_rows(at, n, m, stride, &sums[0, 0]) if by_rows else tall.gram_columns(at, n, m, &sums[0, 0])
    check(status)


def triangle(x, double[:, ::1] r not None, bint by_rows):
    """``r``, the upper triangle of what has x.T (``by_rows``, x (n, m)) or x (m, n) below the old ``r``."""
    cdef const cdt_tall_kernels *tall = _tall(x, 2)
    cdef size_t n = x.shape[0 if by_rows else 1], m = x.shape[1 if by_rows else 0], stride = _stride(x)
    _square(x, r, n, by_rows)
    if not n * m:
        return
    cdef const void *at = _address(x)
    cdef int status
    with nogil:
        status = tall.triangle_rows(at, n, m, stride, &r[0, 0]) if by_rows else tall.triangle_columns(at, n, m, &r[0, 0])
    check(status)


cdef int _square(x, double[:, ::1] square, size_t n, bint by_rows) except -1:
    if <size_t>square.shape[0] != n or <size_t>square.shape[1] != n or n > <size_t>CDT_TALL_MOST:
        raise ValueError(f"a square array of the short side, at most {TALL_MOST}")
    if not by_rows and not x.flags.c_contiguous:
        raise ValueError("a contiguous array")
    return 0


def project(x, const double[:, ::1] left, const double[:, ::1] right, out, double[::1] energies not None):
    """``out`` (r, c, s) = x (n, c, k) times ``left`` (n, r) and ``right`` (k, s), None: not there; ``energies`` += sums of squares of both."""
    cdef const cdt_tall_kernels *tall = _tall(x, 3)
    cdef size_t n = x.shape[0], c = x.shape[1], k = x.shape[2], r = n, s = k
    cdef const double *u = NULL
    cdef const double *v = NULL
    if left is not None:
        r = left.shape[1]
    if right is not None:
        s = right.shape[1]
    if (left is not None and <size_t>left.shape[0] != n) or (right is not None and <size_t>right.shape[0] != k):
        raise ValueError(f"bases for {n} and {k} places")
    if out.dtype != x.dtype or out.shape != (r, c, s) or not out.flags.writeable or energies.shape[0] != 2:
        raise ValueError(f"room for {(r, c, s)} of {x.dtype}, and two energies")
    cdef size_t stride = _stride(x), out_stride = _stride(out)
    if not n * c * k * r * s:
        return
    if left is not None:
        u = &left[0, 0]
    if right is not None:
        v = &right[0, 0]
    cdef const void *at = _address(x)
    cdef void *to = _address(out)
    cdef int status
    with nogil:
        status = tall.project(at, n, c, k, stride, u, r, v, s, to, out_stride, &energies[0])
    check(status)
