/* Blocks of few distinct numbers: a palette, sorted, for the whole block or for each of its first axis' places, and ranks in it,
 * which are a block of their own. Palettes of numbers on a hidden grid are small: places on the grid, and corrections by some ulps.
 */
#include "block_parts.h"
#include "cdt_keys.h"
#include "cdt_memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A palette has at most so many entries, and at most one for so many numbers. */
enum { MOST_ENTRIES = 1 << 17, LEAST_SHARE = 6, SMALLEST = 64 };
/* Numbers that are looked at for few distinct ones: one in SAMPLE_PART, within limits. */
enum { SAMPLE_PART = 64, SAMPLE_LEAST = 256, SAMPLE_MOST = 2048 };
/* How a palette is sent: entries as differences of keys, or as places on a grid and corrections. */
enum { BY_KEYS, BY_GRID };

/* Sets of keys by open addressing. */
typedef struct {
    int64_t *keys;
    uint32_t *ranks;
    uint8_t *used;
    size_t mask, count;
} key_set;

static int set_start(key_set *set, size_t most)
{
    size_t places = 64;
    while (places < 2 * most) places *= 2;
    set->keys = cdt_new(places * sizeof *set->keys);
    set->ranks = cdt_new(places * sizeof *set->ranks);
    set->used = cdt_new_zeros(places);
    set->mask = places - 1;
    set->count = 0;
    return set->keys && set->ranks && set->used ? CDT_OK : CDT_NO_MEMORY;
}

static void set_end(key_set *set)
{
    cdt_drop(set->keys);
    cdt_drop(set->ranks);
    cdt_drop(set->used);
}

static size_t set_find(const key_set *set, int64_t key)
{
    size_t at = (size_t)(((uint64_t)key * 0x9E3779B97F4A7C15u) >> 20) & set->mask;
    while (set->used[at] && set->keys[at] != key) at = (at + 1) & set->mask;
    return at;
}

