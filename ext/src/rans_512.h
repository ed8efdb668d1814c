/* Rows of rANS with AVX-512: two vectors of 16 lanes, or one. cdt_rans.h is the contract. */

/* The first n of 16 or 32 lanes. */
static inline __mmask32 LEVEL(rans_first)(size_t n)
{
    return n >= 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

/* The states of `lanes` after symbols with these entries, and in *full which of them put out their low 16 bits before. */
static inline __m512i LEVEL(rans_put_16)(__m512i x, const cdt_rans_entry *entries, __m256i index, __mmask16 lanes, __mmask16 *full)
{
    const __m512i evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i a = _mm512_i32gather_epi64(_mm512_castsi512_si256(_mm512_cvtepu16_epi32(index)), entries, 8);
    const __m512i b = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(_mm512_cvtepu16_epi32(index), 1), entries, 8);
    const __m512i packed = _mm512_permutex2var_epi32(a, _mm512_add_epi32(evens, _mm512_set1_epi32(1)), b);
    const __m512i reciprocal = _mm512_permutex2var_epi32(a, evens, b);
    const __m512i rest = _mm512_srli_epi32(packed, 20);
    *full = _mm512_mask_test_epi32_mask(lanes, _mm512_add_epi32(x, _mm512_slli_epi32(rest, 19)), _mm512_set1_epi32(INT32_MIN));
    const __m512i small = _mm512_mask_srli_epi32(x, *full, x, 16);
    const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(small, reciprocal), 32);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(small, 32), _mm512_srli_epi64(reciprocal, 32));
    const __m512i shift = _mm512_and_si512(_mm512_srli_epi32(packed, 13), _mm512_set1_epi32(15));
    const __m512i quotient = _mm512_srlv_epi32(_mm512_mask_blend_epi32(0xaaaa, even, odd), shift);
    const __m512i bias = _mm512_and_si512(packed, _mm512_set1_epi32(0x1fff));
    const __m512i next = _mm512_add_epi32(_mm512_add_epi32(small, bias), _mm512_mullo_epi32(quotient, rest));
    return _mm512_mask_mov_epi32(x, lanes, next);
}

/* The low halves of x where `full`, below `at`; 64 bytes below are overwritten. Returns where the words begin. */
static inline uint8_t *LEVEL(rans_put_words)(uint8_t *at, __m512i low, __m512i high, __mmask32 full)
{
    const __m512i iota = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10,
                                          9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const int count = _mm_popcnt_u32(full);
    const __m512i words = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(low)), _mm512_cvtepi32_epi16(high), 1);
    const __m512i packed = _mm512_maskz_compress_epi16(full, words);
    const __m512i turned = _mm512_permutexvar_epi16(_mm512_add_epi16(iota, _mm512_set1_epi16((short)count)), packed);
    _mm512_storeu_si512(at - 64, turned);
    return at - 2 * count;
}

static void LEVEL(rans_encode_32)(cdt_rans_writer *writer, const cdt_rans_entry *entries, size_t symbols,
                                  const uint8_t *contexts, const uint8_t *tokens, size_t n)
{
    const size_t step = writer->lanes;
    const __m512i width = _mm512_set1_epi16((short)symbols);
    __m512i low = _mm512_loadu_si512(writer->states), high = _mm512_loadu_si512(writer->states + 16);
    uint8_t *at = writer->at;
    for (size_t i = (n + step - 1) / step * step; i > 0; i -= step) {
        const __mmask32 some = LEVEL(rans_first)(n - (i - step) < step ? n - (i - step) : step);
        const __m512i where = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(some, contexts + i - step));
        const __m512i what = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(some, tokens + i - step));
        const __m512i index = _mm512_add_epi16(_mm512_mullo_epi16(where, width), what);
        __mmask16 full, full_high = 0;
        const __m512i x = low, y = high;
        low = LEVEL(rans_put_16)(x, entries, _mm512_castsi512_si256(index), (__mmask16)some, &full);
        if (step == CDT_LANES)
            high = LEVEL(rans_put_16)(y, entries, _mm512_extracti64x4_epi64(index, 1), (__mmask16)(some >> 16), &full_high);
        at = LEVEL(rans_put_words)(at, x, y, full | (__mmask32)full_high << 16);
    }
    _mm512_storeu_si512(writer->states, low);
    _mm512_storeu_si512(writer->states + 16, high);
    writer->at = at;
}

