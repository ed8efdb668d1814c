#include "cdt_grid.h"
#include "cdt_keys.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* Numbers of a sample; and of the places a code can have, as many as rounded products allow. */
enum { SAMPLE = 768, RUN = 64 };

/* Sort by bytes of order-preserving keys, from the last one on; those that all keys share are passed over. */
static void sort(double *numbers, size_t n)
{
    uint64_t keys[2][SAMPLE];
    uint16_t counts[8][256] = {{0}};
    int now = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, numbers + i, 8);
        keys[0][i] = bits ^= (0 - (bits >> 63)) | (uint64_t)1 << 63;
        for (unsigned b = 0; b < 8; b++) counts[b][bits >> (8 * b) & 255]++;
    }
    for (unsigned b = 0; b < 8; b++) {
        uint16_t *const places = counts[b];
        uint16_t sum = 0;
        if (places[keys[0][0] >> (8 * b) & 255] == n) continue;
        for (unsigned k = 0; k < 256; k++) {
            const uint16_t count = places[k];
            places[k] = sum;
            sum = (uint16_t)(sum + count);
        }
        for (size_t i = 0; i < n; i++) keys[!now][places[keys[now][i] >> (8 * b) & 255]++] = keys[now][i];
        now = !now;
    }
    for (size_t i = 0; i < n; i++) {
        const uint64_t key = keys[now][i], bits = key ^ (((key >> 63) - 1) | (uint64_t)1 << 63);
        memcpy(numbers + i, &bits, 8);
    }
}

/* Runs of neighbours, spread over the values: near ones show the step, far ones the range. */
static size_t take(cdt_type type, const void *values, size_t n, double *sample)
{
    const size_t runs = n <= SAMPLE ? 1 : SAMPLE / RUN, run = n <= SAMPLE ? n : RUN;
    size_t m = 0;
    for (size_t r = 0; r < runs; r++)
        for (size_t i = 0; i < run; i++) {
            const size_t at = (size_t)((double)r * (double)(n - run) / (double)(runs > 1 ? runs - 1 : 1)) + i;
            if (cdt_is_number(type, values, at)) sample[m++] = cdt_key_number(type, cdt_number_at(type, values, at));
        }
    return m;
}

static double round_to(cdt_type type, double x)
{
    return type == CDT_F4 ? (double)(float)x : x;
}

/* Whether a number is where the map puts it. */
static int is_at(cdt_type type, double x, const cdt_map *map, double slack)
{
    const double k = rint((x - map->offset) / map->step);
    const double y = round_to(type, map->offset + round_to(type, k * map->step));
    return fabs(x - y) <= slack;
}

/* Whether the distances of neighbours may be whole multiples of one: of the least one, or of a sixtieth of it. What is not on a
 * grid fails on the first few. */
static int may_be_on_grid(cdt_type type, const void *values, size_t n)
{
    double distances[RUN], least = INFINITY;
    size_t m = 0, whole = 0;
    const size_t from = n / 2 - (n < 2 * RUN ? n / 2 : RUN / 2);
    for (size_t i = from; i + 1 < n && i + 1 < from + RUN; i++) {
        if (!cdt_is_number(type, values, i) || !cdt_is_number(type, values, i + 1)) continue;
        const double number = cdt_key_number(type, cdt_number_at(type, values, i));
        const double d = fabs(cdt_key_number(type, cdt_number_at(type, values, i + 1)) - number);
        if (!(d > 0)) continue;
        distances[m++] = d;
        least = fmin(least, d);
    }
    for (size_t i = 0; i < m; i++) {
        const double parts = 60 * distances[i] / least;
        whole += parts > 1e5 || fabs(parts - rint(parts)) < 0.1;
    }
    return 4 * whole >= 3 * m;
}

int cdt_find_grid(cdt_type type, const void *values, size_t n, double slack, cdt_map *map)
{
    double sample[SAMPLE], distinct[SAMPLE], step = INFINITY, place = 0;
    const double most = type == CDT_F4 ? 0x1p21 : 0x1p30;
    if (n < 4 || !may_be_on_grid(type, values, n)) return 0;
    size_t m = take(type, values, n, sample), d = 0;
    if (m < 4) return 0;
    sort(sample, m);
    for (size_t i = 0; i < m; i++)
        if (!d || sample[i] > distinct[d - 1]) distinct[d++] = sample[i];
    if (d < 2) return 0;
    const double largest = fmax(fabs(distinct[0]), fabs(distinct[d - 1]));
    for (size_t i = 1; i < d; i++) step = fmin(step, distinct[i] - distinct[i - 1]);
    if (!((distinct[d - 1] - distinct[0]) / step < most)) return 0;
    if (step < 4 * largest * (type == CDT_F4 ? FLT_EPSILON : DBL_EPSILON)) return 0;
    /* The least distance is off by rounding: walk up, and let the whole way correct it. */
    for (size_t i = 1; i < d; i++) {
        place += rint((distinct[i] - distinct[i - 1]) / step);
        if (slack > 0) step = (distinct[i] - distinct[0]) / place;
    }
    *map = (cdt_map){.kind = CDT_MAP_LINEAR, .width = 4, .step = round_to(type, step)};
    map->offset = fmod(distinct[0], step) == 0 ? 0 : distinct[0];
    if (!(map->step >= (type == CDT_F4 ? FLT_MIN : DBL_MIN)) || largest / map->step > most) {
        map->offset = distinct[0];
        if ((distinct[d - 1] - distinct[0]) / map->step > most) return 0;
    }
    size_t there = 0;
    for (size_t i = 0; i < d; i++) there += is_at(type, distinct[i], map, slack);
    return 100 * there >= 99 * d;
}
