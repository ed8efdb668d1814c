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

/* Tokens of 8 residuals; extra bits of `together` neighbours at once: 8 where none has more than 7, 4 where none has more than 14, else 2. */
static inline __m256i LEVEL(split_8)(__m256i u, unsigned together, cdt_bits_writer *extra)
{
    const __m256i plain = _mm256_cmpeq_epi32(_mm256_and_si256(u, _mm256_set1_epi32(~15)), _mm256_setzero_si256());
    const __m256i bits = _mm256_andnot_si256(plain, _mm256_sub_epi32(LEVEL(logarithm_8)(u), _mm256_set1_epi32(1)));
    const __m256i above = _mm256_add_epi32(_mm256_slli_epi32(bits, 1), _mm256_set1_epi32(8));
    const __m256i token = _mm256_add_epi32(_mm256_srlv_epi32(u, bits), _mm256_andnot_si256(plain, above));
    const __m256i low = _mm256_andnot_si256(_mm256_sllv_epi32(_mm256_set1_epi32(-1), bits), u);
    const __m256i even = _mm256_set1_epi64x(UINT32_MAX), first = _mm256_and_si256(bits, even);
    const __m256i second = _mm256_sllv_epi64(_mm256_srli_epi64(low, 32), first);
    uint64_t values[4], counts[4];
    __m256i value = _mm256_or_si256(_mm256_and_si256(low, even), second);
    __m256i count = _mm256_add_epi64(first, _mm256_srli_epi64(bits, 32));
    if (together >= 4) {
        value = _mm256_or_si256(value, _mm256_sllv_epi64(_mm256_unpackhi_epi64(value, value), count));
        count = _mm256_add_epi64(count, _mm256_unpackhi_epi64(count, count));
    }
    if (together == 8) {
        value = _mm256_or_si256(value, _mm256_sllv_epi64(_mm256_permute4x64_epi64(value, 0xaa), count));
        count = _mm256_add_epi64(count, _mm256_permute4x64_epi64(count, 0xaa));
    }
    _mm256_storeu_si256((void *)values, value);
    _mm256_storeu_si256((void *)counts, count);
    for (unsigned i = 0; i < 4; i += together / 2) LEVEL(bits_put_many)(extra, values[i], (unsigned)counts[i]);
    return token;
}

/* Tokens of 32 residuals. */
static inline __m256i LEVEL(split_32)(__m256i u[4], cdt_bits_writer *extra)
{
    const __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    const __m256i all = _mm256_or_si256(_mm256_or_si256(u[0], u[1]), _mm256_or_si256(u[2], u[3]));
    if (!_mm256_testz_si256(all, _mm256_set1_epi32(~15))) {
        if (_mm256_testz_si256(all, _mm256_set1_epi32(~0x1ff)))
            for (int k = 0; k < 4; k++) u[k] = LEVEL(split_8)(u[k], 8, extra);
        else if (_mm256_testz_si256(all, _mm256_set1_epi32(~0xffff)))
            for (int k = 0; k < 4; k++) u[k] = LEVEL(split_8)(u[k], 4, extra);
        else
            for (int k = 0; k < 4; k++) u[k] = LEVEL(split_8)(u[k], 2, extra);
    }
    const __m256i halves = _mm256_packus_epi16(_mm256_packus_epi32(u[0], u[1]), _mm256_packus_epi32(u[2], u[3]));
    return _mm256_permutevar8x32_epi32(halves, order);
}

/* Whole blocks of 32 residuals: the number split. */
static size_t LEVEL(split_blocks_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    cdt_bits_writer local = *extra;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i u[4];
        for (int k = 0; k < 4; k++) u[k] = LEVEL(fold_8)(_mm256_loadu_si256((const void *)(residuals + i + 8 * k)));
        _mm256_storeu_si256((void *)(tokens + i), LEVEL(split_32)(u, &local));
    }
    *extra = local;
    return i;
}

/* 4 of 8 bytes. */
static inline __m256i LEVEL(fold_4_wide)(const int64_t *residuals)
{
    const __m256i r = _mm256_loadu_si256((const void *)residuals);
    return _mm256_xor_si256(_mm256_slli_epi64(r, 1), _mm256_cmpgt_epi64(_mm256_setzero_si256(), r));
}

