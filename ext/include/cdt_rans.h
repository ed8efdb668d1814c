/* Tokens of residuals, and their interleaved range coding (rANS: Duda 2013, arXiv 1311.2540) with a table per context.
 *
 * A residual r of w bits is zigzagged, u = (r << 1) ^ (r >> (w - 1)). u < 16 is its own token without extra bits. Otherwise, with
 * e = floor(log2 u), the token is 16 + 2 (e - 4) + (bit e - 1 of u), and the e - 1 bits below are extra, stored as they are:
 * at most 72 tokens for 4-byte residuals, 136 for 8-byte ones.
 *
 * Symbols are bytes, frequencies sum to 4096. Rows are coded by CDT_LANES interleaved states: symbol i of a row by state
 * i mod CDT_LANES, so that each row starts with state 0. A state is in [2^15, 2^31); a decoder's step is
 *     slot = x mod 4096; x = frequency * (x div 4096) + slot - start; if x < 2^15: x = x * 2^16 + next 16-bit word (little-endian)
 * where words are taken in the order of symbols within each group of CDT_LANES. The states begin (for the decoder) with the values
 * stored by the encoder, and must end at 2^15 each, with every word taken.
 */
#ifndef CDT_RANS_H
#define CDT_RANS_H
#include <stddef.h>
#include <stdint.h>

#define CDT_LANES 32
#define CDT_RANS_BITS 12
#define CDT_SLOTS 4096
#define CDT_RANS_LOW (1u << 15)

/* One symbol of one context, for encoders: frequency, start, and what replaces the division by the frequency. */
typedef struct {
    uint32_t reciprocal, packed;
} cdt_rans_entry;

/* Encoders write words downwards: the finished stream is [at, end) with the states in front (cdt_rans_finish). */
typedef struct {
    uint32_t states[CDT_LANES];
    uint8_t *at;
} cdt_rans_writer;

typedef struct {
    uint32_t states[CDT_LANES];
    const uint8_t *at, *end;
    int corrupt; /* set, and stays set, when a word is missing; symbols are then arbitrary, and nothing outside is read */
} cdt_rans_reader;

/* Extra bits: the lowest bit of the first byte is first. Writers and readers have 8 spare bytes or check. */
typedef struct {
    uint8_t *at;
    uint64_t pending;
    unsigned count;
} cdt_bits_writer;

typedef struct {
    const uint8_t *begin, *end;
    uint64_t position; /* in bits */
    int corrupt;       /* set, and stays set, when bits are missing; the residuals are then arbitrary */
} cdt_bits_reader;

typedef struct {
    /* Rows are encoded from the last to the first. contexts[i] * symbols + tokens[i] is the entry of token i. */
    void (*encode_row)(cdt_rans_writer *writer, const cdt_rans_entry *entries, size_t symbols, const uint8_t *contexts,
                       const uint8_t *tokens, size_t n);
    /* slots: CDT_SLOTS of each context after one another: symbol | (frequency - 1) << 8 | (slot - start) << 20. */
    void (*decode_row)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens, size_t n);
    /* Tokens of residuals in order, their extra bits appended: at most 4 (8) bytes a residual. */
    void (*split_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra);
    void (*join_4)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int32_t *residuals);
    void (*split_8)(const int64_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra);
    void (*join_8)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int64_t *residuals);
} cdt_rans_kernels;

/* `frequencies` of one context (sum CDT_SLOTS; 0: the symbol does not occur) as entries for an encoder, or slots for a decoder. */
void cdt_rans_entries(const uint16_t *frequencies, size_t symbols, cdt_rans_entry *entries);
void cdt_rans_slots(const uint16_t *frequencies, size_t symbols, uint32_t *slots);

/* Start a stream that ends (exclusively) at `end`, and finish it: the states of the first `lanes` lanes, 4 bytes each, come before
 * the words. Returns where the stream begins. Only rows of at most `lanes` symbols may have been coded with fewer lanes. */
void cdt_rans_start(cdt_rans_writer *writer, uint8_t *end);
uint8_t *cdt_rans_finish(cdt_rans_writer *writer, unsigned lanes);

/* Open the stream of `length` bytes; after the last row, cdt_rans_close says whether it ended as the encoder began. */
int cdt_rans_open(cdt_rans_reader *reader, const uint8_t *in, size_t length, unsigned lanes);
int cdt_rans_close(const cdt_rans_reader *reader);

void cdt_bits_start(cdt_bits_writer *writer, uint8_t *out);
uint8_t *cdt_bits_finish(cdt_bits_writer *writer);

#endif