/* The symbols (in the low bytes) and the states, before they take words, of `lanes`. */
static inline __m512i LEVEL(rans_step_16)(__m512i *x, const uint32_t *slots, __m128i contexts, __mmask16 lanes)
{
    const __m512i table = _mm512_slli_epi32(_mm512_cvtepu8_epi32(contexts), CDT_RANS_BITS);
    const __m512i index = _mm512_or_si512(table, _mm512_and_si512(*x, _mm512_set1_epi32(CDT_SLOTS - 1)));
    const __m512i slot = _mm512_i32gather_epi32(index, slots, 4);
    const __m512i quotient = _mm512_srli_epi32(*x, CDT_RANS_BITS);
    const __m512i less = _mm512_and_si512(_mm512_srli_epi32(slot, 8), _mm512_set1_epi32(0xfff));
    const __m512i rest = _mm512_add_epi32(quotient, _mm512_srli_epi32(slot, 20));
    *x = _mm512_mask_add_epi32(*x, lanes, rest, _mm512_mullo_epi32(less, quotient));
    return slot;
}

/* `words` where `empty`. */
static inline __m512i LEVEL(rans_take_16)(__m512i x, __m256i words, __mmask16 empty)
{
    return _mm512_or_si512(_mm512_mask_slli_epi32(x, empty, x, 16), _mm512_cvtepu16_epi32(words));
}

/* Words of the lanes that need one; none is read beyond the end. */
static inline __m512i LEVEL(rans_take_words)(cdt_rans_reader *reader, __mmask32 empty)
{
    const size_t count = (size_t)_mm_popcnt_u32(empty), left = (size_t)(reader->end - reader->at) / 2;
    const __m512i words = left >= 32 ? _mm512_loadu_si512(reader->at)
                                     : _mm512_maskz_loadu_epi16(LEVEL(rans_first)(left), reader->at);
    reader->corrupt |= count > left;
    reader->at += 2 * (count < left ? count : left);
    return _mm512_maskz_expand_epi16(empty, words);
}

static void LEVEL(rans_decode_32)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens, size_t n)
{
    const __m512i least = _mm512_set1_epi32(CDT_RANS_LOW);
    __m512i low = _mm512_loadu_si512(reader->states), high = _mm512_loadu_si512(reader->states + 16);
    cdt_rans_reader local = *reader;
    for (size_t i = 0; i < n; i += 32) {
        const __mmask32 some = LEVEL(rans_first)(n - i);
        const __m256i where = _mm256_maskz_loadu_epi8(some, contexts + i);
        const __m512i a = LEVEL(rans_step_16)(&low, slots, _mm256_castsi256_si128(where), (__mmask16)some);
        const __m512i b = LEVEL(rans_step_16)(&high, slots, _mm256_extracti128_si256(where, 1), (__mmask16)(some >> 16));
        const __mmask16 empty = _mm512_mask_cmplt_epu32_mask((__mmask16)some, low, least);
        const __mmask16 empty_high = _mm512_mask_cmplt_epu32_mask((__mmask16)(some >> 16), high, least);
        const __m512i words = LEVEL(rans_take_words)(&local, empty | (__mmask32)empty_high << 16);
        low = LEVEL(rans_take_16)(low, _mm512_castsi512_si256(words), empty);
        high = LEVEL(rans_take_16)(high, _mm512_extracti64x4_epi64(words, 1), empty_high);
        const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm512_cvtepi32_epi8(a)), _mm512_cvtepi32_epi8(b), 1);
        _mm256_mask_storeu_epi8(tokens + i, some, both);
    }
    *reader = local;
    _mm512_storeu_si512(reader->states, low);
    _mm512_storeu_si512(reader->states + 16, high);
}

static void LEVEL(rans_decode_16)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens, size_t n)
{
    __m512i x = _mm512_loadu_si512(reader->states);
    cdt_rans_reader local = *reader;
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 some = (__mmask16)LEVEL(rans_first)(n - i);
        const __m512i slot = LEVEL(rans_step_16)(&x, slots, _mm_maskz_loadu_epi8(some, contexts + i), some);
        const __mmask16 empty = _mm512_mask_cmplt_epu32_mask(some, x, _mm512_set1_epi32(CDT_RANS_LOW));
        x = LEVEL(rans_take_16)(x, _mm512_castsi512_si256(LEVEL(rans_take_words)(&local, empty)), empty);
        _mm_mask_storeu_epi8(tokens + i, some, _mm512_cvtepi32_epi8(slot));
    }
    *reader = local;
    _mm512_storeu_si512(reader->states, x);
}

static void LEVEL(rans_encode_row)(cdt_rans_writer *writer, const cdt_rans_entry *entries, size_t symbols,
                                   const uint8_t *contexts, const uint8_t *tokens, size_t n)
{
    if (writer->lanes >= 16) LEVEL(rans_encode_32)(writer, entries, symbols, contexts, tokens, n);
    else LEVEL(rans_encode_lanes)(writer, entries, symbols, contexts, tokens, n);
}

static void LEVEL(rans_decode_row)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens,
                                   size_t n)
{
    if (reader->lanes == 32) LEVEL(rans_decode_32)(reader, slots, contexts, tokens, n);
    else if (reader->lanes == 16) LEVEL(rans_decode_16)(reader, slots, contexts, tokens, n);
    else LEVEL(rans_decode_lanes)(reader, slots, contexts, tokens, n);
}
