/* Whether an array looks as if it had few distinct numbers: how often the numbers of a sample meet one like them. */
#include "block_parts.h"
#include "cdt_keys.h"
#include "cdt_memory.h"
#include "cdt_status.h"
#include <math.h>
#include <string.h>

/* Numbers that are looked at: one in SAMPLE_PART, within limits. */
enum { SAMPLE_PART = 64, SAMPLE_LEAST = 256, SAMPLE_MOST = 2048 };
/* Places of a set of a sample: a power of two, twice as many as numbers at least. */
enum { PLACES_BITS = 12, PLACES = 1 << PLACES_BITS };

/* A sample's numbers by their keys, and a set by open addressing. */
typedef struct {
    int64_t keys[SAMPLE_MOST], set[PLACES];
    uint8_t used[PLACES];
    size_t seen;
} sample;

static void take_sample(cdt_type type, const void *values, size_t n, sample *s)
{
    const size_t share = n / SAMPLE_PART, m = share < SAMPLE_LEAST ? SAMPLE_LEAST : share > SAMPLE_MOST ? SAMPLE_MOST : share;
    s->seen = 0;
    for (size_t i = 0; i < m; i++) {
        /* Spread, and not in step with the rows. */
        const size_t at = (size_t)((double)i * (double)n / (double)m) + i * 7919 % (n / m);
        if (cdt_is_number(type, values, at)) s->keys[s->seen++] = cdt_number_at(type, values, at);
    }
}

/* How many keys met one like them. */
static size_t count_meetings(sample *s)
{
    size_t met = 0;
    memset(s->used, 0, sizeof s->used);
    for (size_t i = 0; i < s->seen; i++) {
        size_t at = (size_t)((uint64_t)s->keys[i] * 0x9E3779B97F4A7C15u >> (64 - PLACES_BITS));
        while (s->used[at] && s->set[at] != s->keys[i]) at = (at + 1) & (PLACES - 1);
        met += s->used[at];
        s->used[at] = 1;
        s->set[at] = s->keys[i];
    }
    return met;
}

/* Which cell of the lossy map a number is in: what a palette of numbers competes with. */
static int64_t cell_of(const cdt_coding *coding, int64_t key)
{
    if (coding->map.kind == CDT_MAP_LINEAR)
        return (int64_t)fmax(-1e18, fmin(1e18, rint(cdt_key_number(coding->type, key) / coding->map.step)));
    return coding->map.integer_step ? key / (int64_t)(2 * (coding->map.integer_step >> 1) + 1) : key;
}

/* How many there are from the least of a sample to the largest. */
static double span_of(const sample *s)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t i = 0; i < s->seen; i++) {
        low = s->keys[i] < low ? s->keys[i] : low;
        high = s->keys[i] > high ? s->keys[i] : high;
    }
    return (double)high - (double)low + 1;
}

/* Whether the first `n` numbers look as if they had few distinct ones, and not far fewer cells. By the birthday problem, m of D
 * alike numbers meet m^2 / 2D times. */
static int look(const cdt_coding *coding, const void *values, size_t n, sample *s)
{
    if (n < SAMPLE_LEAST) return 0;
    take_sample(coding->type, values, n, s);
    const double m = (double)s->seen, met = (double)count_meetings(s), distinct = m * m / (2.0 * met);
    if (met < 4 || distinct * CDT_PALETTE_SHARE >= (double)n * 2) return 0;
    /* Of integers, most of those between the least and the largest must be missing. */
    const double span = span_of(s);
    if (coding->type < CDT_F2 && (1.5 * distinct > span || 1.5 * (m - met) > span)) return 0;
    for (size_t i = 0; i < s->seen; i++) s->keys[i] = cell_of(coding, s->keys[i]);
    return (double)count_meetings(s) < met + (double)(s->seen / 32);
}

int cdt_looks_few(const cdt_coding *coding, const void *values, size_t n, size_t part)
{
    sample *s = cdt_new(sizeof *s);
    const int few = s && (look(coding, values, n, s) || (part < n && look(coding, values, part, s)));
    cdt_drop(s);
    return few;
}
