#include "cdt_coefficients.h"
#include "cdt_status.h"
#include "coefficient_mixer.h"
#include <stdlib.h>

enum { MARGIN = 2, UNARY = 14, SIGN = 14, ESCAPE = 15, LARGEST_BITS = 29 };

/* Magnitudes and signs with a margin of zeros around them, so that every number has its neighbours; the next number's place. */
struct cdt_coefficient_coder {
    cdt_coefficient_grid grid;
    size_t strides[CDT_COEFFICIENT_AXES];
    int32_t *numbers;
    int8_t *signs;
    mixer *mixer;
    int64_t recent;         /* magnitudes of the row, the latest ones most */
    const int32_t *given;   /* the next number to encode */
    int32_t *found;         /* where the next one goes that is decoded */
    size_t i[CDT_COEFFICIENT_AXES];
    size_t left;            /* numbers to go */
};

typedef struct cdt_coefficient_coder coder;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t bits_of(size_t x)
{
    size_t bits = 0;
    for (; x; x >>= 1)
        bits++;
    return bits;
}

/* 0, 1, 2, 3, then two steps for each doubling. */
static size_t class_of(int64_t x, size_t most)
{
    if (x < 4)
        return least((size_t)x, most);
    const size_t bits = bits_of((size_t)x) - 1;
    return least(2 * bits + (((size_t)x >> (bits - 1)) & 1), most);
}

/* What the coarser band holds at a number's place (times two), and beside it; only numbers before `here` are known. */
static void look_up(const coder *c, const int32_t *here, int64_t *at, int64_t *around)
{
    const size_t *s = c->strides, *i = c->i;
    size_t offset = 0;
    int any = 0;
    for (size_t k = 0; k < CDT_COEFFICIENT_AXES; k++) {
        offset += ((c->grid.dyadic[k] ? i[k] >> 1 : i[k]) + MARGIN) * s[k];
        any |= c->grid.dyadic[k];
    }
    const int32_t *p = c->numbers + offset;
    *at = *around = 0;
    if (!any || p >= here)
        return;
    *at = p[0];
    *around = (int64_t)p[-1] + p[-(ptrdiff_t)s[2]];
    *around += p + 1 < here ? p[1] : 0;
    *around += p + s[2] < here ? p[s[2]] : 0;
}

/* The eight contexts of a number, and its sets of weights. */
static void look_around(coder *c, const int32_t *p)
{
    const size_t *i = c->i;
    const ptrdiff_t s0 = (ptrdiff_t)c->strides[0], s1 = (ptrdiff_t)c->strides[1], s2 = (ptrdiff_t)c->strides[2];
    const int64_t a2 = p[-s2], a3 = p[-1], b2 = p[-2 * s2], b3 = p[-2];
    const int64_t near2 = (int64_t)p[-s2 - 1] + p[-s2 + 1];
    const int64_t far2 = (int64_t)p[-s2 - 2] + p[-s2 + 2] + p[-2 * s2 - 1] + p[-2 * s2 + 1];
    const int64_t near1 = (int64_t)p[-s1 + 1] + p[-s1 - 1] + p[-s1 + s2] + p[-s1 - s2];
    const int64_t near0 = (int64_t)p[-s0 + 1] + p[-s0 - 1] + p[-s0 + s2] + p[-s0 - s2] + p[-s0 - s1] + p[-s0 + s1];
    int64_t parent, around;
    look_up(c, p, &parent, &around);
    const int64_t plane = 4 * a3 + 4 * a2 + 2 * near2 + b3 + b2;
    const int64_t first = 3 * (int64_t)p[-s1] + near1 + p[-2 * s1], second = 3 * (int64_t)p[-s0] + near0 + p[-2 * s0];
    const int64_t all = 2 * (plane + first + second + parent);
    const size_t band2 = least(bits_of(i[2]), 11), band3 = least(bits_of(i[3]), 11), level = class_of(all, 23);
    size_t *at = c->mixer->at;
    at[0] = class_of(all, 63);
    at[1] = (class_of(2 * a3 + b3, 7) * 8 + class_of(2 * a2 + b2, 7)) * 8 + class_of(near2 + far2, 7);
    at[2] = (class_of(2 * parent + around, 11) * 12 + class_of(plane, 11)) * 4 + class_of(first + second, 3);
    at[3] = ((band2 * 12 + band3) * 7 + least(bits_of(i[1]), 6)) * 8 + least(bits_of(i[0]), 7);
    at[4] = (class_of(first, 11) * 12 + class_of(second, 11)) * 12 + class_of(plane, 11);
    at[5] = (least(i[0], 15) * 16 + least(i[1], 15)) * 24 + level;
    at[6] = class_of(c->recent, 15) * 24 + class_of(2 * plane + 2 * far2 + near1 + near0, 23);
    at[7] = (band2 * 12 + band3) * 24 + level;
    c->mixer->level = least(class_of(all, 63) / 2, LEVELS - 1);
    c->mixer->place = least(bits_of(i[2]) + bits_of(i[3]), 20) * 3 + least(i[0], 2);
}

