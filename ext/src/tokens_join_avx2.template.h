/* Tokens and extra bits as residuals of one type, NUMBER, with AVX2: as many at once as fit into a vector, a group. Included by
 * tokens_avx2.h once for each type with NAME, TOKENS (how many there are), EACH(op) and ALL(x) of a vector's lanes, GROUP(op) of
 * lanes that have a byte for each token of a group, and TOTAL, an unsigned type of that size. */
#define GROUP_SIZE (32 / sizeof(NUMBER))

/* Residuals of a group of tokens with at most 8 * sizeof(NUMBER) - 2 extra bits each, the first of which is bit at[i] of the window. */
static inline __m256i NAME(join_group)(__m256i window, __m256i at, __m256i bits, __m256i above)
{
    const __m256i index = NAME(word_with)(at), next = _mm256_add_epi32(index, _mm256_set1_epi32(1));
    const __m256i here = _mm256_permutevar8x32_epi32(window, index), there = _mm256_permutevar8x32_epi32(window, next);
    const __m256i shift = _mm256_and_si256(at, ALL(31)), rest = EACH(sub)(ALL(32), shift);
    const __m256i word = _mm256_or_si256(EACH(srlv)(here, shift), EACH(sllv)(there, rest));
    const __m256i low = _mm256_andnot_si256(EACH(sllv)(ALL(-1), bits), word);
    const __m256i u = _mm256_or_si256(EACH(sllv)(above, bits), low);
    const __m256i odd = _mm256_and_si256(u, ALL(1));
    return _mm256_xor_si256(EACH(srli)(u, 1), EACH(sub)(_mm256_setzero_si256(), odd));
}

/* 32 tokens below TOKENS. */
static inline void NAME(join_32)(__m256i tokens, cdt_bits_reader *extra, NUMBER *residuals)
{
    uint8_t numbers[3][32];
    TOTAL totals[32 / sizeof(TOTAL)];
    __m256i above;
    const __m256i bits = LEVEL(tokens_parts)(tokens, &above);
    __m256i before = _mm256_add_epi8(bits, GROUP(slli)(bits, 8));
    before = _mm256_add_epi8(before, GROUP(slli)(before, 16));
    if (GROUP_SIZE == 8) before = _mm256_add_epi8(before, GROUP(slli)(before, 32));
    _mm256_storeu_si256((void *)numbers[0], bits);
    _mm256_storeu_si256((void *)numbers[1], above);
    _mm256_storeu_si256((void *)numbers[2], _mm256_sub_epi8(before, bits));
    _mm256_storeu_si256((void *)totals, GROUP(srli)(before, 8 * (GROUP_SIZE - 1)));
    for (size_t k = 0; k < 32 / GROUP_SIZE; k++) {
        const size_t first = GROUP_SIZE * k;
        const __m256i at = EACH(add)(NAME(spread)(numbers[2] + first), ALL(extra->position % 8));
        const __m256i window = LEVEL(bits_window)(extra, (unsigned)totals[k]);
        _mm256_storeu_si256((void *)(residuals + first),
                            NAME(join_group)(window, at, NAME(spread)(numbers[0] + first), NAME(spread)(numbers[1] + first)));
    }
}

/* Whole blocks of 32 tokens: the number joined. Those that do not exist are read as the last one. */
static size_t NAME(join_blocks)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, NUMBER *residuals)
{
    const __m256i most = _mm256_set1_epi8((char)(TOKENS - 1));
    cdt_bits_reader local = *extra;
    int8_t plain[32];
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i all = _mm256_loadu_si256((const void *)(tokens + i)), some = _mm256_min_epu8(all, most);
        local.corrupt |= !_mm256_testc_si256(some, all);
        if (LEVEL(are_plain)(all)) {
            _mm256_storeu_si256((void *)plain, LEVEL(plain_residuals)(all));
            for (int k = 0; k < 32; k++) residuals[i + k] = plain[k];
        } else NAME(join_32)(some, &local, residuals + i);
    }
    *extra = local;
    return i;
}
#undef GROUP_SIZE
#undef NUMBER
#undef NAME
#undef TOKENS
#undef EACH
#undef ALL
#undef GROUP
#undef TOTAL
