/* Which axes of a block are batch, z, y and x. */
#ifndef CDT_LAYOUT_H
#define CDT_LAYOUT_H
#include "cdt_array.h"
#include "cdt_bytes.h"

typedef struct {
    uint8_t order[CDT_AXES]; /* axes of the block in the order they are coded in, x last */
    size_t dim[4];           /* batch, z, y, x */
} cdt_layout;

/* A short last axis (colours, vertices, channels) comes first, so that rows are long. */
void cdt_layout_choose(cdt_layout *layout, const size_t *sides, unsigned axes);

/* Dimensions from the order: leading axes are joined to the batch, and so are z (and y) where `left_out` is 1 (2). */
void cdt_layout_measure(cdt_layout *layout, const size_t *sides, unsigned axes, unsigned left_out);

int cdt_layout_is_plain(const cdt_layout *layout, unsigned axes);
uint8_t *cdt_layout_put(uint8_t *at, const cdt_layout *layout, unsigned axes);
void cdt_layout_get(cdt_bytes *in, cdt_layout *layout, unsigned axes);

#endif
