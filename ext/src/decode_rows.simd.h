/* Rows of tokens, each with the contexts that the rows before it give; cdt_rows.h and cdt_rans.h are the contracts. */

static void LEVEL(decode_long_rows)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t table[256], cdt_neighbours *near,
                                    uint8_t *row, size_t cols, size_t stride, size_t rows, uint8_t *contexts)
{
#if CDT_SIMD == 2
    LEVEL(parts) parts;
    LEVEL(find_parts)(table, &parts);
#endif
    for (; rows > 0; rows--, row += stride) {
#if CDT_SIMD == 2
        LEVEL(contexts_of)(near, cols, &parts, contexts);
#else
        LEVEL(rows_contexts)(near, cols, table, contexts);
#endif
        LEVEL(rans_decode_row)(reader, slots, contexts, row, cols);
        cdt_pad(row, cols);
        cdt_neighbours_step(near, stride);
    }
}

#if CDT_SIMD == 512
/* Rows of at most 64 tokens, and 32 states or more: the row above stays in a register, for what is stored byte by byte is slow to
 * load as a whole. */
static void LEVEL(decode_short_rows)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t table[256], cdt_neighbours *near,
                                     uint8_t *row, size_t cols, size_t stride, size_t rows)
{
    const __mmask64 there = ~(__mmask64)0 >> (64 - cols);
    const __m512i last = _mm512_set1_epi8((char)(cols - 1)), one = _mm512_set1_epi8(1);
    uint8_t iota[64];
    for (int i = 0; i < 64; i++) iota[i] = (uint8_t)i;
    const __m512i here = _mm512_loadu_si512(iota), to_right = _mm512_min_epu8(_mm512_add_epi8(here, one), last);
    const __m512i to_left = _mm512_subs_epu8(here, one);
    const int halves = reader->lanes > 32;
    cdt_rans_reader local = *reader;
    LEVEL(rans_lanes) x = LEVEL(rans_load_lanes)(reader->states), y = x;
    if (halves) y = LEVEL(rans_load_lanes)(reader->states + 32);
    __m512i above = _mm512_loadu_si512(near->above), second = _mm512_loadu_si512(near->second);
    for (; rows > 0; rows--, row += stride) {
        const __m512i left = near->lagged ? above : _mm512_permutexvar_epi8(to_left, above);
        const __m512i right = near->lagged ? second : _mm512_permutexvar_epi8(to_right, above);
        const __m256i low = LEVEL(activity_of)(near, 0, _mm512_castsi512_si256(above), _mm512_castsi512_si256(left), _mm512_castsi512_si256(right));
        __m512i contexts = _mm512_castsi256_si512(low);
        if (cols > 32)
            contexts = _mm512_inserti64x4(contexts, LEVEL(activity_of)(near, 32, _mm512_extracti64x4_epi64(above, 1), _mm512_extracti64x4_epi64(left, 1), _mm512_extracti64x4_epi64(right, 1)), 1);
        contexts = _mm512_maskz_mov_epi8(there, LEVEL(look_up_64)(table, contexts));
        __m512i tokens = _mm512_castsi256_si512(
            LEVEL(rans_decode_group)(&local, &x, slots, _mm512_castsi512_si256(contexts), cols < 32 ? cols : 32));
        if (cols > 32)
            tokens = _mm512_inserti64x4(tokens, LEVEL(rans_decode_group)(&local, halves ? &y : &x, slots, _mm512_extracti64x4_epi64(contexts, 1), cols - 32), 1);
        else tokens = _mm512_maskz_mov_epi8(there, tokens);
        _mm512_mask_storeu_epi8(row, there, tokens);
        const int first = _mm_cvtsi128_si32(_mm512_castsi512_si128(tokens));
        const int end = _mm_cvtsi128_si32(_mm512_castsi512_si128(_mm512_permutexvar_epi8(last, tokens)));
        row[-1] = (uint8_t)first;
        row[cols] = row[cols + 1] = (uint8_t)end;
        second = above;
        above = tokens;
        cdt_neighbours_step(near, stride);
    }
    reader->corrupt = local.corrupt;
    reader->at = local.at;
    LEVEL(rans_store_lanes)(reader->states, x);
    if (halves) LEVEL(rans_store_lanes)(reader->states + 32, y);
}
#endif

static void LEVEL(decode_rows)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t table[256], cdt_neighbours *near,
                               uint8_t *row, size_t cols, size_t stride, size_t rows, uint8_t *contexts)
{
#if CDT_SIMD == 512
    if (cols <= 64 && reader->lanes >= 32) {
        LEVEL(decode_short_rows)(reader, slots, table, near, row, cols, stride, rows);
        return;
    }
#endif
    LEVEL(decode_long_rows)(reader, slots, table, near, row, cols, stride, rows, contexts);
}
