/* Tokens of 4-byte residuals with AVX-512, 64 at a time. */

static inline __m512i LEVEL(fold_16)(__m512i r)
{
    return _mm512_xor_si512(_mm512_slli_epi32(r, 1), _mm512_srai_epi32(r, 31));
}

static inline __m512i LEVEL(unfold_16)(__m512i u)
{
    const __m512i zero = _mm512_setzero_si512(), odd = _mm512_and_si512(u, _mm512_set1_epi32(1));
    return _mm512_xor_si512(_mm512_srli_epi32(u, 1), _mm512_sub_epi32(zero, odd));
}

/* Extra bits of 16 residuals, of `together` neighbours at once: 8 where none has more than 7, 4 where none has more than 14, else 2. */
static inline __m128i LEVEL(split_16)(__m512i u, unsigned together, cdt_bits_writer *extra)
{
    const __mmask16 escapes = _mm512_cmpgt_epu32_mask(u, _mm512_set1_epi32(15));
    const __m512i bits = _mm512_maskz_sub_epi32(escapes, _mm512_set1_epi32(30), _mm512_lzcnt_epi32(u));
    const __m512i above = _mm512_add_epi32(_mm512_slli_epi32(bits, 1), _mm512_set1_epi32(8));
    const __m512i token = _mm512_mask_add_epi32(u, escapes, _mm512_srlv_epi32(u, bits), above);
    const __m512i low = _mm512_andnot_si512(_mm512_sllv_epi32(_mm512_set1_epi32(-1), bits), u);
    const __m512i even = _mm512_set1_epi64(UINT32_MAX), first = _mm512_and_si512(bits, even);
    const __m512i second = _mm512_sllv_epi64(_mm512_srli_epi64(low, 32), first);
    uint64_t values[8], counts[8];
    __m512i value = _mm512_or_si512(_mm512_and_si512(low, even), second);
    __m512i count = _mm512_add_epi64(first, _mm512_srli_epi64(bits, 32));
    if (together >= 4) {
        value = _mm512_or_si512(value, _mm512_sllv_epi64(_mm512_unpackhi_epi64(value, value), count));
        count = _mm512_add_epi64(count, _mm512_unpackhi_epi64(count, count));
    }
    if (together == 8) {
        value = _mm512_or_si512(value, _mm512_sllv_epi64(_mm512_permutex_epi64(value, 0xaa), count));
        count = _mm512_add_epi64(count, _mm512_permutex_epi64(count, 0xaa));
    }
    _mm512_storeu_si512(values, value);
    _mm512_storeu_si512(counts, count);
    for (unsigned i = 0; i < 8; i += together / 2) LEVEL(bits_put_many)(extra, values[i], (unsigned)counts[i]);
    return _mm512_cvtepi32_epi8(token);
}

/* Whole blocks of 64 residuals: the number split. */
static size_t LEVEL(split_blocks_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    cdt_bits_writer local = *extra;
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        __m512i u[4];
        for (int k = 0; k < 4; k++) u[k] = LEVEL(fold_16)(_mm512_loadu_si512(residuals + i + 16 * k));
        const __m512i all = _mm512_or_si512(_mm512_or_si512(u[0], u[1]), _mm512_or_si512(u[2], u[3]));
        __m128i *const out = (__m128i *)(void *)(tokens + i);
        if (!_mm512_test_epi32_mask(all, _mm512_set1_epi32(~15)))
            for (int k = 0; k < 4; k++) _mm_storeu_si128(out + k, _mm512_cvtepi32_epi8(u[k]));
        else if (!_mm512_test_epi32_mask(all, _mm512_set1_epi32(~0x1ff)))
            for (int k = 0; k < 4; k++) _mm_storeu_si128(out + k, LEVEL(split_16)(u[k], 8, &local));
        else if (!_mm512_test_epi32_mask(all, _mm512_set1_epi32(~0xffff)))
            for (int k = 0; k < 4; k++) _mm_storeu_si128(out + k, LEVEL(split_16)(u[k], 4, &local));
        else
            for (int k = 0; k < 4; k++) _mm_storeu_si128(out + k, LEVEL(split_16)(u[k], 2, &local));
    }
    *extra = local;
    return i;
}

