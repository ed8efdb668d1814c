#include "cdt_layout.h"
#include <string.h>

int cdt_layout_is_plain(const cdt_layout *l, unsigned axes)
{
    for (unsigned a = 0; a < axes; a++)
        if (l->order[a] != a) return 0;
    return 1;
}

void cdt_layout_measure(cdt_layout *l, const size_t *sides, unsigned axes, unsigned left_out)
{
    size_t all[CDT_AXES];
    for (unsigned a = 0; a < axes; a++) all[a] = sides[l->order[a]];
    const unsigned spatial = axes < 3 - left_out ? axes : 3 - left_out;
    for (int a = 0; a < 4; a++) l->dim[a] = 1;
    for (unsigned a = 0; a < spatial; a++) l->dim[3 - a] = all[axes - 1 - a];
    for (unsigned a = 0; a + spatial < axes; a++) l->dim[0] *= all[a];
}

void cdt_layout_choose(cdt_layout *l, const size_t *sides, unsigned axes)
{
    for (unsigned a = 0; a < axes; a++) l->order[a] = (uint8_t)a;
    for (unsigned turn = 0; turn + 1 < axes; turn++) {
        size_t longest = 0;
        for (unsigned a = 0; a + 1 < axes; a++)
            if (sides[l->order[a]] > longest) longest = sides[l->order[a]];
        const uint8_t last = l->order[axes - 1];
        if (sides[last] >= 16 || longest < 2 * sides[last]) break;
        memmove(l->order + 1, l->order, axes - 1);
        l->order[0] = last;
    }
}

uint8_t *cdt_layout_put(uint8_t *at, const cdt_layout *l, unsigned axes)
{
    uint32_t number = 0;
    for (unsigned a = 0; a < axes; a++) number = number * 8 + l->order[a];
    return cdt_put_number(at, number);
}

void cdt_layout_get(cdt_bytes *in, cdt_layout *l, unsigned axes)
{
    uint64_t number = cdt_get_number(in);
    unsigned seen = 0;
    for (unsigned a = axes; a-- > 0; number >>= 3) {
        l->order[a] = number & 7;
        seen |= 1u << l->order[a];
    }
    if (seen != (1u << axes) - 1 || number) {
        in->corrupt = 1;
        for (unsigned a = 0; a < axes; a++) l->order[a] = (uint8_t)a;
    }
}
