/* Blocks of few distinct numbers: a palette, sorted, for the whole block or for each of its first axis' places, and ranks in it,
 * which are a block of their own. Palettes of numbers on a hidden grid are small: places on the grid, and corrections by some ulps.
 */
#include "block_parts.h"
#include "cdt_distinct.h"
#include "cdt_keys.h"
#include "cdt_memory.h"
#include <math.h>
#include <string.h>

/* A palette has at most so many entries, and at most one for CDT_PALETTE_SHARE numbers. */
enum { MOST_ENTRIES = 1 << 17, SMALLEST = 64 };
/* Parts with palettes of their own are that long. */
enum { LEAST_PART = 1024 };
/* The piece of a block that is looked at first: one in so many numbers, and at least; and blocks that are too short for it. */
enum { PIECE_SHARE = 16, LEAST_PIECE = 1 << 13, LEAST_LOOK = 1 << 15 };
/* Numbers of a block's parts that are looked at first for whether each has few of the block's entries: one in so many. */
enum { FIRST_LOOK = 8 };
/* Numbers that are looked at for whether all are finite before each is. */
enum { AT_ONCE = 64 };

/* The nearest whole number, of numbers below 2^51; those beyond stay beyond. */
static double whole(double x)
{
    return x + 0x1.8p52 - 0x1.8p52;
}

/* The step of the grid that starts at the first number, by what the last one says. Returns 0 when there is none. */
static double find_step(const double *numbers, size_t m)
{
    double step = INFINITY, place = 0;
    for (size_t i = 1; i < m; i++) {
        const double d = numbers[i] - numbers[i - 1];
        if (d > 0 && d < step) step = d;
    }
    if (!(step < INFINITY)) return 0;
    for (size_t i = 1; i < m; i++) {
        place += whole((numbers[i] - numbers[i - 1]) / step);
        if (!(place >= 1 && place < 1e9)) return 0;
        step = (numbers[i] - numbers[0]) / place;
    }
    return step;
}

static unsigned bits_of(int64_t x)
{
    const uint64_t size = x < 0 ? ~(uint64_t)x : (uint64_t)x;
    return size ? 65u - (unsigned)__builtin_clzll(size) : 1;
}

/* A palette by differences of its keys. Returns about how many bits they take. */
static uint64_t describe_by_keys(const int64_t *keys, size_t m, int64_t *steps, int64_t *corrections)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < m; i++) {
        steps[i] = i ? (int64_t)((uint64_t)keys[i] - (uint64_t)keys[i - 1]) - 1 : 0;
        corrections[i] = 0;
        bits += bits_of(steps[i]);
    }
    return bits;
}

/* A palette by places on a grid, if that takes less than `most` bits. Returns about how many, `most` where it does not. */
static uint64_t describe_by_grid(cdt_type type, const int64_t *keys, const double *numbers, size_t m, double step, uint64_t most,
                                 int64_t *steps, int64_t *corrections)
{
    uint64_t bits = 0;
    double before = 0;
    for (size_t i = 0; i < m; i++) {
        const double place = whole((numbers[i] - numbers[0]) / step);
        const int64_t on_grid = cdt_number_key(type, numbers[0] + place * step);
        steps[i] = i ? (int64_t)(place - before) - 1 : 0;
        corrections[i] = (int64_t)((uint64_t)keys[i] - (uint64_t)on_grid);
        bits += bits_of(steps[i]) + bits_of(corrections[i]);
        before = place;
        if (bits >= most) return most;
    }
    return bits;
}

/* A palette as numbers to code: differences and corrections, m of each (no corrections by keys). Returns the way; `bits` is more by
 * about what they take. */
static int describe(cdt_type type, const int64_t *keys, size_t m, double *numbers, double *step, int64_t *steps,
                    int64_t *corrections, uint64_t *bits)
{
    const uint64_t by_keys = describe_by_keys(keys, m, steps, corrections);
    uint64_t by_grid = by_keys;
    for (size_t i = 0; i < m; i++) numbers[i] = cdt_key_number(type, keys[i]);
    *step = m > 2 && by_keys > 2 * m ? find_step(numbers, m) : 0;
    if (*step > 0) by_grid = describe_by_grid(type, keys, numbers, m, *step, by_keys, steps, corrections);
    *bits += by_grid;
    if (by_grid < by_keys) return CDT_BY_GRID;
    if (*step > 0) describe_by_keys(keys, m, steps, corrections);
    return CDT_BY_KEYS;
}

