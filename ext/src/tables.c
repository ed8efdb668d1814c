#include "cdt_tables.h"
#include "cdt_rans.h"
#include "cdt_status.h"
#include <string.h>

/* Frequencies are sent as bit length and at most so many bits below the leading one. */
enum { MANTISSA = 3, LONGEST = 13 };

void cdt_normalise(const uint32_t *weights, size_t symbols, uint16_t *frequencies)
{
    uint64_t total = 0;
    size_t used = 0, most = 0;
    for (size_t i = 0; i < symbols; i++) {
        total += weights[i];
        used += weights[i] > 0;
        if (weights[i] > weights[most]) most = i;
    }
    memset(frequencies, 0, symbols * sizeof *frequencies);
    if (!used) return;
    /* One slot for each symbol, the rest by weight: the sum is at most CDT_SLOTS, and what is left goes to the largest. */
    uint32_t left = CDT_SLOTS;
    const uint64_t rest = CDT_SLOTS - used;
    for (size_t i = 0; i < symbols; i++) {
        if (!weights[i]) continue;
        const uint64_t share = weights[i] * (uint64_t)CDT_SLOTS / total;
        frequencies[i] = (uint16_t)(share > 1 ? share : 1);
    }
    uint32_t sum = 0;
    for (size_t i = 0; i < symbols; i++) sum += frequencies[i];
    if (sum > CDT_SLOTS) { /* many rare symbols: share only what their single slots leave */
        sum = 0;
        for (size_t i = 0; i < symbols; i++) {
            if (!weights[i]) continue;
            frequencies[i] = (uint16_t)(1 + weights[i] * rest / total);
            sum += frequencies[i];
        }
    }
    left -= sum;
    frequencies[most] = (uint16_t)(frequencies[most] + left);
}

static unsigned bit_length(uint32_t x)
{
    unsigned n = 0;
    while (x) {
        n++;
        x >>= 1;
    }
    return n;
}

static uint32_t mantissa_bits(unsigned length)
{
    return length < 2 ? 0 : length - 1 < MANTISSA ? length - 1 : MANTISSA;
}

/* The middle of the frequencies that share a length and leading bits, times two. */
static uint32_t weight_of(unsigned length, uint32_t top)
{
    if (length == 0) return 0;
    const unsigned bits = mantissa_bits(length), below = length - 1 - bits;
    const uint32_t low = (1u << bits | top) << below;
    return 2 * low + (1u << below) - 1 + (below == 0);
}

static unsigned predicted_length(const uint8_t *before, const uint8_t *lengths, size_t symbol)
{
    if (before) return before[symbol];
    return symbol ? lengths[symbol - 1] : LONGEST - 2;
}

/* Code of a difference in lengths: zigzag, then that many zero bits and a one. */
static unsigned difference_code(unsigned length, unsigned predicted)
{
    const int d = (int)length - (int)predicted;
    return d >= 0 ? 2u * (unsigned)d : 2u * (unsigned)-d - 1u;
}

size_t cdt_table_write(const uint32_t *counts, size_t symbols, const uint8_t *before, uint8_t *lengths, cdt_bits_writer *out)
{
    uint16_t frequencies[CDT_SYMBOLS];
    size_t bits = 0;
    cdt_normalise(counts, symbols, frequencies);
    for (size_t i = 0; i < symbols; i++) {
        const unsigned length = bit_length(frequencies[i]), extra = mantissa_bits(length);
        const unsigned zeros = difference_code(length, predicted_length(before, lengths, i));
        lengths[i] = (uint8_t)length;
        if (out) {
            cdt_bits_put(out, (uint64_t)1 << zeros, zeros + 1);
            cdt_bits_put(out, length ? (frequencies[i] >> (length - 1 - extra)) & ((1u << extra) - 1) : 0, extra);
        }
        bits += zeros + 1 + extra;
    }
    return bits;
}

int cdt_table_read(cdt_bits_reader *in, size_t symbols, const uint8_t *before, uint8_t *lengths, uint16_t *frequencies)
{
    uint32_t weights[CDT_SYMBOLS];
    int any = 0;
    for (size_t i = 0; i < symbols; i++) {
        const unsigned predicted = predicted_length(before, lengths, i);
        unsigned zeros = 0;
        while (zeros <= 2 * LONGEST && !cdt_bits_get(in, 1)) zeros++;
        const int length = (int)predicted + ((zeros & 1) ? -(int)((zeros + 1) / 2) : (int)(zeros / 2));
        if (in->corrupt || length < 0 || length > LONGEST) return CDT_CORRUPT;
        lengths[i] = (uint8_t)length;
        weights[i] = weight_of((unsigned)length, (uint32_t)cdt_bits_get(in, mantissa_bits((unsigned)length)));
        any |= length > 0;
    }
    if (!any || in->corrupt) return CDT_CORRUPT;
    cdt_normalise(weights, symbols, frequencies);
    return CDT_OK;
}

void cdt_table_received(const uint32_t *counts, size_t symbols, uint16_t *frequencies)
{
    uint32_t weights[CDT_SYMBOLS];
    cdt_normalise(counts, symbols, frequencies);
    for (size_t i = 0; i < symbols; i++) {
        const unsigned length = bit_length(frequencies[i]), extra = mantissa_bits(length);
        weights[i] = weight_of(length, length ? (frequencies[i] >> (length - 1 - extra)) & ((1u << extra) - 1) : 0);
    }
    cdt_normalise(weights, symbols, frequencies);
}
