/* Draws from alias tables, alone and as blocks of integers: see cdt_lattice.h. */

static inline uint32_t LEVEL(draw_symbol)(const cdt_alias *alias, uint32_t word)
{
    const uint32_t bits = alias->slot_bits, slot = word >> (32 - bits), entry = alias->entries[slot];
    /* What is below the threshold, both shifted to the top. */
    return word << bits < (entry >> bits << bits) ? slot : entry & (((uint32_t)1 << bits) - 1);
}

#if CDT_SIMD == 512
/* Symbols of eight words. */
INLINE __m256i LEVEL(draw_eight)(const cdt_alias *alias, __m256i word)
{
    const __m128i bits = _mm_cvtsi32_si128((int)alias->slot_bits), rest = _mm_cvtsi32_si128((int)(32 - alias->slot_bits));
    const __m256i slots = _mm256_set1_epi32((int)(((uint32_t)1 << alias->slot_bits) - 1));
    const __m256i slot = _mm256_srl_epi32(word, rest), entry = _mm256_i32gather_epi32((const int *)alias->entries, slot, 4);
    const __mmask8 own = _mm256_cmplt_epu32_mask(_mm256_sll_epi32(word, bits), _mm256_andnot_si256(slots, entry));
    return _mm256_mask_blend_epi32(own, _mm256_and_si256(entry, slots), slot);
}

/* Sixteen draws; 0 where one is rare. */
#define DRAW_LANES 16
INLINE int LEVEL(draw_some)(const cdt_alias *alias, const uint32_t *words, int64_t first, int64_t *out)
{
    const __m128i bits = _mm_cvtsi32_si128((int)alias->slot_bits), rest = _mm_cvtsi32_si128((int)(32 - alias->slot_bits));
    const __m512i slots = _mm512_set1_epi32((int)(((uint32_t)1 << alias->slot_bits) - 1)), word = _mm512_loadu_si512(words);
    const __m512i slot = _mm512_srl_epi32(word, rest), entry = _mm512_i32gather_epi32(slot, (const int *)alias->entries, 4);
    const __mmask16 own = _mm512_cmplt_epu32_mask(_mm512_sll_epi32(word, bits), _mm512_andnot_si512(slots, entry));
    const __m512i symbol = _mm512_mask_blend_epi32(own, _mm512_and_si512(entry, slots), slot), shift = _mm512_set1_epi64(first);
    _mm512_storeu_si512(out, _mm512_add_epi64(_mm512_cvtepu32_epi64(_mm512_castsi512_si256(symbol)), shift));
    _mm512_storeu_si512(out + 8, _mm512_add_epi64(_mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(symbol, 1)), shift));
    return !_mm512_cmpeq_epi32_mask(symbol, _mm512_set1_epi32((int)alias->rare));
}

/* Eight draws of blocks; 0 where one is rare or not accepted at once. */
#define BLOCKS_LANES 8
INLINE int LEVEL(draw_blocks_some)(const cdt_blocks *blocks, const uint32_t *words, const uint64_t *places, int64_t *out)
{
    const __m256i symbol = LEVEL(draw_eight)(&blocks->alias, _mm256_loadu_si256((const __m256i *)words));
    const __m512i place = _mm512_loadu_si512(places), wide = _mm512_cvtepu32_epi64(symbol);
    const __m256i squeeze = _mm256_i32gather_epi32((const int *)blocks->squeeze, symbol, 4);
    const __mmask8 in = _mm512_cmplt_epu64_mask(_mm512_srli_epi64(place, 48), _mm512_cvtepu32_epi64(squeeze));
    const __m512i low = _mm512_set1_epi64((long long)(((uint64_t)1 << blocks->low_bits) - 1));
    const __m128i shift = _mm_cvtsi32_si128((int)blocks->low_bits);
    const __m512i size = _mm512_add_epi64(_mm512_sll_epi64(wide, shift), _mm512_and_si512(place, low));
    const __mmask8 negative = _mm512_test_epi64_mask(place, _mm512_add_epi64(low, _mm512_set1_epi64(1)));
    /* -(size + 1) */
    _mm512_storeu_si512(out, _mm512_mask_xor_epi64(size, negative, size, _mm512_set1_epi64(-1)));
    return in == 255;
}

