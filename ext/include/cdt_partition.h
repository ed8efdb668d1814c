/* Partitions of the rows of a table of codes: Mondrian cuts under k, l and t, classes of equal rows, and what classes keep.
 *
 * A table has `rows` rows of `stride` codes each, a multiple of 8 (what is beyond `columns` is 0), uint16 or uint32 throughout; codes
 * of column c are below sizes[c]. rows < 2^32 - 1. Nothing here allocates: the caller gives the work arrays. All levels
 * (cdt_levels.h) cut alike.
 */
#ifndef CDT_PARTITION_H
#define CDT_PARTITION_H
#include <stddef.h>
#include <stdint.h>
#include "cdt_levels.h"
#include "cdt_pause.h"

/* Sensitive codes and what each class must keep of them (0, or t < 0: nothing). `counts` are those of the whole table by code, below
 * `size`; below[i] is the number of rows with codes up to i, sums[i] the sum of below[0 .. i - 1] (size + 1 numbers); logs[i] is
 * i log i, for i below `log_count` (> 0). */
typedef struct {
    const uint32_t *codes; /* by row */
    const double *counts, *below, *sums, *logs;
    uint32_t size, log_count;
    int ordered;    /* distance of t: 1 ordered, 0 equal */
    uint32_t least; /* distinct l */
    double entropy; /* log of the entropy l */
    double t;
} cdt_sensitive;

/* Of the rows of one class: values that differ, entropy in nats, distance from the whole table. */
typedef struct {
    uint32_t distinct;
    double entropy, distance;
} cdt_class_measures;

/* `values`, `counts`, `left`, `right`, `sorted`: `rows` + 1 numbers each; `tally` twice as many zeros as the
 * largest size, zeros again after. Steps of `pause` are rows, of 8 columns where all are looked at, and codes. */
typedef struct {
    uint32_t *values, *counts, *left, *right, *sorted, *tally;
    cdt_pause *pause;
} cdt_partition_work;

typedef struct {
    size_t rows, columns, stride;
    void *codes, *spare;
    uint32_t *order, *spare_order; /* the row that each place holds; places of a class are neighbours at the end */
    const double *places;          /* code v of column c is at places[first[c] + v]: ranges are as wide as their ends are apart */
    const uint64_t *first;
} cdt_partition_table;

typedef struct {
    size_t least;  /* k > 0 */
    int relaxed;   /* rows of the median code may be on both sides */
    uint32_t cuts; /* of a column, tried from the median outwards where l or t are demanded */
    const cdt_sensitive *sensitive;
    size_t sensitive_count;
} cdt_partition_rule;

/* Where cutting is. Parts wait on a stack of (start, stop), at most rows / least + 1; classes that are done are in `starts` (as many
 * + 1), `lows` and `highs` (x columns); `classes` (rows) has the class of each row; `scratch` is of 3 x stride codes. */
typedef struct {
    uint64_t *stack;
    void *scratch;
    size_t waiting, done;
    uint64_t *starts;
    uint32_t *lows, *highs, *classes;
} cdt_partition_course;

struct cdt_kernels {
    /* Cut until nothing waits; -1: it was ended. */
    int (*cut_u2)(const cdt_partition_table *, const cdt_partition_rule *, cdt_partition_work, cdt_partition_course *);
    int (*cut_u4)(const cdt_partition_table *, const cdt_partition_rule *, cdt_partition_work, cdt_partition_course *);
};

/* Distinct values of x (n > 0), ascending, into work.values, and how often each is there into work.counts; returns how many. x changes.
 * x may be work.left or work.right. Values are low to high. */
size_t cdt_partition_runs(uint32_t *x, size_t n, uint32_t low, uint32_t high, cdt_partition_work work);

/* Measures of the n sensitive codes whose runs are in work. */
cdt_class_measures cdt_partition_measures(const cdt_sensitive *s, size_t runs, size_t n, cdt_partition_work work);

/* Runs of a tally of codes below `size`, into work.values and work.counts; zeros are left. */
size_t cdt_partition_tallied(uint32_t *tally, size_t size, cdt_partition_work work);

/* 1 where a class of n codes keeps what is demanded of it: given their runs in work, or themselves (x changes). */
int cdt_partition_keeps_runs(const cdt_sensitive *s, size_t runs, size_t n, cdt_partition_work work);
int cdt_partition_keeps(const cdt_sensitive *s, uint32_t *x, size_t n, cdt_partition_work work);

/* Class of each of `rows` rows of `bytes` bytes (a multiple of 16), in the order of their first rows; returns how many. `table` has
 * `slots` zeros, a power of two above rows; firsts (rows) gets the first row of each class. -1: it was ended. */
ptrdiff_t cdt_partition_classes(const uint8_t *codes, size_t rows, size_t bytes, uint64_t *table, size_t slots, uint32_t *firsts,
                                uint32_t *classes, cdt_pause *pause);

/* Rows by class, in their order: places of class g are starts[g] to before starts[g + 1]; starts (count + 1). -1: it was ended. */
int cdt_partition_by_class(const uint32_t *classes, size_t rows, size_t count, uint64_t *starts, uint32_t *order, cdt_pause *pause);

/* Measures of each of `count` classes. -1: it was ended. */
int cdt_partition_measure(const cdt_sensitive *s, const uint32_t *order, const uint64_t *starts, size_t count, cdt_partition_work work,
                          cdt_class_measures *measures);

#endif
