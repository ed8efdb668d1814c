#include "cdt_partition.h"
#include <math.h>
#include <string.h>

/* What rounding may take from entropies and distances that are exactly as demanded. */
#define ROUNDING 5e-13
#define FEW 32
#define VERY_FEW 6
/* Steps that a logarithm, or a search, takes. */
#define LONG 8

static void sort_few(uint32_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t value = x[i];
        size_t j = i;
        for (; j > 0 && x[j - 1] > value; j--) x[j] = x[j - 1];
        x[j] = value;
    }
}

/* By bytes from the least, as far as `high` has any; the result is in x. */
static void sort_many(uint32_t *x, size_t n, uint32_t high, cdt_partition_work work)
{
    uint32_t *from = x, *to = work.sorted;
    for (int shift = 0; shift < 32 && high >> shift; shift += 8) {
        size_t at[256] = {0}, sum = 0;
        CDT_IN_PIECES(i, n, 1, work.pause) at[from[i] >> shift & 255]++;
        for (int b = 0; b < 256; b++) {
            size_t count = at[b];
            at[b] = sum;
            sum += count;
        }
        CDT_IN_PIECES(i, n, 1, work.pause) to[at[from[i] >> shift & 255]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != x) memcpy(x, from, n * sizeof *x);
}

static size_t runs_by_sorting(uint32_t *x, size_t n, uint32_t high, cdt_partition_work work)
{
    size_t runs = 0;
    if (n <= FEW)
        sort_few(x, n);
    else
        sort_many(x, n, high, work);
    for (size_t i = 0, j; i < n && !work.pause->ended; i = j) {
        for (j = i + 1; j < n && x[j] == x[i]; j++) {}
        work.values[runs] = x[i];
        work.counts[runs++] = (uint32_t)(j - i);
        if (n > FEW) cdt_spend(work.pause, j - i);
    }
    return runs;
}

size_t cdt_partition_tallied(uint32_t *tally, size_t size, cdt_partition_work work)
{
    size_t runs = 0;
    CDT_IN_PIECES(v, size, 1, work.pause) {
        /* No branch: which values are there is hard to foresee. Beyond the last run is room for one more. */
        work.values[runs] = (uint32_t)v;
        work.counts[runs] = tally[v];
        runs += tally[v] > 0;
        tally[v] = 0;
    }
    return runs;
}

size_t cdt_partition_runs(uint32_t *x, size_t n, uint32_t low, uint32_t high, cdt_partition_work work)
{
    size_t runs;
    if (n <= VERY_FEW || (size_t)(high - low) >= 4 * n + 64) return runs_by_sorting(x, n, high, work);
    CDT_IN_PIECES(i, n, 1, work.pause) work.tally[x[i] - low]++;
    runs = cdt_partition_tallied(work.tally, (size_t)(high - low) + 1, work);
    for (size_t r = 0; low && r < runs; r++) work.values[r] += low;
    return runs;
}

/* Sum of |below[i] n - seen N| for i from `from` to before `to`: below rises, so that it is below seen N / n first and then above. */
static double gap(const cdt_sensitive *s, uint32_t from, uint32_t to, double seen, double n)
{
    double all = s->below[s->size - 1], level = seen * all, sum = 0;
    uint32_t low = from, high = to;
    if (to - from <= FEW) {
        for (uint32_t i = from; i < to; i++) sum += fabs(s->below[i] * n - level);
        return sum;
    }
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->below[mid] * n >= level)
            high = mid;
        else
            low = mid + 1;
    }
    return (level * (low - from) - n * (s->sums[low] - s->sums[from])) + (n * (s->sums[to] - s->sums[low]) - level * (to - low));
}

/* Ordered distance: sum over i of |P_i - Q_i| / (size - 1), cumulated shares P of the class and Q of the table (Li et al. 2007). */
static double ordered_distance(const cdt_sensitive *s, size_t runs, double n, cdt_partition_work work)
{
    double sum = 0, seen = 0;
    uint32_t at = 0;
    if (s->size < 2) return 0;
    CDT_IN_PIECES(r, runs, LONG, work.pause) {
        sum += gap(s, at, work.values[r], seen, n);
        seen += work.counts[r];
        at = work.values[r];
    }
    sum += gap(s, at, s->size, seen, n);
    return sum / (n * s->below[s->size - 1] * (s->size - 1));
}

/* Equal distance: half the sum of |p_i - q_i|, which is the sum of p_i - q_i where that is positive. */
static double equal_distance(const cdt_sensitive *s, size_t runs, double n, cdt_partition_work work)
{
    double sum = 0, all = s->below[s->size - 1];
    CDT_IN_PIECES(r, runs, LONG, work.pause) {
        double more = work.counts[r] * all - s->counts[work.values[r]] * n;
        sum += more > 0 ? more : 0;
    }
    return sum / (n * all);
}

static double times_log(const cdt_sensitive *s, size_t count)
{
    return count < s->log_count ? s->logs[count] : (double)count * log((double)count);
}

static double entropy_of(const cdt_sensitive *s, size_t runs, size_t n, cdt_partition_work work)
{
    double sum = 0;
    CDT_IN_PIECES(r, runs, LONG, work.pause) sum += times_log(s, work.counts[r]);
    return (times_log(s, n) - sum) / (double)n;
}

static double distance_of(const cdt_sensitive *s, size_t runs, double n, cdt_partition_work work)
{
    return s->ordered ? ordered_distance(s, runs, n, work) : equal_distance(s, runs, n, work);
}

cdt_class_measures cdt_partition_measures(const cdt_sensitive *s, size_t runs, size_t n, cdt_partition_work work)
{
    cdt_class_measures found = {(uint32_t)runs, entropy_of(s, runs, n, work), distance_of(s, runs, (double)n, work)};
    return found;
}

int cdt_partition_keeps(const cdt_sensitive *s, uint32_t *x, size_t n, cdt_partition_work work)
{
    return cdt_partition_keeps_runs(s, cdt_partition_runs(x, n, 0, s->size - 1, work), n, work);
}

int cdt_partition_keeps_runs(const cdt_sensitive *s, size_t runs, size_t n, cdt_partition_work work)
{
    if (runs < s->least) return 0;
    if (s->entropy > 0 && entropy_of(s, runs, n, work) < s->entropy - ROUNDING) return 0;
    return s->t < 0 || distance_of(s, runs, (double)n, work) <= s->t + ROUNDING;
}

int cdt_partition_measure(const cdt_sensitive *s, const uint32_t *order, const uint64_t *starts, size_t count, cdt_partition_work work,
                          cdt_class_measures *measures)
{
    for (size_t g = 0; g < count && !work.pause->ended; g++) {
        size_t n = starts[g + 1] - starts[g];
        cdt_spend(work.pause, n);
        CDT_IN_PIECES(i, n, 1, work.pause) work.left[i] = s->codes[order[starts[g] + i]];
        size_t runs = cdt_partition_runs(work.left, n, 0, s->size - 1, work);
        measures[g] = cdt_partition_measures(s, runs, n, work);
    }
    return work.pause->ended ? -1 : 0;
}
