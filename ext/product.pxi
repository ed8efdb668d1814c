def product(const real_t[:, :] a not None, const real_t[:, :] b not None, real_t[:, ::1] y not None, bint upper=False):
    """Add ``a @ b`` to ``y``; ``upper``: only what is on and above the diagonal of a symmetric product."""
    cdef cdt_product_shape shape
    cdef Py_ssize_t size = sizeof(real_t)
    cdef int status = 0
    if a.shape[1] != b.shape[0] or y.shape[0] != a.shape[0] or y.shape[1] != b.shape[1] or (upper and y.shape[0] != y.shape[1]):
        raise ValueError("the shapes of the factors and of the result do not fit together")
    if not y.shape[0] or not y.shape[1] or not a.shape[1]:
        return
    for stride in (a.strides[0], a.strides[1], b.strides[0], b.strides[1]):
        if stride < 0 or stride % size:
            raise ValueError("strides must be whole numbers of values, and not negative")
    must_be_aligned(&a[0, 0], size)
    must_be_aligned(&b[0, 0], size)
    shape.m, shape.n, shape.depth, shape.upper = y.shape[0], y.shape[1], a.shape[1], upper
    shape.a_row, shape.a_column = a.strides[0] // size, a.strides[1] // size
    shape.b_row, shape.b_column = b.strides[0] // size, b.strides[1] // size
    with nogil:
        if real_t is float:
            status = cdt_active_kernels().product.f4(&a[0, 0], &b[0, 0], &shape, &y[0, 0])
        else:
            status = cdt_active_kernels().product.f8(&a[0, 0], &b[0, 0], &shape, &y[0, 0])
    check(status)