/* Whole blocks of 8 residuals of 8 bytes: the number split. */
static size_t LEVEL(split_blocks_8)(const int64_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    cdt_bits_writer local = *extra;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m512i r = _mm512_loadu_si512(residuals + i);
        const __m512i u = _mm512_xor_si512(_mm512_slli_epi64(r, 1), _mm512_srai_epi64(r, 63));
        const __mmask8 escapes = _mm512_cmpgt_epu64_mask(u, _mm512_set1_epi64(15));
        const __m512i bits = _mm512_maskz_sub_epi64(escapes, _mm512_set1_epi64(62), _mm512_lzcnt_epi64(u));
        const __m512i above = _mm512_add_epi64(_mm512_slli_epi64(bits, 1), _mm512_set1_epi64(8));
        const __m512i token = _mm512_mask_add_epi64(u, escapes, _mm512_srlv_epi64(u, bits), above);
        uint64_t values[8], counts[8];
        _mm512_storeu_si512(values, _mm512_andnot_si512(_mm512_sllv_epi64(_mm512_set1_epi64(-1), bits), u));
        _mm512_storeu_si512(counts, bits);
        _mm_storel_epi64((void *)(tokens + i), _mm512_cvtepi64_epi8(token));
        if (escapes)
            for (int k = 0; k < 8; k++) LEVEL(bits_put_many)(&local, values[k], (unsigned)counts[k]);
    }
    *extra = local;
    return i;
}

/* Bit positions of the extra bits of 16 tokens after the first, `bits` of them, at most 30, each. */
static inline __m512i LEVEL(bits_before)(__m128i bits, unsigned *total)
{
    const __m128i sums = _mm_sad_epu8(bits, _mm_setzero_si128());
    const unsigned first = (unsigned)_mm_cvtsi128_si32(sums);
    __m128i before = _mm_add_epi8(bits, _mm_slli_epi64(bits, 8));
    before = _mm_add_epi8(before, _mm_slli_epi64(before, 16));
    before = _mm_add_epi8(before, _mm_slli_epi64(before, 32));
    *total = first + (unsigned)_mm_extract_epi32(sums, 2);
    const __m512i wide = _mm512_cvtepu8_epi32(_mm_sub_epi8(before, bits));
    return _mm512_mask_add_epi32(wide, 0xff00, wide, _mm512_set1_epi32((int)first));
}

/* 16 tokens below CDT_TOKENS_4: at most 61 bytes are theirs. Bits beyond the end are zeros, and set corrupt. */
static inline __m512i LEVEL(join_16)(__m128i tokens, cdt_bits_reader *extra)
{
    const __m512i token = _mm512_cvtepu8_epi32(tokens);
    const __mmask16 escapes = _mm512_cmpgt_epu32_mask(token, _mm512_set1_epi32(15));
    const __m512i bits = _mm512_maskz_sub_epi32(escapes, _mm512_srli_epi32(token, 1), _mm512_set1_epi32(5));
    const uint8_t *const from = extra->begin + extra->position / 8;
    const size_t left = (size_t)(extra->end - from);
    const __m512i window = left >= 64 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8((UINT64_C(1) << left) - 1, from);
    unsigned total;
    const __m512i before = LEVEL(bits_before)(_mm512_cvtepi32_epi8(bits), &total);
    const __m512i at = _mm512_add_epi32(before, _mm512_set1_epi32((int)(extra->position % 8)));
    const __m512i index = _mm512_srli_epi32(at, 5), next = _mm512_add_epi32(index, _mm512_set1_epi32(1));
    const __m512i here = _mm512_permutexvar_epi32(index, window), there = _mm512_permutexvar_epi32(next, window);
    const __m512i word = _mm512_shrdv_epi32(here, there, at);
    const __m512i low = _mm512_andnot_si512(_mm512_sllv_epi32(_mm512_set1_epi32(-1), bits), word);
    const __m512i two = _mm512_set1_epi32(2), odd = _mm512_and_si512(token, _mm512_set1_epi32(1));
    const __m512i top = _mm512_sllv_epi32(_mm512_or_si512(odd, two), bits);
    const uint64_t after = extra->position + total, length = 8 * (uint64_t)(extra->end - extra->begin);
    extra->corrupt |= after > length;
    extra->position = after < length ? after : length;
    return _mm512_mask_or_epi32(token, escapes, top, low);
}

