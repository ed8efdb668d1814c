/* Rows of rANS with AVX-512: 32 or 16 lanes at a time, or 32 and 32 in turn. cdt_rans.h is the contract. */

/* The first n of 16 or 32 lanes. */
static inline __mmask32 LEVEL(rans_first)(size_t n)
{
    return n >= 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

/* 8 entries. Loads one by one: a gather takes half as long again. */
static inline __m512i LEVEL(rans_entries_8)(const cdt_rans_entry *entries, const uint16_t *indices)
{
    long long found[8];
    for (int i = 0; i < 8; i++) memcpy(found + i, entries + indices[i], 8);
    return _mm512_set_epi64(found[7], found[6], found[5], found[4], found[3], found[2], found[1], found[0]);
}

/* The states of `lanes` after symbols with these entries, and in *full which of them put out their low 16 bits before. */
static inline __m512i LEVEL(rans_put_16)(__m512i x, const cdt_rans_entry *entries, const uint16_t *indices, __mmask16 lanes,
                                         __mmask16 *full)
{
    const __m512i evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i a = LEVEL(rans_entries_8)(entries, indices), b = LEVEL(rans_entries_8)(entries, indices + 8);
    const __m512i packed = _mm512_permutex2var_epi32(a, _mm512_add_epi32(evens, _mm512_set1_epi32(1)), b);
    const __m512i reciprocal = _mm512_permutex2var_epi32(a, evens, b);
    const __m512i rest = _mm512_srli_epi32(packed, 20);
    const __m512i sum = _mm512_add_epi32(x, _mm512_slli_epi32(rest, 19));
    *full = _mm512_mask_test_epi32_mask(lanes, sum, _mm512_set1_epi32(INT32_MIN));
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
    const __m512i iota = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11,
                                          10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const int count = _mm_popcnt_u32(full);
    const __m512i first = _mm512_castsi256_si512(_mm512_cvtepi32_epi16(low));
    const __m512i words = _mm512_inserti64x4(first, _mm512_cvtepi32_epi16(high), 1);
    const __m512i packed = _mm512_maskz_compress_epi16(full, words);
    const __m512i turned = _mm512_permutexvar_epi16(_mm512_add_epi16(iota, _mm512_set1_epi16((short)count)), packed);
    _mm512_storeu_si512(at - 64, turned);
    return at - 2 * count;
}

/* 32 lanes of an encoder. */
typedef struct {
    __m512i low, high;
} LEVEL(rans_half);

/* Encodes symbols of those lanes. Returns where the words begin. */
static inline uint8_t *LEVEL(rans_put_32)(LEVEL(rans_half) *x, const cdt_rans_entry *entries, const uint16_t *indices, __mmask32 some,
                                          uint8_t *at)
{
    const LEVEL(rans_half) before = *x;
    __mmask16 full, full_high;
    x->low = LEVEL(rans_put_16)(before.low, entries, indices, (__mmask16)some, &full);
    x->high = LEVEL(rans_put_16)(before.high, entries, indices + 16, (__mmask16)(some >> 16), &full_high);
    return LEVEL(rans_put_words)(at, before.low, before.high, full | (__mmask32)full_high << 16);
}

static void LEVEL(rans_encode_16)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices, size_t n)
{
    __m512i x = _mm512_loadu_si512(writer->states);
    uint8_t *at = writer->at;
    uint16_t rest[16];
    const size_t last = n / 16 * 16;
    for (size_t i = (n + 15) / 16 * 16; i > 0; i -= 16) {
        const __mmask16 some = i > n ? (__mmask16)LEVEL(rans_first)(n - last) : UINT16_MAX;
        const uint16_t *from = indices + i - 16;
        const __m512i before = x;
        __mmask16 full;
        if (i > n) {
            _mm256_storeu_si256((void *)rest, _mm256_maskz_loadu_epi16(some, from));
            from = rest;
        }
        x = LEVEL(rans_put_16)(before, entries, from, some, &full);
        at = LEVEL(rans_put_words)(at, before, before, full);
    }
    _mm512_storeu_si512(writer->states, x);
    writer->at = at;
}

