/* Tokens in plain C, 16 at a time. */

/* How many extra bits 16 tokens have, and what is above these. 0: a token is none of `most` + 1 ones; it is taken for the last. */
static inline int LEVEL(tokens_parts)(const uint8_t *tokens, uint8_t most, uint8_t bits[16], uint8_t above[16])
{
    uint8_t wrong = 0;
    for (int k = 0; k < 16; k++) {
        const uint8_t token = tokens[k] < most ? tokens[k] : most, escape = (uint8_t)(0 - (token > 15));
        wrong |= tokens[k] ^ token;
        bits[k] = escape & (uint8_t)((token >> 1) - 5);
        above[k] = token ^ (escape & (token ^ (2 | (token & 1))));
    }
    return !wrong;
}

/* Whether none of 16 tokens has extra bits. */
static inline int LEVEL(are_plain)(const uint8_t *tokens)
{
    return !((LEVEL(load_8)(tokens) | LEVEL(load_8)(tokens + 8)) & UINT64_C(0xf0f0f0f0f0f0f0f0));
}

/* Whether the bits of 16 tokens, of which each has up to 8 bytes, can be read without a look at the end. */
static inline int LEVEL(is_far)(const cdt_bits_reader *extra)
{
    return (uint64_t)(extra->end - extra->begin) >= extra->position / 8 + 16 * 8 + 16;
}

/* Splits nothing: the rest, which is all, is as fast. */
static size_t LEVEL(split_blocks_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    (void)residuals, (void)n, (void)tokens, (void)extra;
    return 0;
}

static size_t LEVEL(split_blocks_8)(const int64_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    (void)residuals, (void)n, (void)tokens, (void)extra;
    return 0;
}

/* 16 tokens, far from the end. */
static inline void LEVEL(join_far_4)(const uint8_t *tokens, cdt_bits_reader *extra, int32_t *residuals)
{
    uint8_t bits[16], above[16];
    uint64_t position = extra->position;
    extra->corrupt |= !LEVEL(tokens_parts)(tokens, CDT_TOKENS_4 - 1, bits, above);
    for (int k = 0; k < 16; k++) {
        const uint32_t word = (uint32_t)(LEVEL(load_8)(extra->begin + position / 8) >> position % 8);
        residuals[k] = LEVEL(unfold_4)((uint32_t)above[k] << bits[k] | (word & ((UINT32_C(1) << bits[k]) - 1)));
        position += bits[k];
    }
    extra->position = position;
}

static inline void LEVEL(join_far_8)(const uint8_t *tokens, cdt_bits_reader *extra, int64_t *residuals)
{
    uint8_t bits[16], above[16];
    uint64_t position = extra->position;
    extra->corrupt |= !LEVEL(tokens_parts)(tokens, CDT_TOKENS_8 - 1, bits, above);
    for (int k = 0; k < 16; k++) {
        const uint8_t *const at = extra->begin + position / 8;
        const uint64_t word = LEVEL(load_8)(at) >> position % 8 | (uint64_t)at[8] << 1 << (63 - position % 8);
        residuals[k] = LEVEL(unfold_8)((uint64_t)above[k] << bits[k] | (word & ((UINT64_C(1) << bits[k]) - 1)));
        position += bits[k];
    }
    extra->position = position;
}

/* Whole blocks of 16 tokens: the number joined. */
static size_t LEVEL(join_blocks_4)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int32_t *residuals)
{
    cdt_bits_reader local = *extra;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        if (LEVEL(are_plain)(tokens + i))
            for (size_t k = i; k < i + 16; k++) residuals[k] = LEVEL(unfold_4)(tokens[k]);
        else if (LEVEL(is_far)(&local)) LEVEL(join_far_4)(tokens + i, &local, residuals + i);
        else
            for (size_t k = i; k < i + 16; k++)
                residuals[k] = LEVEL(unfold_4)((uint32_t)LEVEL(join_careful)(tokens[k], CDT_TOKENS_4, &local));
    }
    *extra = local;
    return i;
}

static size_t LEVEL(join_blocks_8)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int64_t *residuals)
{
    cdt_bits_reader local = *extra;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        if (LEVEL(are_plain)(tokens + i))
            for (size_t k = i; k < i + 16; k++) residuals[k] = LEVEL(unfold_8)(tokens[k]);
        else if (LEVEL(is_far)(&local)) LEVEL(join_far_8)(tokens + i, &local, residuals + i);
        else
            for (size_t k = i; k < i + 16; k++)
                residuals[k] = LEVEL(unfold_8)(LEVEL(join_careful)(tokens[k], CDT_TOKENS_8, &local));
    }
    *extra = local;
    return i;
}