void cdt_palettes_end(cdt_palettes *t)
{
    cdt_drop(t->numbers);
    cdt_drop(t->heads);
    cdt_drop(t->ranks);
    cdt_drop(t->exact);
    *t = (cdt_palettes){0};
}

/* The palettes of `slabs` equal parts of a block. CDT_BAD_ARGUMENT: too many distinct numbers. */
static int make(const cdt_coding *coding, const cdt_box *box, const uint8_t *exact, size_t slabs, cdt_palettes *t)
{
    const size_t n = cdt_count(box->sides, box->axes), part = n / slabs, share = part / CDT_PALETTE_SHARE;
    const size_t most = share < MOST_ENTRIES ? share : MOST_ENTRIES, room = n / CDT_PALETTE_SHARE + slabs + 1;
    int status = CDT_OK;
    t->slabs = slabs;
    t->ranks = cdt_new(n * sizeof *t->ranks);
    t->heads = cdt_new(slabs * 32);
    t->numbers = cdt_new(2 * room * sizeof *t->numbers);
    double *numbers = cdt_new((most + 1) * sizeof *numbers);
    if (!t->ranks || !t->heads || !t->numbers || !numbers) {
        cdt_drop(numbers);
        return CDT_NO_MEMORY;
    }
    int64_t *corrections = t->numbers + room;
    uint8_t *at = t->heads;
    for (size_t s = 0; s < slabs && status == CDT_OK; s++) {
        const uint8_t *values = (const uint8_t *)box->values + s * part * cdt_size_of(coding->type);
        int64_t *keys;
        size_t m;
        double step = 0;
        status = cdt_distinct(coding->type, values, part, exact, s * part, most, t->ranks + s * part, &keys, &m);
        if (status == CDT_OK) {
            int64_t *steps = t->numbers + t->entries;
            const int way = describe(coding->type, keys, m, numbers, &step, steps, corrections + t->entries, &t->bits);
            at = cdt_put_number(at, m);
            *at++ = (uint8_t)way;
            at = cdt_put_bytes(at, keys, 8);
            if (way == CDT_BY_GRID) at = cdt_put_bytes(at, &step, 8);
            t->entries += m;
        }
        cdt_drop(keys);
    }
    cdt_drop(numbers);
    memmove(t->numbers + t->entries, corrections, t->entries * sizeof *corrections);
    t->heads_end = at;
    return status;
}

/* Whether palettes of a block's parts have at most half as many entries, on average, as that of all of it, as far as every
 * `each`-th number tells: they may have more. */
static int parts_have_fewer(const cdt_palettes *whole, const uint8_t *exact, size_t n, size_t slabs, size_t each)
{
    const size_t part = n / slabs, most = part / CDT_PALETTE_SHARE, limit = slabs * whole->entries / 2;
    size_t entries = 0;
    uint32_t *last = cdt_new_zeros(whole->entries * sizeof *last);
    int fewer = last != NULL;
    for (size_t s = 0; s < slabs && fewer; s++) {
        size_t here = 0;
        for (size_t i = s * part; i < (s + 1) * part && entries + here <= limit; i += each) {
            if (exact && exact[i / 8] >> (i % 8) & 1) continue;
            here += last[whole->ranks[i]] != s + 1;
            last[whole->ranks[i]] = (uint32_t)s + 1;
        }
        entries += here ? here : 1;
        fewer = here <= most && entries <= limit;
    }
    cdt_drop(last);
    return fewer;
}

/* Integers of which most are there between the least and the largest: their ranks say no more than they. */
static int is_dense(cdt_type type, const cdt_palettes *t)
{
    uint64_t span = 0;
    if (type >= CDT_F2) return 0;
    for (size_t i = 0; i < t->entries; i++) span += (uint64_t)t->numbers[i] + 1;
    return span < 5 * t->entries / 4;
}

/* The numbers that are none: a bitmap where there are some. */
static int find_exact(cdt_type type, const cdt_box *box, size_t n, cdt_palettes *t)
{
    if (cdt_all_numbers(type, box->values, n)) return CDT_OK;
    t->exact = cdt_new_zeros(n / 8 + 32);
    if (!t->exact) return CDT_NO_MEMORY;
    for (size_t from = 0; from < n; from += AT_ONCE) {
        const size_t end = n - from < AT_ONCE ? n : from + AT_ONCE;
        if (cdt_all_numbers(type, (const uint8_t *)box->values + from * cdt_size_of(type), end - from)) continue;
        for (size_t i = from; i < end; i++) {
            if (cdt_is_number(type, box->values, i)) continue;
            t->exact[i / 8] = (uint8_t)(t->exact[i / 8] | 1u << (i % 8));
            t->n_exact++;
        }
    }
    return CDT_OK;
}

