/* Rows of rANS with AVX2, 8 lanes at a time. cdt_rans.h is the contract. */

/* For each mask of 8 lanes, where compressing the lanes in it (to the upper end) takes them from, and where expanding does. */
#define BIT(m, p) ((uint64_t)((m) >> (p)&1))
#define BELOW(m, p) (ABOVE(m, 0) - ABOVE(m, p))
#define ABOVE(m, p) (BIT((m) >> (p), 0) + BIT((m) >> (p), 1) + BIT((m) >> (p), 2) + BIT((m) >> (p), 3) + BIT((m) >> (p), 4) + \
                     BIT((m) >> (p), 5) + BIT((m) >> (p), 6) + BIT((m) >> (p), 7))
#define FROM(m, p) (BIT(m, p) * (uint64_t)(p) << ((64 - 8 * ABOVE(m, p)) & 63))
#define RANK(m, p) (BELOW(m, p) << (8 * (p)))
#define EIGHT(F, m) (F(m, 0) | F(m, 1) | F(m, 2) | F(m, 3) | F(m, 4) | F(m, 5) | F(m, 6) | F(m, 7))
#define ROW4(F, m) EIGHT(F, m), EIGHT(F, m + 1), EIGHT(F, m + 2), EIGHT(F, m + 3)
#define ROW16(F, m) ROW4(F, m), ROW4(F, m + 4), ROW4(F, m + 8), ROW4(F, m + 12)
#define ROW64(F, m) ROW16(F, m), ROW16(F, m + 16), ROW16(F, m + 32), ROW16(F, m + 48)
static const uint64_t LEVEL(rans_compress)[256] = {ROW64(FROM, 0), ROW64(FROM, 64), ROW64(FROM, 128), ROW64(FROM, 192)};
static const uint64_t LEVEL(rans_expand)[256] = {ROW64(RANK, 0), ROW64(RANK, 64), ROW64(RANK, 128), ROW64(RANK, 192)};
#undef BIT
#undef BELOW
#undef ABOVE
#undef FROM
#undef RANK
#undef EIGHT
#undef ROW4
#undef ROW16
#undef ROW64

static inline __m256i LEVEL(rans_order)(const uint64_t *table, unsigned mask)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(table + mask)));
}

/* The first n of 8 lanes. */
static inline __m256i LEVEL(rans_first)(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

/* Entries 0, 1, 4 and 5 of the 8 of these indices, in two halves. Loads one by one: a gather takes twice as long. */
static inline __m256 LEVEL(rans_entries_4)(const cdt_rans_entry *entries, const uint16_t *indices)
{
    const __m128 zero = _mm_setzero_ps();
    const __m128 low = _mm_loadh_pi(_mm_loadl_pi(zero, (const void *)(entries + indices[0])), (const void *)(entries + indices[1]));
    const __m128 high = _mm_loadh_pi(_mm_loadl_pi(zero, (const void *)(entries + indices[4])), (const void *)(entries + indices[5]));
    return _mm256_set_m128(high, low);
}

/* Encodes the symbols of 8 lanes, or of the first `some` of them. Returns where the words begin. */
static inline uint8_t *LEVEL(rans_put_8)(uint32_t *states, const cdt_rans_entry *entries, const uint16_t *indices, size_t some, uint8_t *at)
{
    const __m256 low = LEVEL(rans_entries_4)(entries, indices), high = LEVEL(rans_entries_4)(entries, indices + 2);
    const __m256i reciprocal = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88));
    const __m256i packed = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0xdd));
    const __m256i x = _mm256_loadu_si256((const void *)states), rest = _mm256_srli_epi32(packed, 20);
    const __m256i sum = _mm256_add_epi32(x, _mm256_slli_epi32(rest, 19));
    const __m256i small = _mm256_srlv_epi32(x, _mm256_and_si256(_mm256_srli_epi32(sum, 27), _mm256_set1_epi32(16)));
    const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(small, reciprocal), 32);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(small, 32), _mm256_srli_epi64(reciprocal, 32));
    const __m256i shift = _mm256_and_si256(_mm256_srli_epi32(packed, 13), _mm256_set1_epi32(15));
    const __m256i quotient = _mm256_srlv_epi32(_mm256_blend_epi32(even, odd, 0xaa), shift);
    const __m256i sized = _mm256_add_epi32(small, _mm256_and_si256(packed, _mm256_set1_epi32(0x1fff)));
    const __m256i next = _mm256_add_epi32(sized, _mm256_mullo_epi32(quotient, rest));
    unsigned full = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(sum));
    if (some < 8) {
        full &= (1u << some) - 1;
        _mm256_storeu_si256((void *)states, _mm256_blendv_epi8(x, next, LEVEL(rans_first)(some)));
    } else _mm256_storeu_si256((void *)states, next);
    const __m256i words = _mm256_permutevar8x32_epi32(_mm256_and_si256(x, _mm256_set1_epi32(0xffff)),
                                                      LEVEL(rans_order)(LEVEL(rans_compress), full));
    const __m128i first = _mm256_castsi256_si128(words), second = _mm256_extracti128_si256(words, 1);
    _mm_storeu_si128((void *)(at - 16), _mm_packus_epi32(first, second));
    return at - 2 * _mm_popcnt_u32(full);
}

