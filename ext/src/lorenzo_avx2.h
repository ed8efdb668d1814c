/* Vectors of codes for Lorenzo prediction, as far as AVX2 has its own way with them. */
typedef __m256i LEVEL(lorenzo_vector);

#define LORENZO_BYTES 32

/* All bits of the first n lanes; n is less than all. */
static inline __m256i LEVEL(lorenzo_some_4)(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

static inline __m256i LEVEL(lorenzo_some_8)(size_t n)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_set_epi64x(3, 2, 1, 0));
}

static inline __m256i LEVEL(lorenzo_load_some_4)(const uint32_t *p, size_t n)
{
    return _mm256_maskload_epi32((const int *)p, LEVEL(lorenzo_some_4)(n));
}

static inline __m256i LEVEL(lorenzo_load_some_8)(const uint64_t *p, size_t n)
{
    return _mm256_maskload_epi64((const long long *)p, LEVEL(lorenzo_some_8)(n));
}

static inline void LEVEL(lorenzo_store_some_4)(uint32_t *p, __m256i v, size_t n)
{
    _mm256_maskstore_epi32((int *)p, LEVEL(lorenzo_some_4)(n), v);
}

static inline void LEVEL(lorenzo_store_some_8)(uint64_t *p, __m256i v, size_t n)
{
    _mm256_maskstore_epi64((long long *)p, LEVEL(lorenzo_some_8)(n), v);
}

/* Each lane's left neighbour; that of the first is the last of `last`. */
static inline __m256i LEVEL(lorenzo_left_4)(__m256i v, __m256i last)
{
    return _mm256_alignr_epi8(v, _mm256_permute2x128_si256(last, v, 0x21), 12);
}

static inline __m256i LEVEL(lorenzo_left_8)(__m256i v, __m256i last)
{
    return _mm256_alignr_epi8(v, _mm256_permute2x128_si256(last, v, 0x21), 8);
}

/* Sums of each lane and all before it. */
static inline __m256i LEVEL(lorenzo_sums_4)(__m256i v)
{
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
    const __m256i half = _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(3));
    return _mm256_add_epi32(v, _mm256_and_si256(half, _mm256_set_epi64x(-1, -1, 0, 0)));
}

static inline __m256i LEVEL(lorenzo_sums_8)(__m256i v)
{
    v = _mm256_add_epi64(v, _mm256_slli_si256(v, 8));
    const __m256i half = _mm256_permute4x64_epi64(v, 0x55);
    return _mm256_add_epi64(v, _mm256_and_si256(half, _mm256_set_epi64x(-1, -1, 0, 0)));
}

/* The last lane in all. */
static inline __m256i LEVEL(lorenzo_last_4)(__m256i v)
{
    return _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(7));
}

static inline __m256i LEVEL(lorenzo_last_8)(__m256i v)
{
    return _mm256_permute4x64_epi64(v, 0xff);
}

/* The logs of residuals of 4 bytes (lorenzo_choose.template.h). */
static inline __m256i LEVEL(lorenzo_logs_of)(__m256i r)
{
    const __m256 f = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_cvtepi32_ps(r));
    return _mm256_srli_epi32(_mm256_castps_si256(_mm256_add_ps(f, _mm256_set1_ps(0.5f))), 15);
}

/* Those of two vectors of residuals of 8 bytes, in one. */
static inline __m256i LEVEL(lorenzo_pair_logs_8)(__m256i v, __m256i w)
{
    const __m256 a = _mm256_castsi256_ps(v), b = _mm256_castsi256_ps(w);
    const __m256i low = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
    const __m256i high = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
    const __m256i narrow = _mm256_cmpeq_epi32(high, _mm256_srai_epi32(low, 31));
    const __m256i logs = LEVEL(lorenzo_logs_of)(_mm256_blendv_epi8(high, low, narrow));
    return _mm256_add_epi32(logs, _mm256_andnot_si256(narrow, _mm256_set1_epi32(32 << 8)));
}

static inline uint32_t LEVEL(lorenzo_total)(__m256i v)
{
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
