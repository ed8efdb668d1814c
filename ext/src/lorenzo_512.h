/* Vectors of codes for Lorenzo prediction, as far as AVX-512 has its own way with them. */
typedef __m512i LEVEL(lorenzo_vector);

#define LORENZO_BYTES 64

/* The first n lanes; n is less than all. */
static inline __m512i LEVEL(lorenzo_load_some_4)(const uint32_t *p, size_t n)
{
    return _mm512_maskz_loadu_epi32((__mmask16)((1u << n) - 1), p);
}

static inline __m512i LEVEL(lorenzo_load_some_8)(const uint64_t *p, size_t n)
{
    return _mm512_maskz_loadu_epi64((__mmask8)((1u << n) - 1), p);
}

static inline void LEVEL(lorenzo_store_some_4)(uint32_t *p, __m512i v, size_t n)
{
    _mm512_mask_storeu_epi32(p, (__mmask16)((1u << n) - 1), v);
}

static inline void LEVEL(lorenzo_store_some_8)(uint64_t *p, __m512i v, size_t n)
{
    _mm512_mask_storeu_epi64(p, (__mmask8)((1u << n) - 1), v);
}

/* Each lane's left neighbour; that of the first is the last of `last`. */
static inline __m512i LEVEL(lorenzo_left_4)(__m512i v, __m512i last)
{
    return _mm512_alignr_epi32(v, last, 15);
}

static inline __m512i LEVEL(lorenzo_left_8)(__m512i v, __m512i last)
{
    return _mm512_alignr_epi64(v, last, 7);
}

/* Sums of each lane and all before it. */
static inline __m512i LEVEL(lorenzo_sums_4)(__m512i v)
{
    const __m512i zero = _mm512_setzero_si512();
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 15));
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 14));
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 12));
    return _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 8));
}

static inline __m512i LEVEL(lorenzo_sums_8)(__m512i v)
{
    const __m512i zero = _mm512_setzero_si512();
    v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 7));
    v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 6));
    return _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 4));
}

/* The last lane in all. */
static inline __m512i LEVEL(lorenzo_last_4)(__m512i v)
{
    return _mm512_permutexvar_epi32(_mm512_set1_epi32(15), v);
}

static inline __m512i LEVEL(lorenzo_last_8)(__m512i v)
{
    return _mm512_permutexvar_epi64(_mm512_set1_epi64(7), v);
}

/* The logs of residuals of 4 bytes (lorenzo_choose.template.h). */
static inline __m512i LEVEL(lorenzo_logs_of)(__m512i r)
{
    const __m512 f = _mm512_add_ps(_mm512_abs_ps(_mm512_cvtepi32_ps(r)), _mm512_set1_ps(0.5f));
    return _mm512_srli_epi32(_mm512_castps_si512(f), 15);
}

/* Those of two vectors of residuals of 8 bytes, in one. */
static inline __m512i LEVEL(lorenzo_pair_logs_8)(__m512i v, __m512i w)
{
    const __m512 a = _mm512_castsi512_ps(v), b = _mm512_castsi512_ps(w);
    const __m512i low = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0x88));
    const __m512i high = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xdd));
    const __mmask16 wide = _mm512_cmpneq_epi32_mask(high, _mm512_srai_epi32(low, 31));
    const __m512i logs = LEVEL(lorenzo_logs_of)(_mm512_mask_mov_epi32(low, wide, high));
    return _mm512_mask_add_epi32(logs, wide, logs, _mm512_set1_epi32(32 << 8));
}

static inline uint32_t LEVEL(lorenzo_total)(__m512i v)
{
    return (uint32_t)_mm512_reduce_add_epi32(v);
}