static void LEVEL(rans_encode_row)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices, size_t n)
{
    const size_t last = writer->count - 1;
    uint32_t *const states = writer->states;
    uint8_t *at = writer->at;
    size_t i = n;
    if (writer->count < 8)
        while (i-- > 0) states[i & last] = LEVEL(rans_put)(states[i & last], entries[indices[i]], &at);
    else {
        uint16_t rest[8] = {0};
        for (; i % 8; i--) rest[i % 8 - 1] = indices[i - 1];
        if (i < n) at = LEVEL(rans_put_8)(states + (i & last), entries, rest, n - i, at);
        for (; i > 0; i -= 8) at = LEVEL(rans_put_8)(states + ((i - 8) & last), entries, indices + i - 8, 8, at);
    }
    writer->at = at;
}

/* What is left of a reader's words: apart from its states, so that it keeps to registers. */
typedef struct {
    const uint8_t *at, *end;
    int corrupt;
} LEVEL(rans_left);

/* 8 words, the last of which are zeros behind the end. */
static __attribute__((noinline, cold)) __m128i LEVEL(rans_last_words)(const uint8_t *at, const uint8_t *end)
{
    uint8_t rest[16] = {0};
    memcpy(rest, at, (size_t)(end - at));
    return _mm_loadu_si128((const void *)rest);
}

/* The words of the lanes that need one, from the next on; behind the end there are zeros, which set corrupt. */
static inline __m256i LEVEL(rans_take_words)(LEVEL(rans_left) *words, unsigned empty)
{
    const size_t left = (size_t)(words->end - words->at), count = 2 * (size_t)_mm_popcnt_u32(empty);
    __m128i next;
    if (left >= 16) {
        next = _mm_loadu_si128((const void *)words->at);
        words->at += count;
    } else {
        next = LEVEL(rans_last_words)(words->at, words->end);
        words->corrupt |= count > left;
        words->at += count < left ? count : left;
    }
    return _mm256_permutevar8x32_epi32(_mm256_cvtepu16_epi32(next), LEVEL(rans_order)(LEVEL(rans_expand), empty));
}

