/* Rows of tokens and what is around them, for encoders and decoders. */
#ifndef CDT_CONTEXT_ROWS_H
#define CDT_CONTEXT_ROWS_H
#include "cdt_rows.h"
#include "context_tables.h"

static inline size_t cdt_groups_of(const cdt_segment *segment)
{
    return (segment->dim[3] + GROUP - 1) / GROUP;
}

/* Places of a row that are not silent, from the first after `*to` on. 0: there are none. */
static inline int cdt_next_loud(const uint8_t *loud, size_t groups, size_t cols, size_t *from, size_t *to)
{
    size_t g = (*to + GROUP - 1) / GROUP;
    while (g < groups && !loud[g]) g++;
    if (g == groups) return 0;
    *from = g * GROUP;
    while (g < groups && loud[g]) g++;
    *to = g < groups ? g * GROUP : cols;
    return 1;
}

/* Which tables a segment has. */
unsigned cdt_context_kind(const cdt_pyramid *pyramid, const cdt_segment *segment);

/* The rows of tokens around row `index` of a segment, of which `near` are those of other classes. Weights of what is not there go to
 * what is. */
void cdt_context_neighbours(const cdt_around *near, const cdt_segment *segment, size_t index, const cdt_recipe *recipe,
                            const uint8_t *tokens, cdt_neighbours *from);

/* How many rows from row `index` on have neighbours that are those of the row before, a row further each; at least 1. */
static inline size_t cdt_context_together(const cdt_around *near, const cdt_segment *segment, size_t index)
{
    const size_t y = index % segment->dim[2], end = segment->class_bits ? near->inner_to : segment->dim[2];
    return y < 2 || (segment->class_bits && y < near->inner_from) || y >= end ? 1 : end - y;
}

/* Before segment `s`: where a level begins, the grid of the level before becomes one array of tokens. */
void cdt_context_merge(const cdt_pyramid *pyramid, unsigned s, uint8_t *tokens);

#endif
