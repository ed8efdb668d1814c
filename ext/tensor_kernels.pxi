cdef extern from "cdt_mttkrp.h" nogil:
    int CDT_MTTKRP_BYTES
    ctypedef struct cdt_mttkrp_kernels:
        int (*f4)(const float *, const size_t *, const float *const *, size_t, int, float *) noexcept nogil
        int (*f8)(const double *, const size_t *, const double *const *, size_t, int, double *) noexcept nogil
        int (*fold_f4)(const float *, const size_t *, const float *, size_t, int, float *) noexcept nogil
        int (*fold_f8)(const double *, const size_t *, const double *, size_t, int, double *) noexcept nogil

cdef extern from "cdt_tall.h" nogil:
    int CDT_TALL_MOST
    ctypedef struct cdt_tall_kernels:
        int (*gram_rows)(const void *, size_t, size_t, size_t, double *) noexcept nogil
        int (*gram_columns)(const void *, size_t, size_t, double *) noexcept nogil
        int (*triangle_rows)(const void *, size_t, size_t, size_t, double *) noexcept nogil
        int (*triangle_columns)(const void *, size_t, size_t, double *) noexcept nogil
        int (*project)(const void *, size_t, size_t, size_t, size_t, const double *, size_t, const double *, size_t, void *, size_t,
                       double *) noexcept nogil

cdef extern from "cdt_product.h" nogil:
    ctypedef struct cdt_product_shape:
        size_t m, n, depth, a_row, a_column, b_row, b_column
        int upper
    ctypedef struct cdt_product_kernels:
        int (*f4)(const float *, const float *, const cdt_product_shape *, float *) noexcept nogil
        int (*f8)(const double *, const double *, const cdt_product_shape *, double *) noexcept nogil

cdef extern from "cdt_normal.h" nogil:
    int CDT_NORMAL_SIDE
    int CDT_NORMAL_WIDTH
    ctypedef struct cdt_normal_kernels:
        double (*moments_f4)(const float *, size_t, size_t, size_t, const double *, double *) noexcept nogil
        double (*moments_f8)(const double *, size_t, size_t, size_t, const double *, double *) noexcept nogil
        int (*f4)(const float *, size_t, size_t, size_t, const double *, const double *, size_t, double *) noexcept nogil
        int (*f8)(const double *, size_t, size_t, size_t, const double *, const double *, size_t, double *) noexcept nogil

cdef extern from "cdt_tensor.h" nogil:
    ctypedef struct cdt_kernels:
        cdt_mttkrp_kernels mttkrp
        cdt_normal_kernels normal
        cdt_tall_kernels tall[2]
        cdt_product_kernels product
    const cdt_kernels *cdt_active_kernels()