/* Those of 8 bytes as those of 4, where a block fits; else one by one: there is no count of leading zeros. */
static size_t LEVEL(split_blocks_8)(const int64_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    const __m256i low = _mm256_set1_epi64x(UINT32_MAX);
    cdt_bits_writer local = *extra;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i u[4], all = _mm256_setzero_si256();
        for (int k = 0; k < 4; k++) {
            const __m256i a = LEVEL(fold_4_wide)(residuals + i + 8 * k), b = LEVEL(fold_4_wide)(residuals + i + 8 * k + 4);
            const __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
            u[k] = _mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xd8);
            all = _mm256_or_si256(all, _mm256_or_si256(a, b));
        }
        if (_mm256_testc_si256(low, all)) _mm256_storeu_si256((void *)(tokens + i), LEVEL(split_32)(u, &local));
        else
            for (size_t k = i; k < i + 32; k++) tokens[k] = LEVEL(token_of)(LEVEL(fold_8_bytes)(residuals[k]), &local);
    }
    *extra = local;
    return i;
}

/* Of 32 tokens, how many extra bits each has, and what is above these. */
static inline __m256i LEVEL(tokens_parts)(__m256i tokens, __m256i *above)
{
    const __m256i escapes = _mm256_cmpeq_epi8(_mm256_max_epu8(tokens, _mm256_set1_epi8(16)), tokens), one = _mm256_set1_epi8(1);
    const __m256i half = _mm256_and_si256(_mm256_srli_epi16(tokens, 1), _mm256_set1_epi8(0x7f));
    const __m256i two = _mm256_or_si256(_mm256_and_si256(tokens, one), _mm256_set1_epi8(2));
    *above = _mm256_blendv_epi8(tokens, two, escapes);
    return _mm256_and_si256(escapes, _mm256_sub_epi8(half, _mm256_set1_epi8(5)));
}

/* 32 bytes, zeros behind the end. */
static __attribute__((noinline, cold)) __m256i LEVEL(bits_last_window)(const uint8_t *at, const uint8_t *end)
{
    uint8_t rest[32] = {0};
    if (at < end) memcpy(rest, at, (size_t)(end - at)); /* of no bytes there may be no place */
    return _mm256_loadu_si256((const void *)rest);
}

/* The 32 bytes from the reader's position on, zeros behind the end; then the position is `total` bits on, at most at the end. */
static inline __m256i LEVEL(bits_window)(cdt_bits_reader *extra, unsigned total)
{
    const uint8_t *const from = extra->begin + extra->position / 8;
    extra->position += total;
    if (extra->end - from >= 32) return _mm256_loadu_si256((const void *)from);
    const uint64_t length = 8 * (uint64_t)(extra->end - extra->begin);
    extra->corrupt |= extra->position > length;
    extra->position = extra->position < length ? extra->position : length;
    return LEVEL(bits_last_window)(from, extra->end);
}

/* Bytes as lanes of 4 bytes, and of 8. */
static inline __m256i LEVEL(spread_4)(const uint8_t *bytes)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)bytes));
}

static inline __m256i LEVEL(spread_8)(const uint8_t *bytes)
{
    int four; /* _mm_loadu_si32 is missing in some compilers, and wrong in others */
    memcpy(&four, bytes, sizeof four);
    return _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
}

/* For each lane, the word of a window with the bit `at`; in the upper halves of lanes of 8 bytes, the word behind it. */
static inline __m256i LEVEL(word_with_4)(__m256i at)
{
    return _mm256_srli_epi32(at, 5);
}

static inline __m256i LEVEL(word_with_8)(__m256i at)
{
    const __m256i word = _mm256_srli_epi64(at, 5), pair = _mm256_or_si256(word, _mm256_slli_epi64(word, 32));
    return _mm256_add_epi32(pair, _mm256_set1_epi64x(INT64_C(1) << 32));
}

static inline int LEVEL(are_plain)(__m256i tokens)
{
    return _mm256_testz_si256(tokens, _mm256_set1_epi8(~15));
}

/* 32 residuals, as bytes, of tokens without extra bits. */
static inline __m256i LEVEL(plain_residuals)(__m256i tokens)
{
    const __m256i odd = _mm256_and_si256(tokens, _mm256_set1_epi8(1)), half = _mm256_srli_epi16(_mm256_xor_si256(tokens, odd), 1);
    return _mm256_xor_si256(half, _mm256_sub_epi8(_mm256_setzero_si256(), odd));
}

#define NUMBER int32_t
#define NAME(x) LEVEL(x##_4)
#define TOKENS CDT_TOKENS_4
#define EACH(op) _mm256_##op##_epi32
#define ALL(x) _mm256_set1_epi32((int)(x))
#define GROUP(op) _mm256_##op##_epi64
#define TOTAL uint64_t
#include "tokens_join_avx2.template.h"

#define NUMBER int64_t
#define NAME(x) LEVEL(x##_8)
#define TOKENS CDT_TOKENS_8
#define EACH(op) _mm256_##op##_epi64
#define ALL(x) _mm256_set1_epi64x(x)
#define GROUP(op) _mm256_##op##_epi32
#define TOTAL uint32_t
#include "tokens_join_avx2.template.h"
