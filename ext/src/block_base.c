/* Blocks whose slices along the first axis have much in common, as maps of one place at many times have: one base slice, and what each
 * slice differs from it. */
#include "block_parts.h"
#include "cdt_memory.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define T float
#define NAME(name) name##_f4
#include "block_base.template.h"
#define T double
#define NAME(name) name##_f8
#include "block_base.template.h"

/* So many slices, at least, with rows of so many numbers. */
enum { LEAST_SLICES = 16, LEAST_ROW = 16 };
/* The base has steps of an eighth; those of the rest are shorter by 1 in 256, of which half is room for the rounding of the sum. */
static const double BASE_PART = 0.125, REST_PART = 1.0 - 1.0 / 256, REST_BOUND = 1.0 - 1.0 / 512;

static double in_type(cdt_type type, double number)
{
    return type == CDT_F8 ? number : (double)(float)number;
}

/* The codings of the base and of the rest. */
static void inner_codings(const cdt_coding *coding, cdt_coding *base, cdt_coding *rest)
{
    *base = *rest = *coding;
    base->is_inner = rest->is_inner = 1;
    base->may_have_palette = rest->may_have_palette = 0;
    base->map.offset = rest->map.offset = 0;
    base->map.step = in_type(coding->type, coding->map.step * BASE_PART);
    base->promise.value = coding->promise.value * BASE_PART;
    rest->map.step = in_type(coding->type, coding->map.step * REST_PART);
    rest->promise.value = coding->promise.value * REST_BOUND;
}

static int may_have_base(const cdt_coding *coding, const cdt_box *box)
{
    return coding->profile == CDT_DENSE && !coding->is_inner && (coding->type == CDT_F4 || coding->type == CDT_F8) &&
           coding->map.kind == CDT_MAP_LINEAR && coding->map.offset == 0 && !coding->on_grid && coding->promise.kind == CDT_ABS &&
           !coding->promise.n_missing && box->axes > 2 && box->sides[0] >= LEAST_SLICES && box->sides[box->axes - 1] >= LEAST_ROW;
}

/* Whether sums of numbers so large round by less than the room that is left for it. */
static int has_room(const cdt_coding *coding, const void *values, size_t n)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const double ulp = coding->type == CDT_F8 ? DBL_EPSILON : (double)FLT_EPSILON;
    double low = 0, high = 0;
    if (coding->type == CDT_F8) rows->f8.extremes(values, n, &low, &high);
    else {
        float l = 0, h = 0;
        rows->f4.extremes(values, n, &l, &h);
        low = (double)l, high = (double)h;
    }
    return ulp * fmax(fabs(low), fabs(high)) < coding->promise.value / 512;
}

/* The block of `numbers` with those sides, in memory of its own. */
static int encode_inner(const cdt_coding *coding, const void *numbers, const size_t *sides, unsigned axes, cdt_attempt *made)
{
    made->bytes = cdt_new(cdt_block_bound(coding->type, cdt_count(sides, axes)));
    return made->bytes ? cdt_block_encode(coding, numbers, sides, axes, made->bytes, &made->length, &made->measured) : CDT_NO_MEMORY;
}

static int join(const cdt_attempt *base, const cdt_attempt *rest, cdt_attempt *made)
{
    made->bytes = cdt_new(16 + base->length + rest->length);
    if (!made->bytes) return CDT_NO_MEMORY;
    uint8_t *at = made->bytes;
    *at++ = CDT_BASE;
    at = cdt_put_number(at, base->length);
    at = cdt_put_bytes(at, base->bytes, base->length);
    at = cdt_put_bytes(at, rest->bytes, rest->length);
    made->length = (size_t)(at - made->bytes);
    made->measured = rest->measured;
    made->measured.lossy = 1;
    return CDT_OK;
}