#elif CDT_SIMD == 2
#define DRAW_LANES 8
INLINE __m256i LEVEL(draw_eight)(const cdt_alias *alias, __m256i word)
{
    const __m128i bits = _mm_cvtsi32_si128((int)alias->slot_bits), rest = _mm_cvtsi32_si128((int)(32 - alias->slot_bits));
    const __m256i slots = _mm256_set1_epi32((int)(((uint32_t)1 << alias->slot_bits) - 1)), sign = _mm256_set1_epi32((int)0x80000000u);
    const __m256i slot = _mm256_srl_epi32(word, rest), entry = _mm256_i32gather_epi32((const int *)alias->entries, slot, 4);
    const __m256i at = _mm256_xor_si256(_mm256_sll_epi32(word, bits), sign), below = _mm256_xor_si256(_mm256_andnot_si256(slots, entry), sign);
    return _mm256_blendv_epi8(_mm256_and_si256(entry, slots), slot, _mm256_cmpgt_epi32(below, at));
}

INLINE int LEVEL(draw_some)(const cdt_alias *alias, const uint32_t *words, int64_t first, int64_t *out)
{
    const __m256i symbol = LEVEL(draw_eight)(alias, _mm256_loadu_si256((const __m256i *)words)), shift = _mm256_set1_epi64x(first);
    const __m256i rare = _mm256_cmpeq_epi32(symbol, _mm256_set1_epi32((int)alias->rare));
    _mm256_storeu_si256((__m256i *)out, _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(symbol)), shift));
    _mm256_storeu_si256((__m256i *)(out + 4), _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_extracti128_si256(symbol, 1)), shift));
    return _mm256_testz_si256(rare, rare);
}

#define BLOCKS_LANES 8
/* Four of the eight draws: 0 where one is not accepted at once. */
INLINE int LEVEL(draw_blocks_half)(const cdt_blocks *blocks, __m128i symbol, __m128i squeeze, const uint64_t *places, int64_t *out)
{
    const __m256i place = _mm256_loadu_si256((const __m256i *)places);
    const __m256i in = _mm256_cmpgt_epi64(_mm256_cvtepu32_epi64(squeeze), _mm256_srli_epi64(place, 48));
    const __m256i low = _mm256_set1_epi64x((long long)(((uint64_t)1 << blocks->low_bits) - 1));
    const __m128i shift = _mm_cvtsi32_si128((int)blocks->low_bits), sign = _mm_cvtsi32_si128((int)(63 - blocks->low_bits));
    const __m256i size = _mm256_add_epi64(_mm256_sll_epi64(_mm256_cvtepu32_epi64(symbol), shift), _mm256_and_si256(place, low));
    const __m256i negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), _mm256_sll_epi64(place, sign));
    _mm256_storeu_si256((__m256i *)out, _mm256_xor_si256(size, negative)); /* -(size + 1) where negative */
    return _mm256_movemask_epi8(in) == -1;
}

INLINE int LEVEL(draw_blocks_some)(const cdt_blocks *blocks, const uint32_t *words, const uint64_t *places, int64_t *out)
{
    const __m256i symbol = LEVEL(draw_eight)(&blocks->alias, _mm256_loadu_si256((const __m256i *)words));
    const __m256i squeeze = _mm256_i32gather_epi32((const int *)blocks->squeeze, symbol, 4);
    return LEVEL(draw_blocks_half)(blocks, _mm256_castsi256_si128(symbol), _mm256_castsi256_si128(squeeze), places, out) &
           LEVEL(draw_blocks_half)(blocks, _mm256_extracti128_si256(symbol, 1), _mm256_extracti128_si256(squeeze, 1), places + 4, out + 4);
}
#endif

