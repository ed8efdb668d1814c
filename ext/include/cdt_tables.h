/* Tables of frequencies: made from counts, sent in few bits, and received. */
#ifndef CDT_TABLES_H
#define CDT_TABLES_H
#include "cdt_rans.h"
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#define CDT_SYMBOLS 256

/* Append the low `bits` (at most 32) of a value. */
static inline void cdt_bits_put(cdt_bits_writer *out, uint64_t value, unsigned bits)
{
    if (out->count + bits > 56) {
        while (out->count >= 8) {
            *out->at++ = (uint8_t)out->pending;
            out->pending >>= 8;
            out->count -= 8;
        }
    }
    out->pending |= value << out->count;
    out->count += bits;
}

/* The next `bits` (at most 32) bits; zeros, and corrupt, behind the end. */
static inline uint64_t cdt_bits_get(cdt_bits_reader *in, unsigned bits)
{
    uint64_t value = 0;
    if (in->position + bits > 8 * (uint64_t)(in->end - in->begin)) {
        in->corrupt = 1;
        return 0;
    }
    for (unsigned got = 0; got < bits;) {
        const unsigned skip = (unsigned)(in->position & 7), take = 8 - skip < bits - got ? 8 - skip : bits - got;
        value |= (uint64_t)((in->begin[in->position >> 3] >> skip) & ((1u << take) - 1)) << got;
        in->position += take;
        got += take;
    }
    return value;
}

/* n log2 n in 1/65536 bits, from a table: the same on every machine. */
static inline uint64_t cdt_n_log_n(uint32_t n)
{
    static const uint16_t fraction[65] = {
        0,     1466,  2909,  4331,  5732,  7112,  8473,  9814,  11136, 12440, 13727, 14996, 16248, 17484, 18704, 19909, 21098,
        22272, 23433, 24579, 25711, 26830, 27936, 29029, 30109, 31178, 32234, 33279, 34312, 35334, 36346, 37346, 38336, 39316,
        40286, 41246, 42196, 43137, 44068, 44990, 45904, 46809, 47705, 48593, 49472, 50344, 51207, 52063, 52911, 53751, 54584,
        55410, 56229, 57040, 57845, 58643, 59434, 60219, 60997, 61769, 62534, 63294, 64047, 64794, 65535};
    if (n < 2) return 0;
    const unsigned e = 31u - (unsigned)__builtin_clz(n);
    const uint32_t top = e >= 12 ? n >> (e - 12) : n << (12 - e), i = (top >> 6) & 63, within = top & 63;
    const uint32_t log = fraction[i] + ((fraction[i + 1] - fraction[i]) * within >> 6);
    return (uint64_t)n * (((uint64_t)e << 16) + log);
}

/* Frequencies that sum to CDT_SLOTS, at least 1 where the weight is not 0 (all 0 without any weight). */
void cdt_normalise(const uint32_t *weights, size_t symbols, uint16_t *frequencies);

/* Send the table of `counts`; `before` holds the bit lengths of a table sent earlier (NULL: none), `lengths` receives those of
 * this one. `out` NULL: only count. Returns the bits it takes. */
size_t cdt_table_write(const uint32_t *counts, size_t symbols, const uint8_t *before, uint8_t *lengths, cdt_bits_writer *out);
int cdt_table_read(cdt_bits_reader *in, size_t symbols, const uint8_t *before, uint8_t *lengths, uint16_t *frequencies);

/* What cdt_table_read finds where cdt_table_write sent `counts`. */
void cdt_table_received(const uint32_t *counts, size_t symbols, uint16_t *frequencies);

/* Whether the bits from the reader's place to the end of its byte are zeros. */
static inline int cdt_bits_are_spare(const cdt_bits_reader *in)
{
    return in->position % 8 == 0 || in->begin[in->position / 8] >> in->position % 8 == 0;
}

#endif
