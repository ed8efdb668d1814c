/* Blocks of codes that are predicted by differences along axes: bit planes, or tokens with contexts. */
#include "block_parts.h"
#include "cdt_memory.h"
#include "cdt_status.h"
#include <math.h>
#include <string.h>

int cdt_coded_start(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_coded *coded, cdt_measured *measured)
{
    const size_t n = cdt_count(box->sides, box->axes);
    const cdt_promise nothing_lost = {.kind = CDT_LOSSLESS};
    coded->map = lossless ? cdt_lossless_map(coding->type) : coding->map;
    coded->codes = cdt_new(n * coded->map.width);
    coded->exact = cdt_new_zeros(n / 8 + 32);
    if (!coded->codes || !coded->exact) return CDT_NO_MEMORY;
    const int status = cdt_map_encode(&coded->map, coding->type, box->values, n, lossless ? &nothing_lost : &coding->promise,
                                      coded->codes, coded->exact, &coded->n_exact, &measured->max_error);
    measured->exact = coded->n_exact;
    return status;
}

void cdt_coded_end(cdt_coded *coded)
{
    cdt_drop(coded->codes);
    cdt_drop(coded->exact);
}

static void subtract_first(void *codes, unsigned width, size_t n)
{
    if (width == 4) {
        uint32_t *c = codes;
        const uint32_t first = c[0];
        for (size_t i = 0; i < n; i++) c[i] -= first;
    } else {
        uint64_t *c = codes;
        const uint64_t first = c[0];
        for (size_t i = 0; i < n; i++) c[i] -= first;
    }
}

#define ADD_ALONG(T, NAME)                                                                                               \
    static CDT_DISPATCH void NAME(T *row, size_t n, unsigned order, T more)                                              \
    {                                                                                                                    \
        for (size_t x = 0; x < n; x++) row[x] += more;                                                                   \
        if (order == 2 && n > 1) row[1] -= 2 * more;                                                                     \
    }
ADD_ALONG(uint32_t, add_along_4)
ADD_ALONG(uint64_t, add_along_8)

/* Add the differences of a field that is `base` everywhere: they are 0 but where a differenced axis begins, and there the base, or
 * for the second place along an axis that is differenced twice its opposite. */
static void add_differences_of(uint64_t base, void *codes, unsigned width, const size_t dim[4], const uint8_t orders[4])
{
    size_t count[4];
    for (int a = 0; a < 4; a++) count[a] = orders[a] == 0 || dim[a] < orders[a] ? dim[a] : orders[a];
    for (size_t b = 0; b < count[0]; b++)
        for (size_t z = 0; z < count[1]; z++)
            for (size_t y = 0; y < count[2]; y++) {
                const size_t row = ((b * dim[1] + z) * dim[2] + y) * dim[3];
                const int odd = (orders[0] == 2 && b == 1) ^ (orders[1] == 2 && z == 1) ^ (orders[2] == 2 && y == 1);
                const uint64_t more = odd ? 0 - base : base;
                if (width == 4) add_along_4((uint32_t *)codes + row, count[3], orders[3], (uint32_t)more);
                else add_along_8((uint64_t *)codes + row, count[3], orders[3], more);
            }
}

/* Bring codes into the layout's order. */
static int reorder(cdt_coded *coded, const cdt_box *box, const cdt_layout *layout)
{
    if (cdt_layout_is_plain(layout, box->axes)) return CDT_OK;
    void *ordered = cdt_new(cdt_count(box->sides, box->axes) * coded->map.width);
    if (!ordered) return CDT_NO_MEMORY;
    cdt_permute(coded->codes, coded->map.width, box->sides, box->axes, layout->order, ordered);
    cdt_drop(coded->codes);
    coded->codes = ordered;
    return CDT_OK;
}

