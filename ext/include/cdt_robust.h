/* Robust rules by coordinate: for each column of a matrix that is given by its rows, what is left of the column when its wrong
 * values may be anything. Each family of kernels in ext/src/robust_<family>.template.h; every level gives the same bits.
 *
 * rows      n addresses, each of at least `columns` numbers of one type, aligned to the size of a number; no gaps between numbers
 * out       `columns` numbers of that type, no input
 * work      cdt_robust_work(n) bytes at least, aligned to 64
 *
 * Numbers are in total order: -0.0 is below 0.0. Where a column holds NaN or an infinity, a kernel stops and gives the first of a
 * few columns, one of which does; else it gives `columns`. What is before that is done. Nothing fails otherwise.
 */
#ifndef CDT_ROBUST_H
#define CDT_ROBUST_H
#include <stddef.h>
#include <stdint.h>
#include "cdt_levels.h"

/* Up to so many rows, columns are sorted by a network; above, values are counted. */
enum { CDT_ROBUST_NETWORK = 128, CDT_ROBUST_TILE = 512 };

/* For one type of numbers. */
typedef struct {
    /* The middle value; of an even n, the mean of the middle two in double precision, rounded. 1 <= n. */
    size_t (*median)(const void *const *rows, size_t n, size_t columns, void *out, void *work);
    /* The value of the vote in the middle, of rows that have so many votes each: int32_t for floats, int64_t for doubles, 1 at least,
     * and fewer than 2^31 or 2^53 in all. Of an even number, the mean of the middle two as above. */
    size_t (*weighted_median)(const void *const *rows, size_t n, size_t columns, const void *votes, void *out, void *work);
    /* The mean without the c lowest and the c highest values, 2 c < n; never outside of those that are kept. Not the sum of doubles
     * in some order: values are added as multiples of 2^-51 of the largest that is kept (2^-50 above 2,048 rows, and so on). */
    size_t (*trimmed)(const void *const *rows, size_t n, size_t columns, size_t c, void *out, void *work);
    /* The sum of shares[i] * rows[i], each product and sum rounded in double precision, in the order of the rows; shares are >= 0 and
     * sum up to 1. Never outside of the values whose share is not 0. */
    size_t (*mean)(const void *const *rows, size_t n, size_t columns, const double *shares, void *out, void *work);
} cdt_robust_kernels;

struct cdt_kernels {
    cdt_robust_kernels robust[2]; /* of floats, of doubles */
};

/* Bytes of work space for n rows of either type: about a thousand for each row. */
size_t cdt_robust_work(size_t n);

#endif