int cdt_palettes_find(const cdt_coding *coding, const cdt_box *box, cdt_palettes *t)
{
    const size_t n = cdt_count(box->sides, box->axes);
    const size_t slabs = box->axes > 1 && n / box->sides[0] >= LEAST_PART ? box->sides[0] : 1;
    cdt_palettes parts = {0};
    t->looked = 1;
    if (n < SMALLEST) return CDT_OK;
    int status = find_exact(coding->type, box, n, t);
    if (status == CDT_OK) status = make(coding, box, t->exact, 1, t);
    /* One palette for all, unless those of parts are much smaller. */
    int by_parts = slabs > 1 && status == CDT_BAD_ARGUMENT;
    if (slabs > 1 && status == CDT_OK)
        by_parts = parts_have_fewer(t, t->exact, n, slabs, FIRST_LOOK) && parts_have_fewer(t, t->exact, n, slabs, 1);
    if (by_parts) {
        status = make(coding, box, t->exact, slabs, &parts);
        parts.exact = t->exact;
        parts.n_exact = t->n_exact;
        t->exact = NULL;
        cdt_palettes_end(t);
        *t = parts;
        t->looked = 1;
    }
    if (status == CDT_BAD_ARGUMENT || (status == CDT_OK && is_dense(coding->type, t))) {
        cdt_palettes_end(t);
        t->looked = 1;
        status = CDT_OK;
    }
    return status;
}

/* About how many bits 8-byte residuals take: as many as narrower ones, and the bits that those lack. */
static double estimate_wide(int64_t *residuals, size_t n, size_t columns)
{
    const int64_t *wide = residuals;
    int32_t *narrow = (int32_t *)residuals;
    uint64_t more = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned bits = bits_of(wide[i]), beyond = bits > 32 ? bits - 32 : 0;
        narrow[i] = (int32_t)(wide[i] >> beyond);
        more += beyond;
    }
    return cdt_estimate_residuals(narrow, n, columns) + (double)more;
}

/* About how many bits the numbers of a piece take that are none: where they begin and end, and all bits of those unlike the first. */
static double weigh_others(cdt_type type, const void *values, size_t n, size_t *count)
{
    const size_t size = cdt_size_of(type);
    const uint8_t *at = values, *first = NULL;
    size_t ends = 0, unlike = 0;
    int before = 0;
    *count = 0;
    if (cdt_all_numbers(type, values, n)) return 0;
    for (size_t i = 0; i < n; i++) {
        const int other = !cdt_is_number(type, values, i);
        ends += other != before;
        before = other;
        if (!other) continue;
        if (!first) first = at + i * size;
        unlike += memcmp(first, at + i * size, size) != 0;
        ++*count;
    }
    return (double)(ends ? ends * bits_of((int64_t)(n / ends)) : 0) + 8.0 * (double)(unlike * size);
}

/* About how many bits a piece of a block takes by differences. */
static int weigh(const cdt_coding *coding, int lossless, const cdt_box *piece, double *bits)
{
    const size_t n = cdt_count(piece->sides, piece->axes), size = cdt_size_of(coding->type);
    cdt_differences way = {0};
    size_t others = 0;
    const int status = cdt_differences_prepare(coding, lossless, piece, &way);
    if (status == CDT_OK) {
        *bits = way.coded.map.width == 8 ? estimate_wide(way.coded.codes, n, way.layout.dim[3]) : way.bits;
        if (way.coded.n_exact) *bits += weigh_others(coding->type, piece->values, n, &others);
        *bits += 8.0 * (double)((way.coded.n_exact - others) * size);
    }
    cdt_differences_end(&way);
    return status;
}

/* A piece from the middle of a block of numbers of a type, with sides halved until it is small; its own memory, to be dropped. */
static void *cut_piece(cdt_type type, const void *values, const cdt_box *box, size_t *sides)
{
    cdt_array all = {.data = (unsigned char *)(uintptr_t)values, .type = type, .axes = box->axes};
    size_t origin[CDT_AXES];
    ptrdiff_t stride = (ptrdiff_t)cdt_size_of(type);
    for (unsigned a = box->axes; a-- > 0;) {
        all.shape[a] = sides[a] = box->sides[a];
        all.strides[a] = stride;
        stride *= (ptrdiff_t)sides[a];
    }
    const size_t share = cdt_count(sides, box->axes) / PIECE_SHARE, most = share < LEAST_PIECE ? LEAST_PIECE : share;
    while (cdt_count(sides, box->axes) > most) {
        unsigned longest = 0;
        for (unsigned a = 1; a < box->axes; a++)
            if (sides[a] >= sides[longest]) longest = a;
        sides[longest] = (sides[longest] + 1) / 2;
    }
    for (unsigned a = 0; a < box->axes; a++) origin[a] = (box->sides[a] - sides[a]) / 2;
    void *piece = cdt_new(cdt_count(sides, box->axes) * cdt_size_of(type));
    if (piece) cdt_gather(&all, origin, sides, piece);
    return piece;
}

