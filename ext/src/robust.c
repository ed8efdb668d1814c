#include "cdt_robust.h"

/* What robust_tile.template.h lays out: a tile of numbers, one of keys and an address for each row, and a row of the largest number. */
size_t cdt_robust_work(size_t n)
{
    const size_t slots = n < CDT_ROBUST_NETWORK ? CDT_ROBUST_NETWORK : n;
    return CDT_ROBUST_TILE + slots * (2 * CDT_ROBUST_TILE + sizeof(void *));
}
