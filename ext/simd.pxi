cdef extern from "cdt_simd.h" nogil:
    ctypedef struct cdt_lorenzo_u4:
        void (*difference)(const uint32_t *, const size_t *, const uint8_t *, uint32_t *) noexcept nogil
        void (*cumulate)(uint32_t *, const size_t *, const uint8_t *) noexcept nogil
        void (*choose)(const uint32_t *, const size_t *, int, uint8_t *) noexcept nogil
    ctypedef struct cdt_lorenzo_u8:
        void (*difference)(const uint64_t *, const size_t *, const uint8_t *, uint64_t *) noexcept nogil
        void (*cumulate)(uint64_t *, const size_t *, const uint8_t *) noexcept nogil
        void (*choose)(const uint64_t *, const size_t *, int, uint8_t *) noexcept nogil
    ctypedef struct cdt_lorenzo_kernels:
        cdt_lorenzo_u4 u4
        cdt_lorenzo_u8 u8
    ctypedef struct cdt_planes_kernels:
        size_t (*encode_4)(const int32_t *, size_t, uint8_t *) noexcept nogil
        int (*decode_4)(const uint8_t *, size_t, int32_t *, size_t) noexcept nogil
        size_t (*encode_8)(const int64_t *, size_t, uint8_t *) noexcept nogil
        int (*decode_8)(const uint8_t *, size_t, int64_t *, size_t) noexcept nogil
    ctypedef struct cdt_rans_entry:
        pass
    ctypedef struct cdt_rans_writer:
        uint8_t *at
    ctypedef struct cdt_rans_reader:
        int corrupt
    ctypedef struct cdt_bits_writer:
        uint8_t *at
    ctypedef struct cdt_bits_reader:
        const uint8_t *begin
        const uint8_t *end
        uint64_t position
        int corrupt
    ctypedef struct cdt_rans_kernels:
        void (*encode_row)(cdt_rans_writer *, const cdt_rans_entry *, const uint16_t *, size_t) noexcept nogil
        void (*decode_row)(cdt_rans_reader *, const uint32_t *, const uint8_t *, uint8_t *, size_t) noexcept nogil
        void (*split_4)(const int32_t *, size_t, uint8_t *, cdt_bits_writer *) noexcept nogil
        void (*join_4)(const uint8_t *, size_t, cdt_bits_reader *, int32_t *) noexcept nogil
        void (*split_8)(const int64_t *, size_t, uint8_t *, cdt_bits_writer *) noexcept nogil
        void (*join_8)(const uint8_t *, size_t, cdt_bits_reader *, int64_t *) noexcept nogil
    ctypedef struct cdt_rows_f4:
        void (*extremes)(const float *, size_t, float *, float *) noexcept nogil
    ctypedef struct cdt_rows_f8:
        void (*extremes)(const double *, size_t, double *, double *) noexcept nogil
    ctypedef struct cdt_row_kernels:
        cdt_rows_f4 f4
        cdt_rows_f8 f8
    ctypedef struct cdt_kernels:
        cdt_row_kernels rows
        cdt_lorenzo_kernels lorenzo
        cdt_planes_kernels planes
        cdt_rans_kernels rans
    const cdt_kernels *cdt_active_kernels()