/* Code a sign, of which those of the neighbours along each axis say something: bands of neighbouring planes often go together. */
static int code_sign(coder *c, const int32_t *p, int32_t size, int is_negative)
{
    const size_t *i = c->i;
    const ptrdiff_t s0 = (ptrdiff_t)c->strides[0], s1 = (ptrdiff_t)c->strides[1], s2 = (ptrdiff_t)c->strides[2];
    const int8_t *sign = c->signs + (p - c->numbers);
    const size_t g0 = (size_t)(sign[-s0] + 1), g1 = (size_t)(sign[-s1] + 1);
    const size_t g2 = (size_t)(sign[-s2] + 1), g3 = (size_t)(sign[-1] + 1);
    const size_t h2 = (size_t)(sign[-2 * s2] + 1), h3 = (size_t)(sign[-2] + 1);
    const size_t bands = least(bits_of(i[2]), 11) * 12 + least(bits_of(i[3]), 11), own = class_of(size, 3);
    size_t *at = c->mixer->at;
    at[0] = g0 * 3 + g1;
    at[1] = g2 * 3 + g3;
    at[2] = at[0] * 9 + at[1];
    at[3] = at[0] * 144 + bands;
    at[4] = ((g1 * 5 + class_of(p[-s1], 4)) * 4 + own) * 16 + least(i[1], 15);
    at[5] = ((g0 * 5 + class_of(p[-s0], 4)) * 4 + own) * 16 + least(i[0], 15);
    at[6] = (h2 * 3 + h3) * 9 + at[1];
    at[7] = at[1] * 144 + bands;
    c->mixer->level = own * 4 + (g0 != 1) * 2 + (g1 != 1);
    return cdt_mixer_decide(c->mixer, SIGN, is_negative);
}

/* Code one number: its magnitude in steps of one, from 14 on as an Elias gamma code, and its sign. */
static int32_t code_number(coder *c, const int32_t *p, int32_t number)
{
    mixer *m = c->mixer;
    const int32_t size = number < 0 ? -number : number;
    int32_t found = 0;
    while (found < UNARY && cdt_mixer_decide(m, (size_t)found, size > found))
        found++;
    if (found == UNARY) {
        const size_t bits = bits_of((size_t)(size - UNARY) + 1) - 1;
        size_t longer = 0;
        while (longer < LARGEST_BITS && cdt_mixer_decide(m, ESCAPE, longer < bits))
            longer++;
        int32_t rest = 1;
        for (size_t k = longer; k-- > 0;)
            rest = rest << 1 | cdt_mixer_plain(m, (int)(((size - UNARY + 1) >> k) & 1));
        found = UNARY + rest - 1;
    }
    return found && code_sign(c, p, found, number < 0) ? -found : found;
}