int cdt_differences_prepare(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_differences *way)
{
    const size_t n = cdt_count(box->sides, box->axes);
    way->lossless = lossless;
    int status = cdt_coded_start(coding, lossless, box, &way->coded, &way->measured);
    if (status != CDT_OK) return status;
    const unsigned width = way->coded.map.width;
    cdt_layout_choose(&way->layout, box->sides, box->axes);
    cdt_layout_measure(&way->layout, box->sides, box->axes, 0);
    status = reorder(&way->coded, box, &way->layout);
    if (status != CDT_OK) return status;
    memcpy(&way->base, way->coded.codes, width);
    cdt_orders_choose(way->coded.codes, width, way->layout.dim, coding->profile == CDT_DENSE, way->orders);
    const int dense = coding->profile == CDT_DENSE;
    if (dense) subtract_first(way->coded.codes, width, n);
    /* Orders are chosen without contexts; sparse codes may be better off as they are. */
    const int estimated = width == 4 && coding->profile != CDT_FAST;
    const double plain = estimated && dense ? cdt_estimate_residuals(way->coded.codes, n, way->layout.dim[3]) : INFINITY;
    cdt_difference(way->coded.codes, width, way->layout.dim, way->orders);
    if (!dense) add_differences_of(0 - way->base, way->coded.codes, width, way->layout.dim, way->orders);
    way->bits = estimated ? cdt_estimate_residuals(way->coded.codes, n, way->layout.dim[3]) : 64.0 * (double)n;
    if (plain < way->bits) {
        cdt_cumulate(way->coded.codes, width, way->layout.dim, way->orders);
        memset(way->orders, 0, sizeof way->orders);
        way->bits = plain;
    }
    return CDT_OK;
}

void cdt_differences_end(cdt_differences *way)
{
    cdt_coded_end(&way->coded);
    way->coded = (cdt_coded){0};
}

int cdt_differences_finish(const cdt_coding *coding, const cdt_box *box, cdt_differences *way, cdt_attempt *made)
{
    const size_t n = cdt_count(box->sides, box->axes), size = cdt_size_of(coding->type);
    const int planes = coding->profile == CDT_FAST;
    const unsigned width = way->coded.map.width;
    const int series = !planes && cdt_field_wants_series(way->layout.dim);
    cdt_entropy entropy = {0};
    cdt_field field;
    int status = CDT_OK;
    if (!planes) {
        status = cdt_field_plan(&field, way->layout.dim, series);
        if (status == CDT_OK) status = cdt_field_encode(&field, way->coded.codes, width, &entropy);
        if (status != CDT_OK) goto out;
    }
    status = CDT_NO_MEMORY;
    made->measured = way->measured;
    made->measured.lossy = !way->lossless && coding->promise.kind != CDT_LOSSLESS;
    made->bytes = cdt_new(64 + cdt_exact_bound(n, way->coded.n_exact, size) +
                         (planes ? cdt_planes_bound(n, width) : cdt_entropy_size(&entropy)));
    if (!made->bytes) goto out;
    uint8_t *at = made->bytes;
    *at++ = (uint8_t)((planes ? CDT_PLANES : CDT_CONTEXTS) | (way->lossless ? CDT_LOSSLESS_MAP : 0) | (series ? CDT_SERIES : 0));
    at = cdt_exact_put(at, box->values, size, box->sides, box->axes, way->coded.exact, way->coded.n_exact, planes);
    if (!at) goto out;
    at = cdt_layout_put(at, &way->layout, box->axes);
    *at++ = (uint8_t)(way->orders[0] | way->orders[1] << 2 | way->orders[2] << 4 | way->orders[3] << 6);
    at = cdt_put_bytes(at, &way->base, width);
    if (!planes) at = cdt_entropy_put(at, &entropy);
    else if (width == 4) at += cdt_active_kernels()->planes.encode_4(way->coded.codes, n, at);
    else at += cdt_active_kernels()->planes.encode_8(way->coded.codes, n, at);
    made->length = (size_t)(at - made->bytes);
    status = CDT_OK;
out:
    cdt_entropy_end(&entropy);
    return status;
}

static int get_residuals(unsigned head, cdt_bytes *in, unsigned width, const cdt_layout *layout, size_t n, void *codes)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const size_t left = (size_t)(in->end - in->at);
    cdt_field field;
    if ((head & CDT_METHOD) == CDT_PLANES)
        return width == 4 ? kernels->planes.decode_4(in->at, left, codes, n) : kernels->planes.decode_8(in->at, left, codes, n);
    if (cdt_field_plan(&field, layout->dim, (head & CDT_SERIES) != 0) != CDT_OK) return CDT_CORRUPT;
    return cdt_field_decode(&field, in, width, codes);
}

