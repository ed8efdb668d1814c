#include "cdt_array.h"
#include "transpose.h"
#include <string.h>

size_t cdt_size_of(cdt_type type)
{
    static const uint8_t sizes[CDT_TYPES] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
    return sizes[type];
}

size_t cdt_count(const size_t *shape, unsigned axes)
{
    size_t n = 1;
    for (unsigned a = 0; a < axes; a++) n *= shape[a];
    return n;
}

/* n numbers from one place to another, each with its own distance between them. */
static void copy_row(unsigned char *to, ptrdiff_t to_step, const unsigned char *from, ptrdiff_t from_step, size_t n, size_t size)
{
    if (to_step == (ptrdiff_t)size && from_step == (ptrdiff_t)size) {
        memcpy(to, from, n * size);
        return;
    }
#define COPY(T)                                                                                                          \
    for (size_t i = 0; i < n; i++) memcpy(to + (ptrdiff_t)i * to_step, from + (ptrdiff_t)i * from_step, sizeof(T));
    if (size == 1) COPY(uint8_t)
    else if (size == 2) COPY(uint16_t)
    else if (size == 4) COPY(uint32_t)
    else COPY(uint64_t)
#undef COPY
}

static void copy_box(unsigned char *to, const ptrdiff_t *to_given, const unsigned char *from, const ptrdiff_t *from_given,
                     const size_t *given, unsigned axes, size_t size)
{
    size_t index[CDT_AXES] = {0}, sides[CDT_AXES];
    ptrdiff_t to_steps[CDT_AXES], from_steps[CDT_AXES];
    if (cdt_count(given, axes) == 0) return;
    memcpy(sides, given, axes * sizeof *sides);
    memcpy(to_steps, to_given, axes * sizeof *to_steps);
    memcpy(from_steps, from_given, axes * sizeof *from_steps);
    /* Last axes that lie without a gap on both sides are one. */
    for (; axes > 1; axes--) {
        const ptrdiff_t last = (ptrdiff_t)sides[axes - 1];
        if (to_steps[axes - 2] != to_steps[axes - 1] * last || from_steps[axes - 2] != from_steps[axes - 1] * last) break;
        sides[axes - 2] *= sides[axes - 1];
        to_steps[axes - 2] = to_steps[axes - 1];
        from_steps[axes - 2] = from_steps[axes - 1];
    }
    for (;;) {
        copy_row(to, to_steps[axes - 1], from, from_steps[axes - 1], sides[axes - 1], size);
        unsigned a = axes - 1;
        for (;;) {
            if (a-- == 0) return;
            to += to_steps[a];
            from += from_steps[a];
            if (++index[a] < sides[a]) break;
            to -= to_steps[a] * (ptrdiff_t)sides[a];
            from -= from_steps[a] * (ptrdiff_t)sides[a];
            index[a] = 0;
        }
    }
}

static void contiguous(const size_t *shape, unsigned axes, size_t size, ptrdiff_t *steps)
{
    ptrdiff_t step = (ptrdiff_t)size;
    for (unsigned a = axes; a-- > 0;) {
        steps[a] = step;
        step *= (ptrdiff_t)shape[a];
    }
}

unsigned char *cdt_place(const cdt_array *array, const size_t *origin)
{
    unsigned char *at = array->data;
    for (unsigned a = 0; a < array->axes; a++) at += (ptrdiff_t)origin[a] * array->strides[a];
    return at;
}

void cdt_gather(const cdt_array *array, const size_t *origin, const size_t *sides, void *block)
{
    ptrdiff_t steps[CDT_AXES];
    contiguous(sides, array->axes, cdt_size_of(array->type), steps);
    copy_box(block, steps, cdt_place(array, origin), array->strides, sides, array->axes, cdt_size_of(array->type));
}

void cdt_scatter(const cdt_array *array, const size_t *origin, const size_t *sides, const void *block)
{
    ptrdiff_t steps[CDT_AXES];
    contiguous(sides, array->axes, cdt_size_of(array->type), steps);
    copy_box(cdt_place(array, origin), array->strides, block, steps, sides, array->axes, cdt_size_of(array->type));
}

/* Whether the last axes come first, and all are else in order: a block is then a matrix to transpose. */
static int is_rotation(const uint8_t *order, unsigned axes)
{
    for (unsigned a = 0; a < axes; a++)
        if (order[a] != (order[0] + a) % axes) return 0;
    return 1;
}

/* Between a contiguous block of `shape` and one whose axis i is its axis order[i]. */
static void permute(const void *from, size_t size, const size_t *shape, unsigned axes, const uint8_t *order, int back, void *to)
{
    ptrdiff_t steps[CDT_AXES], given[CDT_AXES], ordered[CDT_AXES];
    size_t sides[CDT_AXES];
    if (is_rotation(order, axes)) {
        const size_t rows = cdt_count(shape, order[0]), columns = cdt_count(shape + order[0], axes - order[0]);
        cdt_transpose(from, size, back ? columns : rows, back ? rows : columns, to);
        return;
    }
    contiguous(shape, axes, size, steps);
    for (unsigned a = 0; a < axes; a++) {
        sides[a] = shape[order[a]];
        given[a] = steps[order[a]];
    }
    contiguous(sides, axes, size, ordered);
    copy_box(to, back ? given : ordered, from, back ? ordered : given, sides, axes, size);
}

void cdt_permute(const void *from, size_t size, const size_t *shape, unsigned axes, const uint8_t *order, void *to)
{
    permute(from, size, shape, axes, order, 0, to);
}

void cdt_permute_back(const void *from, size_t size, const size_t *shape, unsigned axes, const uint8_t *order, void *to)
{
    permute(from, size, shape, axes, order, 1, to);
}