/* 4 slots: loads one by one are as fast as a gather, or faster. */
static inline __m128i LEVEL(rans_fetch_4)(const uint32_t *slots, __m128i index)
{
    const uint64_t low = (uint64_t)_mm_cvtsi128_si64(index), high = (uint64_t)_mm_extract_epi64(index, 1);
    const __m128i a = _mm_cvtsi32_si128((int)slots[(uint32_t)low]), b = _mm_cvtsi32_si128((int)slots[low >> 32]);
    const __m128i c = _mm_cvtsi32_si128((int)slots[(uint32_t)high]), d = _mm_cvtsi32_si128((int)slots[high >> 32]);
    return _mm_unpacklo_epi64(_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
}

/* Decodes the symbols of 8 lanes, or of the first `some` of them; with no other 8 to overlap them, plain C is faster. */
static inline __m256i LEVEL(rans_take_8)(LEVEL(rans_left) *left, uint32_t *states, const uint32_t *slots, const uint8_t *contexts,
                                         size_t some)
{
    const __m256i x = _mm256_loadu_si256((const void *)states);
    const __m256i table = _mm256_slli_epi32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)contexts)), CDT_RANS_BITS);
    const __m256i index = _mm256_or_si256(table, _mm256_and_si256(x, _mm256_set1_epi32(CDT_SLOTS - 1)));
    const __m128i low = LEVEL(rans_fetch_4)(slots, _mm256_castsi256_si128(index));
    const __m256i slot = _mm256_set_m128i(LEVEL(rans_fetch_4)(slots, _mm256_extracti128_si256(index, 1)), low);
    const __m256i quotient = _mm256_srli_epi32(x, CDT_RANS_BITS);
    const __m256i inside = _mm256_and_si256(_mm256_srli_epi32(slot, 8), _mm256_set1_epi32(0xfff));
    const __m256i product = _mm256_mullo_epi32(_mm256_srli_epi32(slot, 20), quotient);
    const __m256i next = _mm256_add_epi32(_mm256_add_epi32(quotient, inside), product);
    const __m256i less = _mm256_sub_epi32(next, _mm256_set1_epi32(CDT_RANS_LOW)); /* negative where a word is due */
    const unsigned first = some < 8 ? (1u << some) - 1 : UINT8_MAX;
    const __m256i words = LEVEL(rans_take_words)(left, first & (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(less)));
    const __m256i wide = _mm256_or_si256(_mm256_slli_epi32(next, 16), words);
    __m256i after = _mm256_castps_si256(
        _mm256_blendv_ps(_mm256_castsi256_ps(next), _mm256_castsi256_ps(wide), _mm256_castsi256_ps(less)));
    if (some < 8) after = _mm256_blendv_epi8(x, after, LEVEL(rans_first)(some));
    _mm256_storeu_si256((void *)states, after);
    return _mm256_and_si256(slot, _mm256_set1_epi32(0xff));
}

static inline __m128i LEVEL(rans_pack)(__m256i symbols)
{
    return _mm_packus_epi32(_mm256_castsi256_si128(symbols), _mm256_extracti128_si256(symbols, 1));
}

/* The last `some` < 8 bytes before `end`, zeros behind them; `long_enough`: 8 bytes before it can be read. */
static inline uint64_t LEVEL(rans_last_bytes)(const uint8_t *end, size_t some, int long_enough)
{
    uint64_t bytes = 0;
    if (long_enough) return LEVEL(load_8)(end - 8) >> (64 - 8 * some);
    const uint8_t *const first = end - some;
    for (size_t k = some; k > 0; k--) bytes = bytes << 8 | first[k - 1];
    return bytes;
}

/* The last 1 to 7 symbols of a row of n. */
static inline void LEVEL(rans_take_last)(LEVEL(rans_left) *left, uint32_t *states, const uint32_t *slots, const uint8_t *contexts,
                                         uint8_t *tokens, size_t n)
{
    const size_t some = n % 8, from = n - some;
    uint8_t rest[8];
    LEVEL(store_8)(rest, LEVEL(rans_last_bytes)(contexts + n, some, n >= 8));
    const __m128i words = LEVEL(rans_pack)(LEVEL(rans_take_8)(left, states, slots, rest, some));
    uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(words, words));
    for (size_t i = from; i < n; i++, bytes >>= 8) tokens[i] = (uint8_t)bytes;
}

static void LEVEL(rans_decode_row)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens,
                                   size_t n)
{
    const size_t last = reader->count - 1;
    if (reader->count < 16) {
        LEVEL(rans_decode_states)(reader, slots, contexts, tokens, n, 0);
        return;
    }
    uint32_t *const states = reader->states;
    LEVEL(rans_left) left = {reader->at, reader->end, reader->corrupt};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        uint32_t *const some = states + (i & last);
        const __m128i low = LEVEL(rans_pack)(LEVEL(rans_take_8)(&left, some, slots, contexts + i, 8));
        const __m128i high = LEVEL(rans_pack)(LEVEL(rans_take_8)(&left, some + 8, slots, contexts + i + 8, 8));
        _mm_storeu_si128((void *)(tokens + i), _mm_packus_epi16(low, high));
    }
    if (i + 8 <= n) {
        const __m128i words = LEVEL(rans_pack)(LEVEL(rans_take_8)(&left, states + (i & last), slots, contexts + i, 8));
        _mm_storel_epi64((void *)(tokens + i), _mm_packus_epi16(words, words));
    }
    if (n % 8) LEVEL(rans_take_last)(&left, states + (n / 8 * 8 & last), slots, contexts, tokens, n);
    reader->at = left.at;
    reader->corrupt = left.corrupt;
}