static void set_add(key_set *set, int64_t key)
{
    const size_t at = set_find(set, key);
    if (set->used[at]) return;
    set->used[at] = 1;
    set->keys[at] = key;
    set->count++;
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The keys of a set, in order; ranks are set by them. */
static int64_t *set_sorted(key_set *set)
{
    int64_t *keys = cdt_new((set->count + 1) * sizeof *keys);
    size_t n = 0;
    if (!keys) return NULL;
    for (size_t i = 0; i <= set->mask; i++)
        if (set->used[i]) keys[n++] = set->keys[i];
    qsort(keys, n, sizeof *keys, by_value);
    for (size_t i = 0; i < n; i++) set->ranks[set_find(set, keys[i])] = (uint32_t)i;
    return keys;
}

/* Places on the grid that starts at the first key; the step is what the last one says. Returns 0 when they are too far apart. */
static double find_step(cdt_type type, const int64_t *keys, size_t m)
{
    const double first = cdt_key_number(type, keys[0]);
    double step = INFINITY, place = 0;
    for (size_t i = 1; i < m; i++) {
        const double d = cdt_key_number(type, keys[i]) - cdt_key_number(type, keys[i - 1]);
        if (d > 0 && d < step) step = d;
    }
    if (!(step < INFINITY)) return 0;
    for (size_t i = 1; i < m; i++) {
        const double number = cdt_key_number(type, keys[i]);
        place += rint((number - cdt_key_number(type, keys[i - 1])) / step);
        if (!(place >= 1 && place < 1e9)) return 0;
        step = (number - first) / place;
    }
    return step;
}

static unsigned bits_of(int64_t x)
{
    const uint64_t size = x < 0 ? ~(uint64_t)x : (uint64_t)x;
    return size ? 65u - (unsigned)__builtin_clzll(size) : 1;
}

/* A palette as numbers to code: differences and corrections, m of each (no corrections by keys). Returns the way. */
static int describe(cdt_type type, const int64_t *keys, size_t m, double *step, int64_t *steps, int64_t *corrections)
{
    uint64_t by_keys = 0, by_grid = 0;
    const double first = cdt_key_number(type, keys[0]);
    double before = 0;
    *step = m > 2 ? find_step(type, keys, m) : 0;
    for (size_t i = 0; i < m; i++) {
        const int64_t d = i ? (int64_t)((uint64_t)keys[i] - (uint64_t)keys[i - 1]) - 1 : 0;
        by_keys += bits_of(d);
        if (!(*step > 0)) {
            steps[i] = d;
            continue;
        }
        const double place = rint((cdt_key_number(type, keys[i]) - first) / *step);
        const int64_t on_grid = cdt_number_key(type, first + place * *step);
        steps[i] = i ? (int64_t)(place - before) - 1 : 0;
        corrections[i] = (int64_t)((uint64_t)keys[i] - (uint64_t)on_grid);
        by_grid += bits_of(steps[i]) + bits_of(corrections[i]);
        before = place;
    }
    if (*step > 0 && by_grid < by_keys) return BY_GRID;
    for (size_t i = 0; i < m; i++) {
        steps[i] = i ? (int64_t)((uint64_t)keys[i] - (uint64_t)keys[i - 1]) - 1 : 0;
        corrections[i] = 0;
    }
    return BY_KEYS;
}

/* Which cell of the lossy map a number is in: what a palette of numbers competes with. */
static int64_t cell_at(const cdt_coding *coding, const void *values, size_t i)
{
    const int64_t key = cdt_number_at(coding->type, values, i);
    if (coding->map.kind == CDT_MAP_LINEAR) return (int64_t)fmax(-1e18, fmin(1e18, rint(cdt_key_number(coding->type, key) / coding->map.step)));
    return coding->map.integer_step ? key / (int64_t)(2 * (coding->map.integer_step >> 1) + 1) : key;
}

/* Numbers of a sample that met one like them, and the same for their cells. */
typedef struct {
    size_t seen, numbers, cells;
    int64_t low, high;
} meetings;

static int sample(const cdt_coding *coding, const void *values, size_t n, meetings *met)
{
    const size_t share = n / SAMPLE_PART, least = n < SAMPLE_LEAST ? n : SAMPLE_LEAST;
    const size_t m = share < least ? least : share > SAMPLE_MOST ? SAMPLE_MOST : share;
    key_set numbers = {0}, cells = {0};
    int status = set_start(&numbers, m);
    if (status == CDT_OK) status = set_start(&cells, m);
    *met = (meetings){.low = INT64_MAX, .high = INT64_MIN};
    for (size_t i = 0; status == CDT_OK && i < m; i++) {
        /* Spread, and not in step with the rows. */
        const size_t at = (size_t)((double)i * (double)n / (double)m) + i * 7919 % (n / m);
        if (!cdt_is_number(coding->type, values, at)) continue;
        const int64_t key = cdt_number_at(coding->type, values, at);
        met->low = key < met->low ? key : met->low;
        met->high = key > met->high ? key : met->high;
        set_add(&numbers, key);
        set_add(&cells, cell_at(coding, values, at));
        met->seen++;
    }
    met->numbers = met->seen - numbers.count;
    met->cells = met->seen - cells.count;
    set_end(&numbers);
    set_end(&cells);
    return status;
}

/* Whether the first `n` numbers look as if they had few distinct ones, and not far fewer cells. By the birthday problem, m of D
 * alike numbers meet m^2 / 2D times. */
static int looks_few(const cdt_coding *coding, const void *values, size_t n)
{
    meetings met;
    if (n < SAMPLE_LEAST || sample(coding, values, n, &met) != CDT_OK || met.numbers < 4) return 0;
    const double m = (double)met.seen, distinct = m * m / (2.0 * (double)met.numbers);
    /* Of integers, most of those between the least and the largest must be missing. */
    const double span = (double)met.high - (double)met.low + 1;
    if (coding->type < CDT_F2 && (1.5 * distinct > span || 1.5 * (m - (double)met.numbers) > span)) return 0;
    return distinct * LEAST_SHARE < (double)n * 2 && met.cells < met.numbers + met.seen / 32;
}

int cdt_looks_few(const cdt_coding *coding, const void *values, size_t n, size_t part)
{
    return looks_few(coding, values, n) || (part < n && looks_few(coding, values, part));
}

typedef struct {
    size_t slabs, entries;
    int64_t *numbers;  /* steps of all palettes, then corrections of all */
    uint8_t *heads, *heads_end;
    uint32_t *ranks;
} palettes;

static void palettes_end(palettes *t)
{
    cdt_drop(t->numbers);
    cdt_drop(t->heads);
    cdt_drop(t->ranks);
}

/* Make the palettes of `slabs` equal parts of a block. CDT_BAD_ARGUMENT: too many distinct numbers. */
static int make_palettes(const cdt_coding *coding, const cdt_box *box, const uint8_t *exact, size_t slabs, palettes *t)
{
    const size_t n = cdt_count(box->sides, box->axes), part = n / slabs;
    const size_t most = part / LEAST_SHARE < MOST_ENTRIES ? part / LEAST_SHARE : MOST_ENTRIES;
    int status = CDT_NO_MEMORY;
    int64_t *corrections = NULL;
    t->slabs = slabs;
    t->ranks = cdt_new(n * sizeof *t->ranks);
    t->heads = cdt_new(slabs * 32);
    t->numbers = cdt_new(2 * (n / LEAST_SHARE + slabs + 1) * sizeof *t->numbers);
    corrections = cdt_new((n / LEAST_SHARE + slabs + 1) * sizeof *corrections);
    if (!t->ranks || !t->heads || !t->numbers || !corrections) goto out;
    uint8_t *at = t->heads;
    for (size_t s = 0; s < slabs; s++) {
        key_set set;
        status = set_start(&set, most + 1);
        for (size_t i = s * part; status == CDT_OK && i < (s + 1) * part; i++) {
            if (exact[i / 8] >> (i % 8) & 1) continue;
            set_add(&set, cdt_number_at(coding->type, box->values, i));
            if (set.count > most) status = CDT_BAD_ARGUMENT;
        }
        if (status == CDT_OK && !set.count) set_add(&set, 0); /* all of it is exact, and a palette has an entry */
        int64_t *keys = status == CDT_OK ? set_sorted(&set) : NULL;
        if (status == CDT_OK && !keys) status = CDT_NO_MEMORY;
        if (status == CDT_OK) {
            double step = 0;
            const size_t m = set.count;
            uint32_t rank = 0;
            at = cdt_put_number(at, m);
            if (m) {
                const int way = describe(coding->type, keys, m, &step, t->numbers + t->entries, corrections + t->entries);
                *at++ = (uint8_t)way;
                at = cdt_put_bytes(at, keys, 8);
                if (way == BY_GRID) at = cdt_put_bytes(at, &step, 8);
            }
            t->entries += m;
            for (size_t i = s * part; i < (s + 1) * part; i++) {
                if (!(exact[i / 8] >> (i % 8) & 1)) rank = set.ranks[set_find(&set, cdt_number_at(coding->type, box->values, i))];
                t->ranks[i] = rank;
            }
        }
        cdt_drop(keys);
        set_end(&set);
        if (status != CDT_OK) goto out;
    }
    memcpy(t->numbers + t->entries, corrections, t->entries * sizeof *corrections);
    t->heads_end = at;
    status = CDT_OK;
out:
    cdt_drop(corrections);
    return status;
}

/* Integers of which most are there between the least and the largest: their ranks say no more than they. */
static int is_dense(cdt_type type, const palettes *t)
{
    uint64_t span = 0;
    if (type >= CDT_F2) return 0;
    for (size_t i = 0; i < t->entries; i++) span += (uint64_t)t->numbers[i] + 1;
    return span < 5 * t->entries / 4;
}

int cdt_try_palette(const cdt_coding *coding, const cdt_box *box, cdt_attempt *made)
{
    const size_t n = cdt_count(box->sides, box->axes), size = cdt_size_of(coding->type);
    const cdt_profile profile = coding->type <= CDT_U2 ? CDT_BALANCED : coding->profile;
    const cdt_coding inner = {.type = CDT_U4, .map = cdt_lossless_map(CDT_U4), .profile = profile};
    palettes t = {0}, whole = {0};
    cdt_entropy entropy = {0};
    uint8_t *exact = cdt_new_zeros(n / 8 + 32), *ranks = NULL, *coded = NULL;
    size_t n_exact = 0, length = 0;
    cdt_measured measured;
    int status = CDT_NO_MEMORY;
    if (!exact) goto out;
    status = CDT_OK;
    if (n < SMALLEST) goto out;
    const size_t slabs = box->axes > 1 && n / box->sides[0] >= 1024 ? box->sides[0] : 1;
    for (size_t i = 0; i < n; i++)
        if (!cdt_is_number(coding->type, box->values, i)) {
            exact[i / 8] = (uint8_t)(exact[i / 8] | 1u << (i % 8));
            n_exact++;
        }
    status = make_palettes(coding, box, exact, slabs, &t);
    if (status == CDT_OK && slabs > 1) { /* one palette for all, unless those of parts are much smaller */
        status = make_palettes(coding, box, exact, 1, &whole);
        if (status == CDT_OK && 2 * t.entries > slabs * whole.entries) {
            palettes_end(&t);
            t = whole;
        } else palettes_end(&whole);
        status = status == CDT_BAD_ARGUMENT ? CDT_OK : status;
    } else if (status == CDT_BAD_ARGUMENT && slabs > 1) {
        palettes_end(&t);
        t = (palettes){0};
        status = make_palettes(coding, box, exact, 1, &t);
    }
    if (status != CDT_OK || !t.entries || is_dense(coding->type, &t)) goto out;
    cdt_field field;
    const size_t dim[4] = {1, 1, 1, 2 * t.entries};
    status = cdt_field_plan(&field, dim, cdt_field_wants_series(dim));
    if (status == CDT_OK) status = cdt_field_encode(&field, t.numbers, 8, &entropy);
    if (status != CDT_OK) goto out;
    status = CDT_NO_MEMORY;
    ranks = cdt_new(cdt_block_bound(CDT_U4, n));
    if (!ranks) goto out;
    status = cdt_block_encode(&inner, t.ranks, box->sides, box->axes, ranks, &length, &measured);
    if (status != CDT_OK) goto out;
    status = CDT_NO_MEMORY;
    made->bytes = cdt_new(64 + cdt_exact_bound(n, n_exact, size) + t.slabs * 32 + cdt_entropy_size(&entropy) + length + 16);
    if (!made->bytes) goto out;
    uint8_t *at = made->bytes;
    *at++ = CDT_PALETTE;
    at = cdt_exact_put(at, box->values, size, box->sides, box->axes, exact, n_exact);
    if (!at) goto out;
    *at++ = t.slabs > 1;
    at = cdt_put_bytes(at, t.heads, (size_t)(t.heads_end - t.heads));
    coded = cdt_new(cdt_entropy_size(&entropy));
    if (!coded) goto out;
    const size_t coded_size = (size_t)(cdt_entropy_put(coded, &entropy) - coded);
    at = cdt_put_number(at, coded_size);
    at = cdt_put_bytes(at, coded, coded_size);
    at = cdt_put_bytes(at, ranks, length);
    made->length = (size_t)(at - made->bytes);
    made->measured = (cdt_measured){.exact = n_exact};
    status = CDT_OK;
out:
    cdt_drop(exact);
    cdt_drop(ranks);
    cdt_drop(coded);
    palettes_end(&t);
    cdt_entropy_end(&entropy);
    return status == CDT_BAD_ARGUMENT ? CDT_OK : status;
}

/* One palette's numbers from its steps and corrections. */
static int read_palette(cdt_type type, cdt_bytes *heads, const int64_t *steps, const int64_t *corrections, size_t m, void *numbers)
{
    const uint8_t *way = cdt_get_bytes(heads, 1), *first_key = cdt_get_bytes(heads, 8);
    const uint8_t *step_bytes = way && *way == BY_GRID ? cdt_get_bytes(heads, 8) : way;
    int64_t key;
    double step = 0;
    uint64_t place = 0;
    int status = CDT_OK;
    if (heads->corrupt || *way > BY_GRID) return CDT_CORRUPT;
    memcpy(&key, first_key, 8);
    if (*way == BY_GRID) memcpy(&step, step_bytes, 8);
    if (*way == BY_GRID && !(step > 0 && step < INFINITY)) return CDT_CORRUPT;
    if (cdt_put_key(type, key, numbers, 0) != CDT_OK) return CDT_CORRUPT;
    const double first = cdt_key_number(type, key);
    for (size_t i = 0; i < m && status == CDT_OK; i++) {
        if (*way == BY_KEYS) key = (int64_t)((uint64_t)key + (i ? (uint64_t)steps[i] + 1 : 0));
        else {
            place += i ? (uint64_t)steps[i] + 1 : 0;
            key = (int64_t)((uint64_t)cdt_number_key(type, first + (double)(int64_t)place * step) + (uint64_t)corrections[i]);
        }
        status = cdt_put_key(type, key, numbers, i);
    }
    return status;
}

/* The counts of entries, and where each palette's head begins. */
static size_t count_entries(cdt_bytes heads, size_t slabs, size_t n)
{
    size_t entries = 0;
    for (size_t s = 0; s < slabs; s++) {
        const size_t m = (size_t)cdt_get_number(&heads);
        if (heads.corrupt || !m || m > n / LEAST_SHARE + 1) return SIZE_MAX;
        entries += m;
        const uint8_t *way = cdt_get_bytes(&heads, 1);
        cdt_get_bytes(&heads, way && *way == BY_GRID ? 16 : 8);
    }
    return heads.corrupt || entries > n ? SIZE_MAX : entries;
}

static void look_up(size_t size, const void *palette, size_t m, const uint32_t *ranks, size_t n, void *values, int *status)
{
    for (size_t i = 0; i < n; i++)
        if (ranks[i] >= m) {
            *status = CDT_CORRUPT;
            return;
        }
    switch (size) {
    case 1: for (size_t i = 0; i < n; i++) ((uint8_t *)values)[i] = ((const uint8_t *)palette)[ranks[i]]; break;
    case 2: for (size_t i = 0; i < n; i++) ((uint16_t *)values)[i] = ((const uint16_t *)palette)[ranks[i]]; break;
    case 4: for (size_t i = 0; i < n; i++) ((uint32_t *)values)[i] = ((const uint32_t *)palette)[ranks[i]]; break;
    default: for (size_t i = 0; i < n; i++) ((uint64_t *)values)[i] = ((const uint64_t *)palette)[ranks[i]];
    }
}

int cdt_get_palette(const cdt_coding *coding, cdt_bytes *in, const size_t *sides, unsigned axes, void *values)
{
    const size_t n = cdt_count(sides, axes), size = cdt_size_of(coding->type);
    const cdt_coding inner = {.type = CDT_U4, .map = cdt_lossless_map(CDT_U4), .profile = coding->profile};
    cdt_bytes exact = *in;
    uint32_t *ranks = NULL;
    int64_t *numbers = NULL;
    uint8_t *palette = NULL;
    int status = cdt_exact_skip(in, size, n);
    if (status != CDT_OK) return status;
    const uint8_t *many = cdt_get_bytes(in, 1);
    if (!many || *many > 1) return CDT_CORRUPT;
    const size_t slabs = *many ? sides[0] : 1, part = n / slabs, entries = count_entries(*in, slabs, n);
    if (entries == SIZE_MAX || !entries) return CDT_CORRUPT;
    cdt_bytes heads = *in;
    for (size_t s = 0; s < slabs; s++) {
        cdt_get_number(in);
        const uint8_t *way = cdt_get_bytes(in, 1);
        cdt_get_bytes(in, *way == BY_GRID ? 16 : 8);
    }
    const size_t coded_size = (size_t)cdt_get_number(in);
    const uint8_t *coded = cdt_get_bytes(in, coded_size);
    if (!coded) return CDT_CORRUPT;
    cdt_field field;
    const size_t dim[4] = {1, 1, 1, 2 * entries};
    status = CDT_NO_MEMORY;
    numbers = cdt_new(2 * entries * sizeof *numbers);
    ranks = cdt_new(n * sizeof *ranks);
    palette = cdt_new((n / LEAST_SHARE + 1) * size);
    if (!numbers || !ranks || !palette) goto out;
    status = CDT_CORRUPT;
    cdt_bytes table = {coded, coded + coded_size, 0};
    if (cdt_field_plan(&field, dim, cdt_field_wants_series(dim)) != CDT_OK) goto out;
    status = cdt_field_decode(&field, &table, 8, numbers);
    const uint8_t *block = in->at;
    if (status == CDT_OK && (in->end == block || (*block & CDT_METHOD) == CDT_PALETTE)) status = CDT_CORRUPT;
    if (status == CDT_OK) status = cdt_block_decode(&inner, block, (size_t)(in->end - block), sides, axes, ranks);
    for (size_t s = 0, at = 0; s < slabs && status == CDT_OK; s++) {
        const size_t m = (size_t)cdt_get_number(&heads);
        status = read_palette(coding->type, &heads, numbers + at, numbers + entries + at, m, palette);
        if (status == CDT_OK) look_up(size, palette, m, ranks + s * part, part, (uint8_t *)values + s * part * size, &status);
        at += m;
    }
    if (status == CDT_OK) status = cdt_exact_get(&exact, values, size, sides, axes);
out:
    cdt_drop(numbers);
    cdt_drop(ranks);
    cdt_drop(palette);
    return status;
}
