/* Tokens and extra bits of residuals; cdt_rans.h is the contract. */

/* Appends the lowest n <= 56 bits of value, whose other bits are 0. No branch, which nothing could foresee; so below. */
static inline void LEVEL(bits_put)(cdt_bits_writer *extra, uint64_t value, unsigned n)
{
    const uint64_t all = extra->pending | value << extra->count;
    const unsigned total = extra->count + n;
    LEVEL(store_8)(extra->at, all);
    extra->pending = all >> (total & ~7u);
    extra->at += total >> 3;
    extra->count = total & 7;
}

/* The same of n < 64 bits, seldom more than 56. */
static inline void LEVEL(bits_put_many)(cdt_bits_writer *extra, uint64_t value, unsigned n)
{
    if (n <= 56) LEVEL(bits_put)(extra, value, n);
    else {
        LEVEL(bits_put)(extra, value & UINT32_MAX, 32);
        LEVEL(bits_put)(extra, value >> 32, n - 32);
    }
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
    const unsigned escape = 0u - (u >= 16), n = (62 - (unsigned)__builtin_clzll(u | 8)) & escape;
    LEVEL(bits_put_many)(extra, u & ((UINT64_C(1) << n) - 1), n);
    return (uint8_t)((unsigned)(u >> n) + ((2 * n + 8) & escape));
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

static inline uint64_t LEVEL(fold_8_bytes)(int64_t r)
{
    return (uint64_t)r << 1 ^ (0u - ((uint64_t)r >> 63));
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

#if CDT_SIMD == 512
#include "tokens_512.h"
#elif CDT_SIMD == 2
#include "tokens_avx2.h"
#else
#include "tokens_plain.h"
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
    for (size_t i = LEVEL(split_blocks_8)(residuals, n, tokens, &local); i < n; i++)
        tokens[i] = LEVEL(token_of)(LEVEL(fold_8_bytes)(residuals[i]), &local);
    *extra = local;
}

static void LEVEL(tokens_join_8)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int64_t *residuals)
{
    for (size_t i = LEVEL(join_blocks_8)(tokens, n, extra, residuals); i < n; i++)
        residuals[i] = LEVEL(unfold_8)(LEVEL(join_careful)(tokens[i], CDT_TOKENS_8, extra));
}
