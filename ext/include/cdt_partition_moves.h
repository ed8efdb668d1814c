/* Simulated annealing of a partition: rows move between classes, or two change places, while every class keeps k, l and t. */
#ifndef CDT_PARTITION_MOVES_H
#define CDT_PARTITION_MOVES_H
#include "cdt_partition.h"

/* The partition, which the moves change. The loss is the sum over classes of rows x (sum over columns of what the class covers):
 * of a range its width, at most 1; of a set its size / values, 0 for one value, 1 where it also holds missing ones.
 *
 * `cells` (rows x stride, a multiple of 8; 0 beyond the columns) are places on lines; `masks` (rows x sets) one bit each, `missing`
 * (sets) the bit of missing values or 0, `shares` (sets) 1 / values. Rows of a class are linked: heads (classes), next, previous
 * (rows), CDT_NO_ROW at the ends. `lows`, `highs` (classes x stride), `unions` (classes x sets) and `losses` (classes, without the
 * factor of rows) are those of the classes. `orders` (count x rows) has rows in several orders in which neighbours are alike,
 * `ranks` (count x rows) the place of each row there; partners are at most `window` places away. */
typedef struct {
    size_t rows, classes, stride, sets;
    const float *cells;
    const uint64_t *masks, *missing;
    const double *shares;
    uint32_t *class, *sizes, *heads, *next, *previous;
    float *lows, *highs;
    uint64_t *unions;
    double *losses;
    const uint32_t *orders, *ranks;
    size_t order_count, window;
    size_t least;
    const cdt_sensitive *sensitive;
    size_t sensitive_count;
    uint64_t random; /* not 0 */
} cdt_partition_moves;

#define CDT_NO_ROW UINT32_MAX

/* Lists, bounds and losses from `class`. */
void cdt_partition_moves_begin(cdt_partition_moves *m);

/* So many proposals at one temperature (>= 0); returns how many were taken, -1: it was ended. scratch: 4 x stride floats and
 * 2 x sets masks. */
ptrdiff_t cdt_partition_moves_run(cdt_partition_moves *m, size_t proposals, double temperature, cdt_partition_work work, float *scratch,
                                  uint64_t *mask_scratch);

/* The loss as it is. */
double cdt_partition_moves_loss(const cdt_partition_moves *m);

#endif