static cdt_lattice_stop LEVEL(draw)(const cdt_alias *alias, const uint32_t *words, size_t n, int64_t first, int64_t *out, size_t *done)
{
    size_t i = 0;
    while (i < n) {
        size_t end = i + 1;
#if CDT_SIMD
        if (i + DRAW_LANES <= n) {
            end = i + DRAW_LANES;
            if (LEVEL(draw_some)(alias, words + i, first, out + i)) {
                i = end;
                continue;
            }
        }
#endif
        for (; i < end; i++) {
            const uint32_t symbol = LEVEL(draw_symbol)(alias, words[i]);
            if (symbol == alias->rare) {
                *done = i;
                return CDT_LATTICE_RARE;
            }
            out[i] = first + (int64_t)symbol;
        }
    }
    *done = i;
    return CDT_LATTICE_DONE;
}

/* exp(-d), 0 <= d <= 1/16: what is left out is below 2^-54, all roundings together are below 2^-50. */
static inline double LEVEL(draw_exp)(double d)
{
    double sum = 1;
    for (int k = 8; k > 0; k--) sum = 1 - sum * d / k;
    return sum;
}

/* Accepted (1), refused (0) or too close to say (-1): the place's first bits and a word after them against the law. */
static inline int LEVEL(draw_accepts)(const cdt_blocks *blocks, uint32_t symbol, uint64_t place, uint64_t fraction)
{
    const uint64_t low = place & (((uint64_t)1 << blocks->low_bits) - 1), sign = place >> blocks->low_bits & 1;
    const double at = (double)(low + sign);
    const double chance = blocks->top[symbol] * LEVEL(draw_exp)(at * (blocks->slope + blocks->steep * symbol + blocks->bend * at));
    const double drawn = ((double)(place >> 48) + (double)fraction * 5.421010862427522e-20) / 65536, apart = chance - drawn;
    return __builtin_fabs(apart) <= blocks->margin ? -1 : apart > 0;
}

/* One draw, from its words and then from spare ones. */
static cdt_lattice_stop LEVEL(draw_block)(const cdt_blocks *blocks, uint32_t word, uint64_t place, cdt_spare *spare, int64_t *out,
                                          uint64_t last[3])
{
    size_t used = spare->used;
    for (;;) {
        const uint32_t symbol = LEVEL(draw_symbol)(&blocks->alias, word);
        last[0] = word;
        last[1] = place;
        if (symbol == blocks->alias.rare) {
            spare->used = used;
            return CDT_LATTICE_RARE;
        }
        int accepts = place >> 48 < blocks->squeeze[symbol];
        if (!accepts) {
            if (used + 3 > spare->count) {
                spare->used = used;
                return CDT_LATTICE_DRY;
            }
            last[2] = spare->words[used++];
            accepts = LEVEL(draw_accepts)(blocks, symbol, place, last[2]);
            if (accepts < 0) {
                spare->used = used;
                return CDT_LATTICE_CLOSE;
            }
        }
        if (accepts) {
            const uint64_t size = ((uint64_t)symbol << blocks->low_bits) + (place & (((uint64_t)1 << blocks->low_bits) - 1));
            *out = place >> blocks->low_bits & 1 ? -(int64_t)size - 1 : (int64_t)size;
            spare->used = used;
            return CDT_LATTICE_DONE;
        }
        word = (uint32_t)spare->words[used++];
        place = spare->words[used++];
    }
}

static cdt_lattice_stop LEVEL(draw_blocks)(const cdt_blocks *blocks, const uint32_t *words, const uint64_t *places, size_t n,
                                           cdt_spare *spare, int64_t *out, size_t *done, uint64_t last[3])
{
    cdt_lattice_stop stop = CDT_LATTICE_DONE;
    size_t i = 0;
    while (i < n) {
        size_t end = i + 1;
#if CDT_SIMD
        if (i + BLOCKS_LANES <= n) {
            end = i + BLOCKS_LANES;
            if (LEVEL(draw_blocks_some)(blocks, words + i, places + i, out + i)) {
                i = end;
                continue;
            }
        }
#endif
        for (; i < end; i++) {
            stop = LEVEL(draw_block)(blocks, words[i], places[i], spare, out + i, last);
            if (stop) goto end;
        }
    }
end:
    *done = i;
    return stop;
}