/* Code numbers of one row, from the place of the next one to the row's end or `count` of them; how many they were, in `done`. */
static int code_in_row(coder *c, size_t count, size_t *done)
{
    const size_t *s = c->strides;
    size_t *i = c->i;
    const size_t first = i[3], stop = first + least(count, c->grid.lengths[3] - first);
    int32_t *row = c->numbers + (i[0] + MARGIN) * s[0] + (i[1] + MARGIN) * s[1] + (i[2] + MARGIN) * s[2] + MARGIN;
    if (!first)
        c->recent = 0;
    for (; i[3] < stop; i[3]++) {
        look_around(c, row + i[3]);
        const int32_t number = code_number(c, row + i[3], c->mixer->decodes ? 0 : *c->given++);
        const int32_t size = number < 0 ? -number : number;
        if (size > CDT_LARGEST_COEFFICIENT)
            return CDT_CORRUPT;
        if (c->mixer->decodes)
            *c->found++ = number;
        row[i[3]] = size;
        c->signs[row + i[3] - c->numbers] = (int8_t)((number > 0) - (number < 0));
        c->recent = c->recent * 7 / 8 + 8 * (int64_t)size;
    }
    *done = stop - first;
    if (stop < c->grid.lengths[3])
        return CDT_OK;
    for (size_t k = CDT_COEFFICIENT_AXES; k-- > 0 && i[k] == c->grid.lengths[k];) {
        i[k] = 0;
        if (k)
            i[k - 1]++;
    }
    return c->mixer->decodes && c->mixer->position > c->mixer->length + 4 ? CDT_CORRUPT : CDT_OK;
}

int cdt_coefficients_go_on(cdt_coefficient_coder *c, size_t count, size_t *left)
{
    int status = CDT_OK;
    count = least(count, c->left);
    while (count && !status) {
        size_t done = 0;
        status = code_in_row(c, count, &done);
        count -= done;
        c->left -= done;
    }
    *left = c->left;
    return status;
}

/* The numbers in all, 0 when they are none or too many. */
static size_t count_of(const cdt_coefficient_grid *grid)
{
    size_t count = 1;
    for (size_t k = 0; k < CDT_COEFFICIENT_AXES; k++) {
        if (!grid->lengths[k] || grid->lengths[k] > ((size_t)1 << 40) / count)
            return 0;
        count *= grid->lengths[k];
    }
    return count;
}

static int start(const cdt_coefficient_grid *grid, cdt_coefficient_coder **made)
{
    *made = NULL;
    coder *c = count_of(grid) ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return count_of(grid) ? CDT_NO_MEMORY : CDT_BAD_ARGUMENT;
    size_t count = 1;
    for (size_t k = CDT_COEFFICIENT_AXES; k-- > 0;) {
        c->strides[k] = count;
        count *= grid->lengths[k] + 2 * MARGIN;
    }
    c->grid = *grid;
    c->left = count_of(grid);
    c->mixer = calloc(1, sizeof *c->mixer);
    c->numbers = calloc(count, sizeof *c->numbers);
    c->signs = calloc(count, sizeof *c->signs);
    if (!c->mixer || !c->numbers || !c->signs) {
        cdt_coefficients_free(c);
        return CDT_NO_MEMORY;
    }
    cdt_mixer_start(c->mixer);
    *made = c;
    return CDT_OK;
}

size_t cdt_coefficients_room(const cdt_coefficient_grid *grid)
{
    return count_of(grid) * 96 + 64;
}

int cdt_coefficients_encoder(const cdt_coefficient_grid *grid, const int32_t *numbers, uint8_t *out, size_t room, cdt_coefficient_coder **made)
{
    *made = NULL;
    const size_t count = count_of(grid);
    for (size_t k = 0; k < count; k++)
        if (numbers[k] > CDT_LARGEST_COEFFICIENT || numbers[k] < -CDT_LARGEST_COEFFICIENT)
            return CDT_BAD_ARGUMENT;
    const int status = start(grid, made);
    if (!status) {
        (*made)->given = numbers;
        (*made)->mixer->out = out;
        (*made)->mixer->length = room;
    }
    return status;
}

int cdt_coefficients_decoder(const cdt_coefficient_grid *grid, const uint8_t *code, size_t length, int32_t *numbers, cdt_coefficient_coder **made)
{
    const int status = start(grid, made);
    if (!status) {
        (*made)->found = numbers;
        (*made)->mixer->in = code;
        (*made)->mixer->length = length;
        (*made)->mixer->decodes = 1;
        cdt_mixer_open((*made)->mixer);
    }
    return status;
}

int cdt_coefficients_close(cdt_coefficient_coder *c, size_t *used)
{
    cdt_mixer_close(c->mixer);
    *used = c->mixer->position;
    return c->mixer->position > c->mixer->length ? CDT_BAD_ARGUMENT : CDT_OK;
}

void cdt_coefficients_free(cdt_coefficient_coder *c)
{
    if (!c)
        return;
    free(c->mixer);
    free(c->numbers);
    free(c->signs);
    free(c);
}