/* Codes of a block in the order of its numbers, which end as `coded` does, from behind its exact numbers on. */
static int get_codes(const cdt_coding *coding, unsigned head, cdt_bytes *in, const size_t *sides, unsigned axes, cdt_coded *coded)
{
    const size_t n = cdt_count(sides, axes);
    cdt_layout layout;
    uint64_t base = 0;
    coded->map = (head & CDT_LOSSLESS_MAP) ? cdt_lossless_map(coding->type) : coding->map;
    const unsigned width = coded->map.width;
    cdt_layout_get(in, &layout, axes);
    const uint8_t *packed = cdt_get_bytes(in, 1), *base_bytes = cdt_get_bytes(in, width);
    if (in->corrupt) return CDT_CORRUPT;
    memcpy(&base, base_bytes, width);
    cdt_layout_measure(&layout, sides, axes, 0);
    const uint8_t orders[4] = {*packed & 3, *packed >> 2 & 3, *packed >> 4 & 3, *packed >> 6};
    for (int a = 0; a < 4; a++)
        if (orders[a] > 2) return CDT_CORRUPT;
    coded->codes = cdt_new(n * width);
    if (!coded->codes) return CDT_NO_MEMORY;
    const int status = get_residuals(head, in, width, &layout, n, coded->codes);
    if (status != CDT_OK) return status;
    add_differences_of(base, coded->codes, width, layout.dim, orders);
    cdt_cumulate(coded->codes, width, layout.dim, orders);
    if (cdt_layout_is_plain(&layout, axes)) return CDT_OK;
    void *plain = cdt_new(n * width);
    if (!plain) return CDT_NO_MEMORY;
    cdt_permute_back(coded->codes, width, sides, axes, layout.order, plain);
    cdt_drop(coded->codes);
    coded->codes = plain;
    return CDT_OK;
}

int cdt_get_differences(const cdt_coding *coding, unsigned head, cdt_bytes *in, const size_t *sides, unsigned axes, void *values)
{
    const size_t n = cdt_count(sides, axes), size = cdt_size_of(coding->type);
    cdt_bytes exact = *in;
    cdt_coded coded = {0};
    int status = cdt_exact_skip(in, size, n);
    if (status == CDT_OK) status = get_codes(coding, head, in, sides, axes, &coded);
    if (status == CDT_OK) status = cdt_map_decode(&coded.map, coding->type, coded.codes, n, values);
    if (status == CDT_OK) status = cdt_exact_get(&exact, values, size, sides, axes);
    cdt_coded_end(&coded);
    return status;
}

int cdt_has_rows(const uint8_t *block, size_t length)
{
    return length > 2 && (*block & ~CDT_LOSSLESS_MAP) == CDT_PLANES && block[1] == 0;
}

int cdt_get_rows(const cdt_coding *coding, const uint8_t *block, size_t length, const cdt_array *box, const size_t *origin,
                 const size_t *sides)
{
    cdt_bytes in = {block + 2, block + length, 0};
    cdt_coded coded = {0};
    size_t index[CDT_AXES] = {0}, inner = box->axes - 1, row = sides[inner], a;
    int status = get_codes(coding, *block, &in, sides, box->axes, &coded);
    /* Rows that are as long as the box are one with those of the next axis. */
    for (; inner > 0 && sides[inner] == box->shape[inner]; inner--) row *= sides[inner - 1];
    const unsigned char *codes = coded.codes;
    unsigned char *to = cdt_place(box, origin);
    for (a = 1; status == CDT_OK && a; codes += row * coded.map.width) {
        status = cdt_map_decode(&coded.map, coding->type, codes, row, to);
        for (a = inner; a > 0; a--) {
            to += box->strides[a - 1];
            if (++index[a - 1] < sides[a - 1]) break;
            to -= box->strides[a - 1] * (ptrdiff_t)sides[a - 1];
            index[a - 1] = 0;
        }
    }
    cdt_coded_end(&coded);
    return status;
}
