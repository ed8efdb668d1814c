/* Activities of tokens and tables of bytes with AVX2, 32 at a time. */

static inline __m256i LEVEL(words_at)(const uint8_t *at)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)at));
}

static inline __m256i LEVEL(words_sum)(const uint8_t *a, const uint8_t *b)
{
    return _mm256_add_epi16(LEVEL(words_at)(a), LEVEL(words_at)(b));
}

/* What tokens around add to the sums of the 16 places from `at` on. */
static inline __m256i LEVEL(around_16)(const cdt_neighbours *from, size_t at)
{
    const uint8_t *const *const near = from->around;
    const unsigned wc = from->weights[2];
    __m256i around = LEVEL(words_sum)(near[0] + at, near[1] + at);
    if (from->axes == 1) return _mm256_mullo_epi16(around, _mm256_set1_epi16((short)(2 * wc)));
    around = _mm256_add_epi16(around, LEVEL(words_sum)(near[2] + at, near[3] + at));
    if (from->axes == 2) return _mm256_mullo_epi16(around, _mm256_set1_epi16((short)wc));
    around = _mm256_add_epi16(around, LEVEL(words_sum)(near[4] + at, near[5] + at));
    /* (43 wc sum) >> 6: the sum of 6 tokens is below 2^10 */
    return _mm256_mulhi_epu16(_mm256_slli_epi16(around, 5), _mm256_set1_epi16((short)(43 * wc << 5)));
}

static inline __m256i LEVEL(activity_16)(const cdt_neighbours *from, size_t at)
{
    const uint8_t *const above = from->above + at;
    const __m256i middle = LEVEL(words_at)(above), twice = _mm256_slli_epi16(middle, 1);
    const __m256i sides = from->lagged ? _mm256_add_epi16(middle, LEVEL(words_at)(from->second + at)) : LEVEL(words_sum)(above - 1, above + 1);
    const __m256i before = _mm256_mullo_epi16(LEVEL(words_at)(from->before + at), _mm256_set1_epi16((short)(4 * from->weights[1])));
    __m256i sum = _mm256_mullo_epi16(_mm256_add_epi16(twice, sides), _mm256_set1_epi16(from->weights[0]));
    sum = _mm256_add_epi16(sum, before);
    if (from->axes) sum = _mm256_add_epi16(sum, LEVEL(around_16)(from, at));
    return _mm256_min_epu16(_mm256_srl_epi16(sum, _mm_cvtsi32_si128((int)from->shift)), _mm256_set1_epi16(255));
}

static inline __m256i LEVEL(activity_32)(const cdt_neighbours *from, size_t at)
{
    return _mm256_permute4x64_epi64(_mm256_packus_epi16(LEVEL(activity_16)(from, at), LEVEL(activity_16)(from, at + 16)), 0xd8);
}

static void LEVEL(rows_activity)(const cdt_neighbours *from, size_t n, uint8_t *restrict activity)
{
    const cdt_neighbours near = *from;
    for (size_t at = 0; at < n; at += CDT_SPARE) _mm256_storeu_si256((void *)(activity + at), LEVEL(activity_32)(&near, at));
}

/* A table of bytes in 16 parts, each but the first of either half as its difference (xor) from the one before: a byte's entry is then
 * that of all parts up to its own, and what those beyond add is 0, for the index is negative there. */
typedef struct {
    __m256i part[16];
} LEVEL(parts);

static inline void LEVEL(find_parts)(const uint8_t table[256], LEVEL(parts) *parts)
{
    for (unsigned i = 0; i < 16; i++) {
        const __m128i here = _mm_loadu_si128((const void *)(table + 16 * i)), zero = _mm_setzero_si128();
        const __m128i before = i % 8 ? _mm_loadu_si128((const void *)(table + 16 * i - 16)) : zero;
        parts->part[i] = _mm256_broadcastsi128_si256(_mm_xor_si128(here, before));
    }
}

static inline __m256i LEVEL(look_up_half)(const __m256i part[8], __m256i bytes)
{
    __m256i found = _mm256_shuffle_epi8(part[0], bytes);
    for (int i = 1; i < 8; i++) {
        bytes = _mm256_subs_epi8(bytes, _mm256_set1_epi8(16));
        found = _mm256_xor_si256(found, _mm256_shuffle_epi8(part[i], bytes));
    }
    return found;
}

static inline __m256i LEVEL(look_up_32)(const LEVEL(parts) *parts, __m256i bytes)
{
    const __m256i above = _mm256_xor_si256(bytes, _mm256_set1_epi8(INT8_MIN));
    return _mm256_xor_si256(LEVEL(look_up_half)(parts->part, bytes), LEVEL(look_up_half)(parts->part + 8, above));
}

/* Not inline: parts stay where they are. */
static __attribute__((noinline)) void LEVEL(contexts_of)(const cdt_neighbours *from, size_t n, const LEVEL(parts) *parts,
                                                         uint8_t *contexts)
{
    const cdt_neighbours near = *from; /* which what is stored cannot change */
    for (size_t at = 0; at < n; at += CDT_SPARE)
        _mm256_storeu_si256((void *)(contexts + at), LEVEL(look_up_32)(parts, LEVEL(activity_32)(&near, at)));
}

static void LEVEL(rows_contexts)(const cdt_neighbours *from, size_t n, const uint8_t table[256], uint8_t *restrict contexts)
{
    LEVEL(parts) parts;
    LEVEL(find_parts)(table, &parts);
    LEVEL(contexts_of)(from, n, &parts, contexts);
}

/* How many of the first entries of `bytes` were looked up. */
static size_t LEVEL(look_up_blocks)(const uint8_t table[256], uint8_t *bytes, size_t n)
{
    LEVEL(parts) parts;
    size_t i = 0;
    if (n >= 64) LEVEL(find_parts)(table, &parts);
    for (; n >= 64 && i + 32 <= n; i += 32)
        _mm256_storeu_si256((void *)(bytes + i), LEVEL(look_up_32)(&parts, _mm256_loadu_si256((const void *)(bytes + i))));
    return i;
}

static size_t LEVEL(index_blocks)(const uint8_t table[256], const uint8_t *contexts, const uint8_t *tokens, size_t symbols, size_t n,
                                  uint16_t *indices)
{
    const __m256i width = _mm256_set1_epi16((short)symbols);
    LEVEL(parts) parts;
    size_t i = 0;
    LEVEL(find_parts)(table, &parts);
    for (; i + 32 <= n; i += 32) {
        const __m256i bins = LEVEL(look_up_32)(&parts, _mm256_loadu_si256((const void *)(contexts + i)));
        const __m256i low = _mm256_mullo_epi16(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(bins)), width);
        const __m256i high = _mm256_mullo_epi16(_mm256_cvtepu8_epi16(_mm256_extracti128_si256(bins, 1)), width);
        _mm256_storeu_si256((void *)(indices + i), _mm256_add_epi16(low, LEVEL(words_at)(tokens + i)));
        _mm256_storeu_si256((void *)(indices + i + 16), _mm256_add_epi16(high, LEVEL(words_at)(tokens + i + 16)));
    }
    return i;
}
