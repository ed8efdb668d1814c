#include "cdt_robust.h"

size_t cdt_robust_work(size_t n)
{
    const size_t network = 3 * (size_t)CDT_ROBUST_NETWORK * CDT_ROBUST_TILE;
    const size_t counted = (n + CDT_ROBUST_NETWORK) * CDT_ROBUST_TILE;
    return n <= CDT_ROBUST_NETWORK ? network : network + counted;
}