static void LEVEL(rans_encode_32)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices, size_t n)
{
    const unsigned halves = writer->count / 32;
    LEVEL(rans_half) x[2];
    for (unsigned h = 0; h < halves; h++)
        x[h] = (LEVEL(rans_half)){_mm512_loadu_si512(writer->states + 32 * h), _mm512_loadu_si512(writer->states + 32 * h + 16)};
    uint8_t *at = writer->at;
    uint16_t rest[32];
    size_t i = n / 32 * 32;
    if (i < n) {
        const __mmask32 some = LEVEL(rans_first)(n - i);
        _mm512_storeu_si512(rest, _mm512_maskz_loadu_epi16(some, indices + i));
        at = LEVEL(rans_put_32)(&x[i / 32 % halves], entries, rest, some, at);
    }
    if (halves == 2) {
        if (i / 32 % 2) {
            i -= 32;
            at = LEVEL(rans_put_32)(&x[0], entries, indices + i, UINT32_MAX, at);
        }
        for (; i > 0; i -= 64) {
            at = LEVEL(rans_put_32)(&x[1], entries, indices + i - 32, UINT32_MAX, at);
            at = LEVEL(rans_put_32)(&x[0], entries, indices + i - 64, UINT32_MAX, at);
        }
    }
    for (; i > 0; i -= 32) at = LEVEL(rans_put_32)(&x[0], entries, indices + i - 32, UINT32_MAX, at);
    for (unsigned h = 0; h < halves; h++) {
        _mm512_storeu_si512(writer->states + 32 * h, x[h].low);
        _mm512_storeu_si512(writer->states + 32 * h + 16, x[h].high);
    }
    writer->at = at;
}

/* Even lanes and odd lanes in a vector each: words of all 32 are then the low and high halves of one vector. */
typedef struct {
    __m512i even, odd;
} LEVEL(rans_lanes);

static inline LEVEL(rans_lanes) LEVEL(rans_load_lanes)(const uint32_t states[32])
{
    const __m512i low = _mm512_loadu_si512(states), high = _mm512_loadu_si512(states + 16);
    const __m512i evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
    return (LEVEL(rans_lanes)){_mm512_permutex2var_epi32(low, evens, high), _mm512_permutex2var_epi32(low, odds, high)};
}

static inline void LEVEL(rans_store_lanes)(uint32_t states[32], LEVEL(rans_lanes) x)
{
    const __m512i first = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    _mm512_storeu_si512(states, _mm512_permutex2var_epi32(x.even, first, x.odd));
    _mm512_storeu_si512(states + 16, _mm512_permutex2var_epi32(x.even, _mm512_add_epi32(first, _mm512_set1_epi32(8)), x.odd));
}

/* Slots of states; bits 12 to 19 of `tables` are their contexts. */
static inline __m512i LEVEL(rans_fetch)(__m512i x, const uint32_t *slots, __m512i tables)
{
    const __m512i index = _mm512_ternarylogic_epi32(x, tables, _mm512_set1_epi32(CDT_SLOTS - 1), 0xe4); /* bits of x below 12 */
    return _mm512_i32gather_epi32(index, slots, 4);
}

/* The state before it takes a word. */
static inline __m512i LEVEL(rans_next)(__m512i x, __m512i slot)
{
    const __m512i quotient = _mm512_srli_epi32(x, CDT_RANS_BITS);
    const __m512i inside = _mm512_and_si512(_mm512_srli_epi32(slot, 8), _mm512_set1_epi32(0xfff));
    return _mm512_add_epi32(_mm512_add_epi32(quotient, inside), _mm512_mullo_epi32(_mm512_srli_epi32(slot, 20), quotient));
}