int cdt_try_base(const cdt_coding *coding, const cdt_box *box, cdt_attempt *made)
{
    const size_t n = cdt_count(box->sides, box->axes), m = n / box->sides[0], size = cdt_size_of(coding->type), slices = box->sides[0];
    const int is_double = coding->type == CDT_F8;
    cdt_coding base_coding, rest_coding;
    cdt_attempt base = {0}, rest = {0};
    if (!may_have_base(coding, box) || !has_room(coding, box->values, n)) return CDT_OK;
    inner_codings(coding, &base_coding, &rest_coding);
    if (cdt_map_check(&base_coding.map, coding->type) != CDT_OK) return CDT_OK;
    double *sums = cdt_new(m * sizeof *sums);
    void *slice = cdt_new(m * size), *numbers = NULL;
    int status = sums && slice ? CDT_OK : CDT_NO_MEMORY;
    if (status != CDT_OK) goto out;
    if (is_double) mean_f8(box->values, slices, m, sums, slice);
    else mean_f4(box->values, slices, m, sums, slice);
    if (!(is_double ? is_shared_f8(box->values, slices, m, slice, coding->map.step)
                    : is_shared_f4(box->values, slices, m, slice, coding->map.step)))
        goto out;
    numbers = cdt_new(n * size);
    status = numbers ? encode_inner(&base_coding, slice, box->sides + 1, box->axes - 1, &base) : CDT_NO_MEMORY;
    if (status == CDT_OK) status = cdt_block_decode(&base_coding, base.bytes, base.length, box->sides + 1, box->axes - 1, slice);
    if (status != CDT_OK) goto out;
    if (is_double) subtract_f8(box->values, slices, m, slice, numbers);
    else subtract_f4(box->values, slices, m, slice, numbers);
    status = encode_inner(&rest_coding, numbers, box->sides, box->axes, &rest);
    if (status == CDT_OK) status = join(&base, &rest, made);
    if (status == CDT_OK) status = cdt_block_decode(coding, made->bytes, made->length, box->sides, box->axes, numbers);
    if (status != CDT_OK) goto out;
    made->measured.max_error = is_double ? worst_f8(box->values, numbers, n) : worst_f4(box->values, numbers, n);
    if (!(made->measured.max_error <= coding->promise.value)) { /* holes, infinities, or sums that round too far */
        cdt_drop(made->bytes);
        *made = (cdt_attempt){0};
    }
out:
    cdt_drop(sums);
    cdt_drop(slice);
    cdt_drop(numbers);
    cdt_drop(base.bytes);
    cdt_drop(rest.bytes);
    return status;
}

static int get_inner(const cdt_coding *coding, const uint8_t *bytes, size_t length, const size_t *sides, unsigned axes, void *values)
{
    if (!length || (bytes[0] & CDT_METHOD) >= CDT_PALETTE) return CDT_CORRUPT;
    return cdt_block_decode(coding, bytes, length, sides, axes, values);
}

int cdt_get_base(const cdt_coding *coding, cdt_bytes *in, const size_t *sides, unsigned axes, void *values)
{
    cdt_coding base_coding, rest_coding;
    const size_t n = cdt_count(sides, axes), m = n / sides[0];
    const size_t length = (size_t)cdt_get_number(in);
    const uint8_t *base = cdt_get_bytes(in, length);
    if (!base || axes < 2 || coding->is_inner || coding->map.kind != CDT_MAP_LINEAR || (coding->type != CDT_F4 && coding->type != CDT_F8))
        return CDT_CORRUPT;
    inner_codings(coding, &base_coding, &rest_coding);
    if (cdt_map_check(&base_coding.map, coding->type) != CDT_OK) return CDT_CORRUPT;
    if (cdt_map_check(&rest_coding.map, coding->type) != CDT_OK) return CDT_CORRUPT;
    void *slice = cdt_new(m * cdt_size_of(coding->type));
    if (!slice) return CDT_NO_MEMORY;
    int status = get_inner(&base_coding, base, length, sides + 1, axes - 1, slice);
    if (status == CDT_OK) status = get_inner(&rest_coding, in->at, (size_t)(in->end - in->at), sides, axes, values);
    if (status == CDT_OK && coding->type == CDT_F8) add_f8(values, sides[0], m, slice);
    else if (status == CDT_OK) add_f4(values, sides[0], m, slice);
    cdt_drop(slice);
    return status;
}
