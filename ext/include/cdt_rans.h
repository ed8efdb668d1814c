/* Tokens of residuals, and their interleaved range coding (rANS: Duda 2013, arXiv 1311.2540) with a table per context.
 *
 * A residual r of w bits is zigzagged, u = (r << 1) ^ (r >> (w - 1)). u < 16 is its own token without extra bits. Otherwise, with
 * e = floor(log2 u), the token is 16 + 2 (e - 4) + (bit e - 1 of u), and the e - 1 bits below are extra, stored as they are:
 * at most 72 tokens for 4-byte residuals, 136 for 8-byte ones.
 *
 * Symbols are bytes, frequencies sum to 4096. A stream has 4, 8, 16, 32 or 64 states (few for short arrays, whose size they would
 * else be), each in [2^15, 2^31). Symbol i of a row belongs to state i mod states, so that each row starts with state 0. A decoder's
 * step is
 *     slot = x mod 4096; x = frequency * (x div 4096) + slot - start; if x < 2^15: x = x * 2^16 + next word
 * The stream: the states that the decoder begins with, 4 bytes each, then the words, 2 bytes each, in the order of symbols; all
 * little-endian. States must end at 2^15 each, with every word taken.
 */
#ifndef CDT_RANS_H
#define CDT_RANS_H
#include <stddef.h>
#include <stdint.h>

#define CDT_STATES 64 /* at most; the more, the faster */
#define CDT_RANS_BITS 12
#define CDT_SLOTS 4096
#define CDT_RANS_LOW (1u << 15)
#define CDT_RANS_SPARE 64 /* bytes below a stream that its encoder may overwrite */
#define CDT_TOKENS_4 72
#define CDT_TOKENS_8 136

/* One symbol of one context, for encoders. The quotient x div frequency is (x * reciprocal) >> 32 >> shift; for frequency 1 it is one
 * too small, which bias makes up for: the new state is x + bias + quotient * (4096 - frequency).
 * packed: bias (start, or start + 4095 for frequency 1) | shift << 13 | (4096 - frequency) << 20. */
typedef struct {
    uint32_t reciprocal, packed;
} cdt_rans_entry;

/* Encoders write words downwards: words are [at, end). */
typedef struct {
    uint32_t states[CDT_STATES];
    unsigned count; /* of states */
    uint8_t *at;
} cdt_rans_writer;

typedef struct {
    uint32_t states[CDT_STATES];
    unsigned count; /* of states */
    int corrupt; /* set, and stays set, when a word is missing; symbols are then arbitrary, and nothing outside is read */
    const uint8_t *at, *end;
} cdt_rans_reader;

/* Extra bits: the lowest bit of the first byte is first. Writers may write up to 8 bytes beyond the bits they hold. */
typedef struct {
    uint8_t *at;
    uint64_t pending; /* `count` bits (below 64) that are not at `at` yet */
    unsigned count;
} cdt_bits_writer;

typedef struct {
    const uint8_t *begin, *end;
    uint64_t position; /* in bits */
    int corrupt;       /* set, and stays set, when bits are missing; the residuals are then arbitrary */
} cdt_bits_reader;

typedef struct {
    /* Rows are encoded from the last to the first. indices[i] is where the entry of token i is; its frequency is not 0. At most one
     * word for each token; the CDT_RANS_SPARE bytes below the words may be overwritten. */
    void (*encode_row)(cdt_rans_writer *writer, const cdt_rans_entry *entries, const uint16_t *indices, size_t n);
    /* slots: CDT_SLOTS of each context after one another: symbol | (slot - start) << 8 | (frequency - 1) << 20. */
    void (*decode_row)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t *contexts, uint8_t *tokens, size_t n);
    /* Tokens of residuals in order, their extra bits appended: at most 4 (8) bytes a residual. */
    void (*split_4)(const int32_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra);
    /* Tokens of CDT_TOKENS_4 (_8) and above set corrupt. */
    void (*join_4)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int32_t *residuals);
    void (*split_8)(const int64_t *residuals, size_t n, uint8_t *tokens, cdt_bits_writer *extra);
    void (*join_8)(const uint8_t *tokens, size_t n, cdt_bits_reader *extra, int64_t *residuals);
} cdt_rans_kernels;

/* `frequencies` of one context (0: the symbol does not occur) as entries for an encoder, or CDT_SLOTS slots for a decoder.
 * CDT_BAD_ARGUMENT (entries) or CDT_CORRUPT (slots): more than 256 symbols, or the sum is not CDT_SLOTS. */
int cdt_rans_entries(const uint16_t *frequencies, size_t symbols, cdt_rans_entry *entries);
int cdt_rans_slots(const uint16_t *frequencies, size_t symbols, uint32_t *slots);

/* Bytes that encoding `n` symbols may touch below the end of a stream: states, words and CDT_RANS_SPARE. */
size_t cdt_rans_bound(size_t n, unsigned states);

/* Start a stream that ends (exclusively) at `end`. CDT_BAD_ARGUMENT: there are not 4, 8, 16, 32 or 64. Finish puts the states in front
 * of the words, and returns where the stream begins. */
int cdt_rans_start(cdt_rans_writer *writer, uint8_t *end, unsigned states);
uint8_t *cdt_rans_finish(cdt_rans_writer *writer);

/* Open the stream of `length` bytes (CDT_CORRUPT: no such number of states, length or states); after the last row, cdt_rans_close
 * says whether it ended as the encoder began (CDT_CORRUPT: it did not). */
int cdt_rans_open(cdt_rans_reader *reader, const uint8_t *in, size_t length, unsigned states);
int cdt_rans_close(const cdt_rans_reader *reader);

/* Finish writes the pending bits, the last byte filled up with zeros, and returns its end. */
void cdt_bits_start(cdt_bits_writer *writer, uint8_t *out);
uint8_t *cdt_bits_finish(cdt_bits_writer *writer);

/* Close: CDT_CORRUPT where bits were missing, bytes are left, or the bits after the last are not zeros. */
void cdt_bits_open(cdt_bits_reader *reader, const uint8_t *in, size_t length);
int cdt_bits_close(const cdt_bits_reader *reader);

#endif