/* How ranks are coded. */
static cdt_coding coding_of_ranks(const cdt_coding *coding)
{
    const cdt_profile profile = coding->type <= CDT_U2 ? CDT_BALANCED : coding->profile;
    return (cdt_coding){.type = CDT_U4, .map = cdt_lossless_map(CDT_U4), .profile = profile};
}

int cdt_palettes_look(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_palettes *t, double *share)
{
    const size_t n = cdt_count(box->sides, box->axes), size = cdt_size_of(coding->type);
    const cdt_coding inner = coding_of_ranks(coding);
    size_t sides[CDT_AXES], others;
    double direct = 0, ranks = 0;
    *share = 1;
    if (n < LEAST_LOOK) return CDT_OK;
    void *numbers = cut_piece(coding->type, box->values, box, sides), *places = NULL;
    const cdt_box piece = {numbers, sides, box->axes};
    const size_t m = cdt_count(sides, box->axes);
    int status = numbers ? weigh(coding, lossless, &piece, &direct) : CDT_NO_MEMORY;
    if (status != CDT_OK || CDT_PALETTE_PART * direct < 10.0 * (double)(size * m)) goto out;
    status = cdt_palettes_find(coding, box, t);
    *share = INFINITY;
    if (status != CDT_OK || !t->entries) goto out;
    places = cut_piece(CDT_U4, t->ranks, box, sides);
    status = places ? weigh(&inner, 1, &(cdt_box){places, sides, box->axes}, &ranks) : CDT_NO_MEMORY;
    ranks += weigh_others(coding->type, numbers, m, &others);
    *share = (ranks + (double)t->bits * (double)m / (double)n) / direct;
out:
    cdt_drop(numbers);
    cdt_drop(places);
    return status;
}

int cdt_palettes_finish(const cdt_coding *coding, const cdt_box *box, cdt_palettes *t, cdt_attempt *made)
{
    const size_t n = cdt_count(box->sides, box->axes), size = cdt_size_of(coding->type);
    const size_t dim[4] = {1, 1, 1, 2 * t->entries};
    const cdt_coding inner = coding_of_ranks(coding);
    cdt_entropy entropy = {0};
    uint8_t *ranks = NULL, *coded = NULL;
    size_t length = 0;
    cdt_measured measured;
    cdt_field field;
    int status = cdt_field_plan(&field, dim, cdt_field_wants_series(dim));
    if (status == CDT_OK) status = cdt_field_encode(&field, t->numbers, 8, &entropy);
    if (status != CDT_OK) goto out;
    status = CDT_NO_MEMORY;
    ranks = cdt_new(cdt_block_bound(CDT_U4, n));
    if (!ranks) goto out;
    status = cdt_block_encode(&inner, t->ranks, box->sides, box->axes, ranks, &length, &measured);
    if (status != CDT_OK) goto out;
    status = CDT_NO_MEMORY;
    made->bytes = cdt_new(64 + cdt_exact_bound(n, t->n_exact, size) + t->slabs * 32 + cdt_entropy_size(&entropy) + length + 16);
    coded = cdt_new(cdt_entropy_size(&entropy));
    if (!made->bytes || !coded) goto out;
    uint8_t *at = made->bytes;
    *at++ = CDT_PALETTE;
    at = cdt_exact_put(at, box->values, size, box->sides, box->axes, t->exact, t->n_exact, 0);
    if (!at) goto out;
    *at++ = t->slabs > 1;
    at = cdt_put_bytes(at, t->heads, (size_t)(t->heads_end - t->heads));
    const size_t coded_size = (size_t)(cdt_entropy_put(coded, &entropy) - coded);
    at = cdt_put_number(at, coded_size);
    at = cdt_put_bytes(at, coded, coded_size);
    at = cdt_put_bytes(at, ranks, length);
    made->length = (size_t)(at - made->bytes);
    made->measured = (cdt_measured){.exact = t->n_exact};
    status = CDT_OK;
out:
    cdt_drop(ranks);
    cdt_drop(coded);
    cdt_entropy_end(&entropy);
    return status;
}
