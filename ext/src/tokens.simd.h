/* Tokens and extra bits of residuals; cdt_rans.h is the contract. */

/* Appends the lowest n < 64 bits of value, whose other bits are 0. */
static inline void LEVEL(bits_put)(cdt_bits_writer *extra, uint64_t value, unsigned n)
{
    const uint64_t all = extra->pending | value << extra->count;
    const unsigned total = extra->count + n;
    LEVEL(store_8)(extra->at, all);
    extra->pending = total >= 64 ? value >> 1 >> (63 - extra->count) : all;
    extra->at += total >> 6 << 3;
    extra->count = total & 63;
}

/* Number of extra bits of a token; 0 where there is no such token. */
static inline unsigned LEVEL(token_bits)(unsigned token, unsigned tokens)
{
    return token - 16u < tokens - 16u ? (token >> 1) - 5 : 0;
}

/* u of a token with these extra bits. */
static inline uint64_t LEVEL(token_value)(unsigned token, unsigned n, uint64_t bits)
{
    return (uint64_t)(token < 16 ? token : 2 + (token & 1)) << n | bits;
}

static inline uint8_t LEVEL(token_of)(uint64_t u, cdt_bits_writer *extra)
{
    const unsigned bits = 62 - (unsigned)__builtin_clzll(u | 8);
    const unsigned escape = u >= 16, token = 2 * bits + 8 + (unsigned)(u >> bits);
    const unsigned n = escape ? bits : 0;
    LEVEL(bits_put)(extra, u & ((UINT64_C(1) << n) - 1), n);
    return (uint8_t)(escape ? token : (unsigned)u);
}

/* n <= 62 bits from the reader's position on; a missing one sets corrupt, and the result is then 0. */
static inline uint64_t LEVEL(bits_take)(cdt_bits_reader *extra, unsigned n)
{
    const uint8_t *at = extra->begin + extra->position / 8;
    const unsigned shift = extra->position % 8;
    const size_t left = (size_t)(extra->end - at);
    uint64_t word = 0, next = 0;
    if (left * 8 - shift < n) {
        extra->corrupt = 1;
        return 0;
    }
    extra->position += n;
    if (left > 8) {
        word = LEVEL(load_8)(at);
        next = at[8];
    } else {
        for (size_t i = 0; i < left; i++) word |= (uint64_t)at[i] << (8 * i);
    }
    return (word >> shift | next << 1 << (63 - shift)) & ((UINT64_C(1) << n) - 1);
}

static inline uint32_t LEVEL(fold_4)(int32_t r)
{
    return (uint32_t)r << 1 ^ (0u - ((uint32_t)r >> 31));
}

static inline int32_t LEVEL(unfold_4)(uint32_t u)
{
    return (int32_t)(u >> 1 ^ (0u - (u & 1)));
}

static inline int64_t LEVEL(unfold_8)(uint64_t u)
{
    return (int64_t)(u >> 1 ^ (0u - (u & 1)));
}

/* u of any token, with any number of bits left. */
static inline uint64_t LEVEL(join_careful)(unsigned token, unsigned tokens, cdt_bits_reader *extra)
{
    if (token < 16) return token;
    const unsigned bits = LEVEL(token_bits)(token, tokens);
    extra->corrupt |= token >= tokens;
    return LEVEL(token_value)(token, bits, LEVEL(bits_take)(extra, bits));
}

/* u of a token, where 16 bytes are left. */
static inline uint64_t LEVEL(join_one)(unsigned token, unsigned tokens, cdt_bits_reader *extra)
{
    const unsigned bits = LEVEL(token_bits)(token, tokens), shift = extra->position % 8;
    const uint8_t *const at = extra->begin + extra->position / 8;
    uint64_t word = LEVEL(load_8)(at) >> shift;
    if (tokens > CDT_TOKENS_4) word |= (uint64_t)at[8] << 1 << (63 - shift);
    extra->corrupt |= token >= tokens;
    extra->position += bits;
    return LEVEL(token_value)(token, bits, word & ((UINT64_C(1) << bits) - 1));
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

#if CDT_SIMD == 512
#include "tokens_512.h"
#else
#if CDT_SIMD == 2
#include "tokens_avx2.h"
#else
static size_t LEVEL(split_blocks_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    (void)residuals, (void)n, (void)tokens, (void)extra;
    return 0;
}
#endif

/* Whole blocks of 16 tokens: the number joined. */
static size_t LEVEL(join_blocks_4)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int32_t *residuals)
{
    cdt_bits_reader local = *extra;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        if (LEVEL(are_plain)(tokens + i))
            for (size_t k = i; k < i + 16; k++) residuals[k] = LEVEL(unfold_4)(tokens[k]);
        else if (LEVEL(is_far)(&local))
            for (size_t k = i; k < i + 16; k++)
                residuals[k] = LEVEL(unfold_4)((uint32_t)LEVEL(join_one)(tokens[k], CDT_TOKENS_4, &local));
        else
            for (size_t k = i; k < i + 16; k++)
                residuals[k] = LEVEL(unfold_4)((uint32_t)LEVEL(join_careful)(tokens[k], CDT_TOKENS_4, &local));
    }
    *extra = local;
    return i;
}

static size_t LEVEL(split_blocks_8)(const int64_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    (void)residuals, (void)n, (void)tokens, (void)extra;
    return 0;
}

static size_t LEVEL(join_blocks_8)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int64_t *residuals)
{
    cdt_bits_reader local = *extra;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        if (LEVEL(are_plain)(tokens + i))
            for (size_t k = i; k < i + 16; k++) residuals[k] = LEVEL(unfold_8)(tokens[k]);
        else if (LEVEL(is_far)(&local))
            for (size_t k = i; k < i + 16; k++)
                residuals[k] = LEVEL(unfold_8)(LEVEL(join_one)(tokens[k], CDT_TOKENS_8, &local));
        else
            for (size_t k = i; k < i + 16; k++)
                residuals[k] = LEVEL(unfold_8)(LEVEL(join_careful)(tokens[k], CDT_TOKENS_8, &local));
    }
    *extra = local;
    return i;
}
#endif

static void LEVEL(tokens_split_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    cdt_bits_writer local = *extra;
    for (size_t i = LEVEL(split_blocks_4)(residuals, n, tokens, &local); i < n; i++)
        tokens[i] = LEVEL(token_of)(LEVEL(fold_4)(residuals[i]), &local);
    *extra = local;
}

static void LEVEL(tokens_join_4)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int32_t *residuals)
{
    for (size_t i = LEVEL(join_blocks_4)(tokens, n, extra, residuals); i < n; i++)
        residuals[i] = LEVEL(unfold_4)((uint32_t)LEVEL(join_careful)(tokens[i], CDT_TOKENS_4, extra));
}

static void LEVEL(tokens_split_8)(const int64_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra)
{
    cdt_bits_writer local = *extra;
    for (size_t i = LEVEL(split_blocks_8)(residuals, n, tokens, &local); i < n; i++) {
        const uint64_t r = (uint64_t)residuals[i];
        tokens[i] = LEVEL(token_of)(r << 1 ^ (0u - (r >> 63)), &local);
    }
    *extra = local;
}

static void LEVEL(tokens_join_8)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int64_t *residuals)
{
    for (size_t i = LEVEL(join_blocks_8)(tokens, n, extra, residuals); i < n; i++)
        residuals[i] = LEVEL(unfold_8)(LEVEL(join_careful)(tokens[i], CDT_TOKENS_8, extra));
}
