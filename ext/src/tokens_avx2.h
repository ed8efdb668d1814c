/* Tokens of 4-byte residuals with AVX2, 32 at a time. */

static inline __m256i LEVEL(fold_8)(__m256i r)
{
    return _mm256_xor_si256(_mm256_slli_epi32(r, 1), _mm256_srai_epi32(r, 31));
}

/* floor(log2 u), u > 0: the exponent as float. Without the bits that follow its first, u cannot be rounded up. */
static inline __m256i LEVEL(logarithm_8)(__m256i u)
{
    const __m256 real = _mm256_cvtepi32_ps(_mm256_andnot_si256(_mm256_srli_epi32(u, 1), u));
    const __m256i exponent = _mm256_srli_epi32(_mm256_castps_si256(real), 23);
    const __m256i large = _mm256_srai_epi32(u, 31); /* negative as an int32 */
    return _mm256_sub_epi32(_mm256_blendv_epi8(exponent, _mm256_set1_epi32(127 + 31), large), _mm256_set1_epi32(127));
}

/* Tokens of 8 residuals; extra bits of two neighbours at once. */
static inline __m256i LEVEL(split_8)(__m256i u, cdt_bits_writer *extra)
{
    const __m256i plain = _mm256_cmpeq_epi32(_mm256_and_si256(u, _mm256_set1_epi32(~15)), _mm256_setzero_si256());
    const __m256i bits = _mm256_andnot_si256(plain, _mm256_sub_epi32(LEVEL(logarithm_8)(u), _mm256_set1_epi32(1)));
    const __m256i above = _mm256_add_epi32(_mm256_slli_epi32(bits, 1), _mm256_set1_epi32(8));
    const __m256i token = _mm256_add_epi32(_mm256_srlv_epi32(u, bits), _mm256_andnot_si256(plain, above));
    const __m256i low = _mm256_andnot_si256(_mm256_sllv_epi32(_mm256_set1_epi32(-1), bits), u);
    const __m256i even = _mm256_set1_epi64x(UINT32_MAX), first = _mm256_and_si256(bits, even);
    const __m256i second = _mm256_sllv_epi64(_mm256_srli_epi64(low, 32), first);
    uint64_t values[4], counts[4];
    _mm256_storeu_si256((void *)values, _mm256_or_si256(_mm256_and_si256(low, even), second));
    _mm256_storeu_si256((void *)counts, _mm256_add_epi64(first, _mm256_srli_epi64(bits, 32)));
    for (int i = 0; i < 4; i++) LEVEL(bits_put)(extra, values[i], (unsigned)counts[i]);
    return token;
}

/* Whole blocks of 32 residuals: the number split. */
static size_t LEVEL(split_blocks_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    const __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    cdt_bits_writer local = *extra;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i u[4];
        for (int k = 0; k < 4; k++) u[k] = LEVEL(fold_8)(_mm256_loadu_si256((const void *)(residuals + i + 8 * k)));
        const __m256i all = _mm256_or_si256(_mm256_or_si256(u[0], u[1]), _mm256_or_si256(u[2], u[3]));
        if (!_mm256_testz_si256(all, _mm256_set1_epi32(~15)))
            for (int k = 0; k < 4; k++) u[k] = LEVEL(split_8)(u[k], &local);
        const __m256i halves = _mm256_packus_epi16(_mm256_packus_epi32(u[0], u[1]), _mm256_packus_epi32(u[2], u[3]));
        _mm256_storeu_si256((void *)(tokens + i), _mm256_permutevar8x32_epi32(halves, order));
    }
    *extra = local;
    return i;
}
