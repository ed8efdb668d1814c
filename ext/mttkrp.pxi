ctypedef fused real_t:
    float
    double

#: Bytes of a row of each factor are a multiple of this, of zeros at the end where the rank is none.
MTTKRP_BYTES = CDT_MTTKRP_BYTES


cdef int _must_fit(const real_t[:, ::1] factor, Py_ssize_t rows, Py_ssize_t width) except -1:
    if factor is None or factor.shape[0] != rows or factor.shape[1] != width:
        raise ValueError("each factor but the asked one must have a row for each place along its axis, and all one width")
    return must_be_aligned(&factor[0, 0], sizeof(real_t)) if rows else 0


def mttkrp(const real_t[:, :, ::1] x not None, const real_t[:, ::1] a, const real_t[:, ::1] b, const real_t[:, ::1] c,
           int axis, real_t[:, ::1] y not None):
    """Into ``y`` (n_axis, width): the MTTKRP of a three-way ``x`` along ``axis``, whose own factor may be None."""
    cdef size_t n[3]
    cdef const real_t *factors[3]
    cdef Py_ssize_t width = y.shape[1]
    cdef int status = 0
    if axis < 0 or axis > 2 or y.shape[0] != x.shape[axis] or not width:
        raise ValueError("the result must have a row for each place along the asked axis, 0, 1 or 2")
    for k in range(3):
        n[k] = x.shape[k]
        factors[k] = NULL
    if not n[0] * n[1] * n[2]:
        y[:] = 0
        return
    must_be_aligned(&x[0, 0, 0], sizeof(real_t))
    if axis != 0:
        _must_fit[real_t](a, x.shape[0], width)
        factors[0] = &a[0, 0]
    if axis != 1:
        _must_fit[real_t](b, x.shape[1], width)
        factors[1] = &b[0, 0]
    if axis != 2:
        _must_fit[real_t](c, x.shape[2], width)
        factors[2] = &c[0, 0]
    with nogil:
        if real_t is float:
            status = cdt_active_kernels().mttkrp.f4(&x[0, 0, 0], n, factors, width, axis, &y[0, 0])
        else:
            status = cdt_active_kernels().mttkrp.f8(&x[0, 0, 0], n, factors, width, axis, &y[0, 0])
    check(status)


def mttkrp_fold(const real_t[:, :, ::1] t not None, const real_t[:, ::1] factor not None, int axis,
                real_t[:, ::1] y not None):
    """Into ``y`` (n_axis, width): ``t`` (n_0, n_1, width) weighted with the ``factor`` of the other axis, and summed over it."""
    cdef size_t n[2]
    cdef Py_ssize_t width = y.shape[1]
    cdef int status = 0
    if axis < 0 or axis > 1 or y.shape[0] != t.shape[axis] or not width or t.shape[2] != width:
        raise ValueError("the result must have a row for each place along the asked axis, 0 or 1, and the width of the sums")
    _must_fit[real_t](factor, t.shape[1 - axis], width)
    n[0] = t.shape[0]
    n[1] = t.shape[1]
    if not n[0] * n[1]:
        y[:] = 0
        return
    with nogil:
        if real_t is float:
            status = cdt_active_kernels().mttkrp.fold_f4(&t[0, 0, 0], n, &factor[0, 0], width, axis, &y[0, 0])
        else:
            status = cdt_active_kernels().mttkrp.fold_f8(&t[0, 0, 0], n, &factor[0, 0], width, axis, &y[0, 0])
    check(status)