/* Whole blocks of 64 tokens: the number joined. Those that do not exist are read as the last one. */
static size_t LEVEL(join_blocks_4)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int32_t *residuals)
{
    const __m128i most = _mm_set1_epi8(CDT_TOKENS_4 - 1);
    cdt_bits_reader local = *extra;
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        const __m512i all = _mm512_loadu_si512(tokens + i);
        const int plain = !_mm512_cmpgt_epu8_mask(all, _mm512_set1_epi8(15));
        local.corrupt |= _mm512_cmpgt_epu8_mask(all, _mm512_broadcastb_epi8(most)) != 0;
        for (int k = 0; k < 4; k++) {
            const __m128i some = _mm_loadu_si128((const void *)(tokens + i + 16 * k));
            const __m512i u = plain ? _mm512_cvtepu8_epi32(some) : LEVEL(join_16)(_mm_min_epu8(some, most), &local);
            _mm512_storeu_si512(residuals + i + 16 * k, LEVEL(unfold_16)(u));
        }
    }
    *extra = local;
    return i;
}

/* 8 tokens below CDT_TOKENS_8: at most 62 bytes and 7 bits are theirs. Bits beyond the end are zeros, and set corrupt. */
static inline __m512i LEVEL(join_8_wide)(__m128i tokens, cdt_bits_reader *extra)
{
    const __m512i token = _mm512_cvtepu8_epi64(tokens);
    const __mmask8 escapes = _mm512_cmpgt_epu64_mask(token, _mm512_set1_epi64(15));
    const __m512i bits = _mm512_maskz_sub_epi64(escapes, _mm512_srli_epi64(token, 1), _mm512_set1_epi64(5));
    const uint8_t *const from = extra->begin + extra->position / 8;
    const size_t left = (size_t)(extra->end - from);
    const __m512i window = left >= 64 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8((UINT64_C(1) << left) - 1, from);
    const __m128i counts = _mm512_cvtepi64_epi16(bits);
    __m128i sums = _mm_add_epi16(counts, _mm_slli_si128(counts, 2));
    sums = _mm_add_epi16(sums, _mm_slli_si128(sums, 4));
    sums = _mm_add_epi16(sums, _mm_slli_si128(sums, 8));
    const __m512i before = _mm512_cvtepu16_epi64(_mm_sub_epi16(sums, counts));
    const __m512i at = _mm512_add_epi64(before, _mm512_set1_epi64((long long)(extra->position % 8)));
    const __m512i index = _mm512_srli_epi64(at, 6), next = _mm512_add_epi64(index, _mm512_set1_epi64(1));
    const __m512i here = _mm512_permutexvar_epi64(index, window), there = _mm512_permutexvar_epi64(next, window);
    const __m512i word = _mm512_shrdv_epi64(here, there, at);
    const __m512i low = _mm512_andnot_si512(_mm512_sllv_epi64(_mm512_set1_epi64(-1), bits), word);
    const __m512i two = _mm512_set1_epi64(2), odd = _mm512_and_si512(token, _mm512_set1_epi64(1));
    const __m512i top = _mm512_sllv_epi64(_mm512_or_si512(odd, two), bits);
    const uint64_t after = extra->position + (unsigned)_mm_extract_epi16(sums, 7);
    const uint64_t length = 8 * (uint64_t)(extra->end - extra->begin);
    extra->corrupt |= after > length;
    extra->position = after < length ? after : length;
    return _mm512_mask_or_epi64(token, escapes, top, low);
}

/* Whole blocks of 8 tokens of 8-byte residuals: the number joined. Those that do not exist are read as the last one. */
static size_t LEVEL(join_blocks_8)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int64_t *residuals)
{
    const __m128i most = _mm_set1_epi8((char)(CDT_TOKENS_8 - 1));
    const __m512i one = _mm512_set1_epi64(1), zero = _mm512_setzero_si512();
    cdt_bits_reader local = *extra;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m128i some = _mm_loadl_epi64((const void *)(tokens + i)), least = _mm_min_epu8(some, most);
        local.corrupt |= _mm_cvtsi128_si64(_mm_xor_si128(some, least)) != 0;
        const __m512i u = LEVEL(join_8_wide)(least, &local);
        const __m512i r = _mm512_xor_si512(_mm512_srli_epi64(u, 1), _mm512_sub_epi64(zero, _mm512_and_si512(u, one)));
        _mm512_storeu_si512(residuals + i, r);
    }
    *extra = local;
    return i;
}
