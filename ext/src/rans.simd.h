/* Rows of interleaved rANS, and then tokens and extra bits; cdt_rans.h is the contract. */

/* The state after a symbol; its word, if any, goes below *at. */
static inline uint32_t LEVEL(rans_put)(uint32_t x, cdt_rans_entry entry, uint8_t **at)
{
    const uint32_t rest = entry.packed >> 20; /* 4096 - frequency: x >= frequency << 19 when the sum reaches 2^31 */
    const uint32_t full = (x + (rest << 19)) >> 31;
    (*at)[-2] = (uint8_t)x;
    (*at)[-1] = (uint8_t)(x >> 8);
    *at -= 2 * full;
    x >>= 16 * full;
    const uint32_t quotient = (uint32_t)((uint64_t)x * entry.reciprocal >> 32) >> (entry.packed >> 13 & 15);
    return x + (entry.packed & 0x1fff) + quotient * rest;
}

#if CDT_SIMD != 2
/* A row of any number of states. */
static void LEVEL(rans_encode_states)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices,
                                     size_t n)
{
    uint32_t states[CDT_STATES];
    uint8_t *at = writer->at;
    const unsigned last = writer->count - 1;
    memcpy(states, writer->states, sizeof states);
    for (size_t i = n; i-- > 0;)
        states[i & last] = LEVEL(rans_put)(states[i & last], entries[indices[i]], &at);
    memcpy(writer->states, states, sizeof states);
    writer->at = at;
}
#endif

/* The state before it takes a word. */
static inline uint32_t LEVEL(rans_step)(uint32_t x, uint32_t slot)
{
    return ((slot >> 20) + 1) * (x >> CDT_RANS_BITS) + (slot >> 8 & 0xfff);
}

/* Symbols [from, n) of a row: any number of states, and any number of words left. */
static void LEVEL(rans_decode_states)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens,
                                     size_t n, size_t from)
{
    const unsigned last = reader->count - 1;
    const uint8_t *at = reader->at, *const end = reader->end;
    uint32_t states[CDT_STATES];
    memcpy(states, reader->states, sizeof states);
    size_t i = from;
    /* While as many words are left as symbols: no look at the end, and no branch, which nothing could foresee. */
    while (i < n && at < end) {
        const size_t left = (size_t)(end - at) / 2, stop = n - i < left ? n : i + left;
        for (; i < stop; i++) {
            const uint32_t x = states[i & last], slot = slots[(size_t)contexts[i] << CDT_RANS_BITS | (x & (CDT_SLOTS - 1))];
            const uint32_t next = LEVEL(rans_step)(x, slot), empty = 0u - ((next - CDT_RANS_LOW) >> 31);
            const uint32_t wide = next << 16 | (uint32_t)at[1] << 8 | at[0];
            tokens[i] = (uint8_t)slot;
            states[i & last] = next ^ (empty & (next ^ wide));
            at += empty & 2;
        }
    }
    for (; i < n; i++) {
        const uint32_t x = states[i & last], slot = slots[(size_t)contexts[i] << CDT_RANS_BITS | (x & (CDT_SLOTS - 1))];
        const uint32_t next = LEVEL(rans_step)(x, slot);
        tokens[i] = (uint8_t)slot;
        reader->corrupt |= next < CDT_RANS_LOW;
        states[i & last] = next < CDT_RANS_LOW ? next << 16 : next;
    }
    memcpy(reader->states, states, sizeof states);
    reader->at = at;
}

#if CDT_SIMD == 512
#include "rans_512.h"
#elif CDT_SIMD == 2
#include "rans_avx2.h"
#else
static void LEVEL(rans_encode_row)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices, size_t n)
{
    LEVEL(rans_encode_states)(writer, entries, indices, n);
}

static void LEVEL(rans_decode_row)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens,
                                   size_t n)
{
    LEVEL(rans_decode_states)(reader, slots, contexts, tokens, n, 0);
}
#endif

#include "tokens.simd.h"
