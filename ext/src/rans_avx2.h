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

/* Encodes the symbols of 8 lanes. Returns where the words begin. */
static inline uint8_t *LEVEL(rans_put_8)(uint32_t *states, const cdt_rans_entry *entries, const uint16_t *indices, uint8_t *at)
{
    const __m256i index = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)indices));
    /* 0, 1, 4, 5 and 2, 3, 6, 7: shuffles within halves then keep the order of lanes. */
    const __m256i turned = _mm256_permute4x64_epi64(index, 0xd8);
    const __m256d a = _mm256_i32gather_pd((const double *)entries, _mm256_castsi256_si128(turned), 8);
    const __m256d b = _mm256_i32gather_pd((const double *)entries, _mm256_extracti128_si256(turned, 1), 8);
    const __m256 low = _mm256_castpd_ps(a), high = _mm256_castpd_ps(b);
    const __m256i reciprocal = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88));
    const __m256i packed = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0xdd));
    const __m256i x = _mm256_loadu_si256((const void *)states), rest = _mm256_srli_epi32(packed, 20);
    const __m256i sum = _mm256_add_epi32(x, _mm256_slli_epi32(rest, 19));
    const unsigned full = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(sum));
    const __m256i small = _mm256_srlv_epi32(x, _mm256_and_si256(_mm256_srli_epi32(sum, 27), _mm256_set1_epi32(16)));
    const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(small, reciprocal), 32);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(small, 32), _mm256_srli_epi64(reciprocal, 32));
    const __m256i shift = _mm256_and_si256(_mm256_srli_epi32(packed, 13), _mm256_set1_epi32(15));
    const __m256i quotient = _mm256_srlv_epi32(_mm256_blend_epi32(even, odd, 0xaa), shift);
    const __m256i sized = _mm256_add_epi32(small, _mm256_and_si256(packed, _mm256_set1_epi32(0x1fff)));
    _mm256_storeu_si256((void *)states, _mm256_add_epi32(sized, _mm256_mullo_epi32(quotient, rest)));
    const __m256i words = _mm256_permutevar8x32_epi32(_mm256_and_si256(x, _mm256_set1_epi32(0xffff)),
                                                      LEVEL(rans_order)(LEVEL(rans_compress), full));
    const __m128i first = _mm256_castsi256_si128(words), second = _mm256_extracti128_si256(words, 1);
    _mm_storeu_si128((void *)(at - 16), _mm_packus_epi32(first, second));
    return at - 2 * _mm_popcnt_u32(full);
}

static void LEVEL(rans_encode_row)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices, size_t n)
{
    const size_t last = writer->lanes - 1, whole = writer->lanes >= 8 ? n & ~(size_t)7 : 0;
    uint32_t states[CDT_LANES];
    uint8_t *at = writer->at;
    memcpy(states, writer->states, sizeof states);
    for (size_t i = n; i-- > whole;)
        states[i & last] = LEVEL(rans_put)(states[i & last], entries[indices[i]], &at);
    for (size_t i = whole; i > 0;) {
        i -= 8;
        at = LEVEL(rans_put_8)(states + (i & last), entries, indices + i, at);
    }
    memcpy(writer->states, states, sizeof states);
    writer->at = at;
}

/* The next words, as they lie; zeros beyond the end. */
static inline __m256i LEVEL(rans_words_8)(const uint8_t *at, size_t left)
{
    uint8_t rest[16] = {0};
    if (left >= 16) return _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)at));
    memcpy(rest, at, left);
    return _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)rest));
}

/* Decodes the symbols of 8 lanes; with no other 8 to overlap them, plain C is faster. */
static inline void LEVEL(rans_take_8)(cdt_rans_reader *reader, uint32_t *states, const uint32_t *slots, const uint8_t *contexts,
                                      uint8_t *tokens)
{
    const __m256i x = _mm256_loadu_si256((const void *)states);
    const __m256i table = _mm256_slli_epi32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)contexts)), CDT_RANS_BITS);
    const __m256i index = _mm256_or_si256(table, _mm256_and_si256(x, _mm256_set1_epi32(CDT_SLOTS - 1)));
    const __m256i slot = _mm256_i32gather_epi32((const int *)slots, index, 4);
    const __m256i quotient = _mm256_srli_epi32(x, CDT_RANS_BITS);
    const __m256i inside = _mm256_and_si256(_mm256_srli_epi32(slot, 8), _mm256_set1_epi32(0xfff));
    const __m256i product = _mm256_mullo_epi32(_mm256_srli_epi32(slot, 20), quotient);
    const __m256i next = _mm256_add_epi32(_mm256_add_epi32(quotient, inside), product);
    const __m256i less = _mm256_sub_epi32(next, _mm256_set1_epi32(CDT_RANS_LOW)); /* negative where a word is due */
    const unsigned empty = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(less));
    const size_t left = (size_t)(reader->end - reader->at), count = 2 * (size_t)_mm_popcnt_u32(empty);
    const __m256i words = _mm256_permutevar8x32_epi32(LEVEL(rans_words_8)(reader->at, left),
                                                      LEVEL(rans_order)(LEVEL(rans_expand), empty));
    const __m256i wide = _mm256_or_si256(_mm256_slli_epi32(next, 16), words);
    _mm256_storeu_si256((void *)states, _mm256_blendv_epi8(next, wide, _mm256_srai_epi32(less, 31)));
    reader->corrupt |= count > left;
    reader->at += count < left ? count : left;
    const __m256i symbols = _mm256_and_si256(slot, _mm256_set1_epi32(0xff));
    const __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(symbols), _mm256_extracti128_si256(symbols, 1));
    _mm_storel_epi64((void *)tokens, _mm_packus_epi16(half, half));
}

static void LEVEL(rans_decode_row)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens,
                                   size_t n)
{
    cdt_rans_reader local = *reader;
    const size_t last = local.lanes - 1, whole = local.lanes >= 16 ? n & ~(size_t)7 : 0;
    for (size_t i = 0; i < whole; i += 8)
        LEVEL(rans_take_8)(&local, local.states + (i & last), slots, contexts + i, tokens + i);
    if (whole < n) LEVEL(rans_decode_lanes)(&local, slots, contexts, tokens, n, whole);
    *reader = local;
}
