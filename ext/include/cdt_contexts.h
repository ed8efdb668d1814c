/* Tokens of a pyramid of residuals, each coded with the table of its context: how large the tokens around it are that are known
 * before its row is. A plain field of residuals is a pyramid that is not split.
 */
#ifndef CDT_CONTEXTS_H
#define CDT_CONTEXTS_H
#include "cdt_pyramid.h"
#include "cdt_rans.h"
#include "cdt_rows.h"
#include <stddef.h>
#include <stdint.h>

/* What the activity of a place is a sum of: the row above (its three next tokens), the plane before, and the points around it at
 * coarser levels; weights sum to 8. `lagged`: the two rows above instead of three tokens of one (rows that interleave a series). */
typedef struct {
    uint8_t above, before, around, shift, lagged;
} cdt_recipe;

/* The next rows of tokens of a segment, `rows` of `cols` each that lie `stride` apart, whose neighbours lie alike. */
typedef struct {
    uint8_t *row;
    size_t cols, stride, rows;
    cdt_neighbours near; /* of `row` */
} cdt_token_rows;

/* The first of them is done: on to the one after it. */
static inline void cdt_token_rows_step(cdt_token_rows *next)
{
    next->row += next->stride;
    next->rows--;
    cdt_neighbours_step(&next->near, next->stride);
}

typedef struct {
    /* Rows of tokens and their padding, until there are none; table: by activity. `contexts`: work space for one row and CDT_SPARE. */
    void (*decode_rows)(cdt_rans_reader *reader, const uint32_t *slots, const uint8_t table[256], cdt_token_rows *next,
                        uint8_t *contexts);
} cdt_context_kernels;

/* Rows of tokens have the padding of rows of values; `tokens`, and `activity`, which is work space, have pyramid->values bytes and twice
 * CDT_SPARE (cdt_rows.h). Returns the bytes written to `out`, which has room for cdt_contexts_bound(pyramid) bytes; 0 without memory. */
size_t cdt_contexts_bound(const cdt_pyramid *pyramid);
size_t cdt_contexts_encode(const cdt_pyramid *pyramid, const cdt_recipe *recipe, uint8_t *tokens, uint8_t *activity, uint8_t *out);

/* Tokens of `length` bytes, 0 in the padding of rows; of segments of that level and coarser ones only. `tokens` has the same room.
 * CDT_CORRUPT: they are not those of this pyramid. */
int cdt_contexts_decode(const cdt_pyramid *pyramid, const uint8_t *in, size_t length, unsigned most_tokens, unsigned level,
                        uint8_t *tokens);

#endif