/* x, or x * 2^16 where x < 2^15: where x - 2^15 is negative, and only there, its bit 31 is set. */
static inline __m512i LEVEL(rans_widen)(__m512i x)
{
    const __m512i less = _mm512_sub_epi32(x, _mm512_set1_epi32(CDT_RANS_LOW));
    return _mm512_sllv_epi32(x, _mm512_and_si512(_mm512_srli_epi32(less, 27), _mm512_set1_epi32(16)));
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

/* The next n <= 32 symbols, of the first n lanes; contexts beyond are 0, and so are symbols. */
static inline __m256i LEVEL(rans_decode_group)(cdt_rans_reader *reader, LEVEL(rans_lanes) *x, const uint32_t *slots, __m256i contexts,
                                               size_t n)
{
    const __mmask32 some = LEVEL(rans_first)(n);
    const __m512i byte = _mm512_set1_epi32(0xff), high = _mm512_set1_epi32((int)0xffff0000), pairs = _mm512_cvtepu16_epi32(contexts);
    const __m512i slot = LEVEL(rans_fetch)(x->even, slots, _mm512_slli_epi32(_mm512_and_si512(pairs, byte), CDT_RANS_BITS));
    const __m512i slot_odd = LEVEL(rans_fetch)(x->odd, slots, _mm512_slli_epi32(_mm512_srli_epi32(pairs, 8), CDT_RANS_BITS));
    const __m512i even = LEVEL(rans_next)(x->even, slot), odd = LEVEL(rans_next)(x->odd, slot_odd);
    /* x div 2^15 has 16 bits. */
    const __m512i least = _mm512_ternarylogic_epi32(_mm512_srli_epi32(even, 15), _mm512_slli_epi32(odd, 1), high, 0xd8);
    const __m512i words = LEVEL(rans_take_words)(reader, _mm512_mask_testn_epi16_mask(some, least, least));
    const __m512i symbols = _mm512_ternarylogic_epi32(slot, _mm512_slli_epi32(slot_odd, 8), byte, 0xe4);
    const __m512i next = _mm512_ternarylogic_epi32(LEVEL(rans_widen)(even), words, high, 0xf4);
    const __m512i next_odd = _mm512_or_si512(LEVEL(rans_widen)(odd), _mm512_srli_epi32(words, 16));
    if (n == 32) {
        x->even = next, x->odd = next_odd;
        return _mm512_cvtepi32_epi16(symbols);
    }
    x->even = _mm512_mask_mov_epi32(x->even, (__mmask16)LEVEL(rans_first)((n + 1) / 2), next);
    x->odd = _mm512_mask_mov_epi32(x->odd, (__mmask16)LEVEL(rans_first)(n / 2), next_odd);
    return _mm256_maskz_mov_epi8(some, _mm512_cvtepi32_epi16(symbols));
}

/* The same, from memory to memory. */
static inline void LEVEL(rans_decode_part)(cdt_rans_reader *reader, LEVEL(rans_lanes) *x, const uint32_t *slots,
                                           const uint8_t *contexts, uint8_t *tokens, size_t n)
{
    if (n == 32)
        _mm256_storeu_si256((void *)tokens,
                            LEVEL(rans_decode_group)(reader, x, slots, _mm256_loadu_si256((const void *)contexts), 32));
    else {
        const __mmask32 some = LEVEL(rans_first)(n);
        _mm256_mask_storeu_epi8(tokens, some,
                                LEVEL(rans_decode_group)(reader, x, slots, _mm256_maskz_loadu_epi8(some, contexts), n));
    }
}

static void LEVEL(rans_decode_32)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens,
                                  size_t n)
{
    const size_t lanes = reader->count < 32 ? reader->count : 32, halves = reader->count > 32 ? 2 : 1;
    cdt_rans_reader local = *reader;
    LEVEL(rans_lanes) x = LEVEL(rans_load_lanes)(reader->states), y = x;
    size_t i = 0;
    if (halves == 2) {
        y = LEVEL(rans_load_lanes)(reader->states + 32);
        for (; i + 64 <= n; i += 64) {
            LEVEL(rans_decode_part)(&local, &x, slots, contexts + i, tokens + i, 32);
            LEVEL(rans_decode_part)(&local, &y, slots, contexts + i + 32, tokens + i + 32, 32);
        }
        if (i + 32 < n) {
            LEVEL(rans_decode_part)(&local, &x, slots, contexts + i, tokens + i, 32);
            i += 32;
            LEVEL(rans_decode_part)(&local, &y, slots, contexts + i, tokens + i, n - i);
            i = n;
        }
        LEVEL(rans_store_lanes)(reader->states + 32, y);
    }
    for (; i + 32 <= n && lanes == 32; i += 32) LEVEL(rans_decode_part)(&local, &x, slots, contexts + i, tokens + i, 32);
    for (; i < n; i += lanes)
        LEVEL(rans_decode_part)(&local, &x, slots, contexts + i, tokens + i, n - i < lanes ? n - i : lanes);
    reader->corrupt = local.corrupt;
    reader->at = local.at;
    LEVEL(rans_store_lanes)(reader->states, x);
}

static void LEVEL(rans_encode_row)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices, size_t n)
{
    if (writer->count >= 32) LEVEL(rans_encode_32)(writer, entries, indices, n);
    else if (writer->count == 16) LEVEL(rans_encode_16)(writer, entries, indices, n);
    else LEVEL(rans_encode_states)(writer, entries, indices, n);
}

static void LEVEL(rans_decode_row)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens,
                                   size_t n)
{
    if (reader->count >= 16) LEVEL(rans_decode_32)(reader, slots, contexts, tokens, n);
    else LEVEL(rans_decode_states)(reader, slots, contexts, tokens, n, 0);
}
