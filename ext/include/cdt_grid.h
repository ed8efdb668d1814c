/* Hidden grids: numbers that are all some origin plus whole multiples of one step (decimals, counts, packed integers). */
#ifndef CDT_GRID_H
#define CDT_GRID_H
#include "cdt_map.h"

/* Find the grid of binary32 or binary64 `values` in a sample. `slack`: how far a number may be from its place (0: not at all).
 * Returns 1, and the map's step and offset (its kind and width are for codes of 4 bytes), or 0. */
int cdt_find_grid(cdt_type type, const void *values, size_t n, double slack, cdt_map *map);

#endif
