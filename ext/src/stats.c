#include "cdt_stats.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cdt_status.h"

/* A tile of two arrays, its work copies and bin numbers stay in the first-level cache. */
#define TILE 1024
/* For loops whose result does not depend on their order: extremes of values that are no NaN. */
#define PRAGMA(text) _Pragma(#text)
#define SIMD(clauses) PRAGMA(omp simd clauses)
/* Sums run in so many lanes: what vectors do anyway, and one order of additions on every path. */
#define LANES 8

/* Most tiles have no missing value, also in arrays that have some. */
static CDT_DISPATCH int any_set(const uint8_t *mask, size_t n)
{
    uint8_t found = 0;
    for (size_t i = 0; i < n; i++)
        found |= mask[i];
    return found != 0;
}

/* Neighbours often fall into one bin, where each count would wait for the one before: they take turns in four tables. */
#define TURNS 4

static void count_bins(const int32_t *restrict where, size_t n, uint32_t *restrict turns)
{
    size_t i = 0;
    for (; i + TURNS <= n; i += TURNS)
        for (size_t t = 0; t < TURNS; t++)
            turns[TURNS * (size_t)where[i + t] + t]++;
    for (; i < n; i++)
        turns[TURNS * (size_t)where[i]]++;
}

/* Adds the tables up, and empties them. */
static void take_counts(uint32_t *turns, int32_t bins, int64_t *counts)
{
    for (size_t b = 0; b < (size_t)bins; b++)
        for (size_t t = 0; t < TURNS; t++) {
            counts[b] += (int64_t)turns[TURNS * b + t];
            turns[TURNS * b + t] = 0;
        }
}

/* The three histograms' tables, side by side in one allocation. */
typedef struct {
    uint32_t *x, *y, *error;
    size_t pending; /* values since the tables were last added up */
} turn_tables;

static void take_all(turn_tables *tables, const cdt_histograms *h)
{
    take_counts(tables->x, h->bins, h->counts_x);
    take_counts(tables->y, h->bins, h->counts_y);
    take_counts(tables->error, h->error_bins, h->counts_error);
    tables->pending = 0;
}

static int make_tables(turn_tables *tables, const cdt_histograms *h)
{
    const size_t bins = h->bins > 0 ? (size_t)h->bins : 0, errors = h->error_bins > 0 ? (size_t)h->error_bins : 0;
    uint32_t *all = calloc(TURNS * (2 * bins + errors) + 1, sizeof *all);
    tables->x = all;
    tables->y = all ? all + TURNS * bins : NULL;
    tables->error = all ? all + TURNS * 2 * bins : NULL;
    tables->pending = 0;
    return all ? CDT_OK : CDT_NO_MEMORY;
}

/* What rounding took from |a - b| (Knuth, The Art of Computer Programming, vol. 2, theorem 4.2.2 B). */
static double lost_in_error(double a, double b)
{
    const double s = a - b, virtual_b = a - s, virtual_a = s + virtual_b;
    const double rest = (a - virtual_a) + (virtual_b - b);
    return s < 0 ? -rest : rest;
}

/* Whether |a - b| > bound * |a| where both round to one number: what rounding took from each decides. */
static int is_over_product(double a, double b, double bound)
{
    if (fabs(a - b) > DBL_MAX) {
        a *= 0.5;
        b *= 0.5;
    }
    const double d = fabs(a - b), most = bound * fabs(a);
    if (d != most || d == 0)
        return d > most;
    return (long double)lost_in_error(a, b) > fmal(bound, fabsl(a), -(long double)most);
}

/* What the pairs of a tile differ by. */
typedef struct {
    double largest, largest_relative, sum, sum_squares;
    double co_moment;    /* of x and y about their means */
    int may_be_relative; /* some |x - y| / |x| may be above those of the tiles before */
} tile_errors;

/* A tile of n pairs joins those before it. */
static void take_errors(const tile_errors *errors, size_t n, double mean_x, double mean_y, cdt_comparison *c)
{
    const double left = (double)c->finite, right = (double)n;
    c->co_moment += errors->co_moment + (mean_x - c->pair_mean_x) * (mean_y - c->pair_mean_y) * left * right / (left + right);
    c->pair_mean_x += (mean_x - c->pair_mean_x) * right / (left + right);
    c->pair_mean_y += (mean_y - c->pair_mean_y) * right / (left + right);
    c->finite += (int64_t)n;
    c->max_error = errors->largest > c->max_error ? errors->largest : c->max_error;
    c->max_relative_error =
        errors->largest_relative > c->max_relative_error ? errors->largest_relative : c->max_relative_error;
    c->sum_error += errors->sum;
    c->sum_squared_error += errors->sum_squares;
}

/* What is left to say where an array was compared with itself: y is as x, and no pair differs. */
static void take_itself(const cdt_histograms *h, cdt_comparison *c)
{
    c->y = c->x;
    for (int32_t k = 0; k < h->bins; k++)
        h->counts_y[k] = h->counts_x[k];
    if (h->error_bins > 0)
        h->counts_error[h->error_bins / 2] = c->finite;
}

#define T float
#define U uint32_t
#define SUFFIX f4
#define IS_FLOAT 1
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T double
#define U uint64_t
#define SUFFIX f8
#define IS_FLOAT 1
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int8_t
#define U uint8_t
#define SUFFIX i1
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int16_t
#define U uint16_t
#define SUFFIX i2
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int32_t
#define U uint32_t
#define SUFFIX i4
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int64_t
#define U uint64_t
#define SUFFIX i8
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint8_t
#define U uint8_t
#define SUFFIX u1
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint16_t
#define U uint16_t
#define SUFFIX u2
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint32_t
#define U uint32_t
#define SUFFIX u4
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint64_t
#define U uint64_t
#define SUFFIX u8
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

/* So many words of a row are hashed side by side, as vectors do. */
#define HASH_LANES 32
/* 2**64 / golden ratio, and the finalizer's factors (Steele, Lea & Flood 2014, SplitMix). */
#define HASH_FACTOR UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mixed(uint64_t h)
{
    h = (h ^ (h >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94D049BB133111EB);
    return h ^ (h >> 31);
}

/* Each step is a bijection of a lane: rows that differ in one word differ in its lane. */
static CDT_DISPATCH uint64_t row_hash(const uint8_t *bytes, size_t width)
{
    uint64_t lanes[HASH_LANES], words[HASH_LANES];
    for (size_t k = 0; k < HASH_LANES; k++)
        lanes[k] = (k + 1) * HASH_FACTOR;
    for (size_t start = 0; start < width; start += sizeof words) {
        const size_t left = width - start;
        if (left < sizeof words)
            memset(words, 0, sizeof words);
        memcpy(words, bytes + start, left < sizeof words ? left : sizeof words);
        for (size_t k = 0; k < HASH_LANES; k++) {
            const uint64_t h = (lanes[k] ^ words[k]) * HASH_FACTOR;
            lanes[k] = h ^ (h >> 32);
        }
    }
    uint64_t hash = (uint64_t)width;
    for (size_t k = 0; k < HASH_LANES; k++)
        hash = mixed(hash * HASH_FACTOR ^ lanes[k]);
    return hash;
}

int cdt_row_hashes(const uint8_t *bytes, size_t rows, size_t width, uint64_t *hashes)
{
    for (size_t row = 0; row < rows; row++)
        hashes[row] = row_hash(bytes + row * width, width);
    return CDT_OK;
}
