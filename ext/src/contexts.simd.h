/* Rows of tokens, each with the contexts that the rows before it give; cdt_contexts.h is the contract. */

static void LEVEL(decode_long_rows)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t table[256], cdt_token_rows *next,
                                    uint8_t *contexts)
{
    const size_t cols = next->cols;
#if CDT_SIMD == 2
    LEVEL(parts) parts;
    LEVEL(find_parts)(table, &parts);
#endif
    for (; next->rows > 0; cdt_token_rows_step(next)) {
#if CDT_SIMD == 2
        LEVEL(contexts_of)(&next->near, cols, &parts, contexts);
#else
        LEVEL(rows_contexts)(&next->near, cols, table, contexts);
#endif
        LEVEL(rans_decode_row)(reader, slots, contexts, next->row, cols);
        cdt_pad(next->row, cols);
    }
}

#if CDT_SIMD == 512
/* Rows of at most 64 tokens, and 32 states or more: the row above stays in a register, for what is stored byte by byte is slow to
 * load as a whole. */
static void LEVEL(decode_short_rows)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t table[256], cdt_token_rows *next)
{
    const size_t cols = next->cols;
    const cdt_neighbours *near = &next->near;
    const __mmask64 there = ~(__mmask64)0 >> (64 - cols);
    const __m512i last = _mm512_set1_epi8((char)(cols - 1)), one = _mm512_set1_epi8(1);
    uint8_t iota[64];
    for (int i = 0; i < 64; i++) iota[i] = (uint8_t)i;
    const __m512i here = _mm512_loadu_si512(iota), to_right = _mm512_min_epu8(_mm512_add_epi8(here, one), last);
    const __m512i to_left = _mm512_subs_epu8(here, one);
    const int halves = reader->count > 32;
    cdt_rans_reader local = *reader;
    LEVEL(rans_lanes) x = LEVEL(rans_load_lanes)(reader->states), y = x;
    if (halves) y = LEVEL(rans_load_lanes)(reader->states + 32);
    __m512i above = _mm512_loadu_si512(near->above), second = _mm512_loadu_si512(near->second);
    for (; next->rows > 0; cdt_token_rows_step(next)) {
        uint8_t *row = next->row;
        const __m512i left = near->lagged ? above : _mm512_permutexvar_epi8(to_left, above);
        const __m512i right = near->lagged ? second : _mm512_permutexvar_epi8(to_right, above);
        const __m256i low = LEVEL(activity_of)(near, 0, _mm512_castsi512_si256(above), _mm512_castsi512_si256(left),
                                               _mm512_castsi512_si256(right));
        __m512i contexts = _mm512_castsi256_si512(low);
        if (cols > 32) {
            const __m256i high = LEVEL(activity_of)(near, 32, _mm512_extracti64x4_epi64(above, 1), _mm512_extracti64x4_epi64(left, 1),
                                                    _mm512_extracti64x4_epi64(right, 1));
            contexts = _mm512_inserti64x4(contexts, high, 1);
        }
        contexts = _mm512_maskz_mov_epi8(there, LEVEL(look_up_64)(table, contexts));
        __m512i tokens = _mm512_castsi256_si512(
            LEVEL(rans_decode_group)(&local, &x, slots, _mm512_castsi512_si256(contexts), cols < 32 ? cols : 32));
        if (cols > 32) {
            const __m256i high = _mm512_extracti64x4_epi64(contexts, 1);
            tokens = _mm512_inserti64x4(tokens, LEVEL(rans_decode_group)(&local, halves ? &y : &x, slots, high, cols - 32), 1);
        } else tokens = _mm512_maskz_mov_epi8(there, tokens);
        _mm512_mask_storeu_epi8(row, there, tokens);
        const int first = _mm_cvtsi128_si32(_mm512_castsi512_si128(tokens));
        const int end = _mm_cvtsi128_si32(_mm512_castsi512_si128(_mm512_permutexvar_epi8(last, tokens)));
        row[-1] = (uint8_t)first;
        row[cols] = row[cols + 1] = (uint8_t)end;
        second = above;
        above = tokens;
    }
    reader->corrupt = local.corrupt;
    reader->at = local.at;
    LEVEL(rans_store_lanes)(reader->states, x);
    if (halves) LEVEL(rans_store_lanes)(reader->states + 32, y);
}
#endif

static void LEVEL(contexts_decode_rows)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t table[256],
                                        cdt_token_rows *next, uint8_t *contexts)
{
#if CDT_SIMD == 512
    if (next->cols <= 64 && reader->count >= 32) {
        LEVEL(decode_short_rows)(reader, slots, table, next);
        return;
    }
#endif
    LEVEL(decode_long_rows)(reader, slots, table, next, contexts);
}
