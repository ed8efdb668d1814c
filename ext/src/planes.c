#include "cdt_planes.h"

size_t cdt_planes_bound(size_t n, size_t width)
{
    /* Symbols, words and bits of every group, each with room for the worst: more than is left when they are put together. */
    const size_t groups = n / 64 + 1;
    return (2 * groups + 64) + (64 * width * groups + 64) + ((64 * width + 16) * groups + 64);
}
