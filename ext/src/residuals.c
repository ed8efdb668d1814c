#include "cdt_residuals.h"
#include "cdt_simd.h"
#include "cdt_memory.h"
#include <string.h>

/* Rows of a series are as long, at least, before it is worth cutting. */
enum { SERIES_LEAST = 2048 };
/* Sides of the tiles that are transposed. */
enum { TILE = 16 };

void cdt_orders_choose(const void *codes, unsigned width, const size_t dim[4], int thorough, uint8_t orders[4])
{
    const cdt_lorenzo_kernels *lorenzo = &cdt_active_kernels()->lorenzo;
    if (width == 4) lorenzo->u4.choose(codes, dim, thorough, orders);
    else lorenzo->u8.choose(codes, dim, thorough, orders);
}

void cdt_difference(void *codes, unsigned width, const size_t dim[4], const uint8_t orders[4])
{
    const cdt_lorenzo_kernels *lorenzo = &cdt_active_kernels()->lorenzo;
    if (width == 4) lorenzo->u4.difference(codes, dim, orders, codes);
    else lorenzo->u8.difference(codes, dim, orders, codes);
}

void cdt_cumulate(void *codes, unsigned width, const size_t dim[4], const uint8_t orders[4])
{
    const cdt_lorenzo_kernels *lorenzo = &cdt_active_kernels()->lorenzo;
    if (width == 4) lorenzo->u4.cumulate(codes, dim, orders);
    else lorenzo->u8.cumulate(codes, dim, orders);
}

int cdt_field_plan(cdt_field *f, const size_t dim[4], int is_series)
{
    const size_t n = dim[0] * dim[1] * dim[2] * dim[3];
    size_t as[4] = {dim[0], dim[1], dim[2], dim[3]};
    f->n = n;
    f->is_series = is_series;
    if (is_series) {
        as[0] = as[1] = 1;
        as[3] = n >= CDT_LONG_SERIES ? CDT_LONG_COLUMNS : CDT_SHORT_COLUMNS;
        as[2] = (n + as[3] - 1) / as[3];
    }
    return cdt_pyramid_plan(as, 0, &f->pyramid);
}

int cdt_field_wants_series(const size_t dim[4])
{
    return dim[3] >= SERIES_LEAST && dim[0] * dim[1] * dim[2] <= 4;
}

/* Stretch c of a series is column c of its rows: tile by tile, so that both sides stay in the cache. */
#define TRANSPOSE(T, ROWS, COLUMNS, TO, FROM)                                                                            \
    for (size_t t0 = 0; t0 < (ROWS); t0 += TILE)                                                                         \
        for (size_t c0 = 0; c0 < (COLUMNS); c0 += TILE)                                                                  \
            for (size_t t = t0; t < t0 + TILE && t < (ROWS); t++)                                                        \
                for (size_t c = c0; c < c0 + TILE; c++)                                                                  \
                    if (c * (ROWS) + t < n) ((T *)to)[TO] = ((const T *)from)[FROM];

static void transpose_in(const void *from, unsigned width, size_t n, size_t rows, size_t columns, void *to)
{
    if (n < rows * columns) memset(to, 0, rows * columns * width); /* places beyond the series */
    if (width == 4) {
        TRANSPOSE(uint32_t, rows, columns, t * columns + c, c * rows + t)
    } else {
        TRANSPOSE(uint64_t, rows, columns, t * columns + c, c * rows + t)
    }
}

static void transpose_out(const void *from, unsigned width, size_t n, size_t rows, size_t columns, void *to)
{
    if (width == 4) {
        TRANSPOSE(uint32_t, rows, columns, c * rows + t, t * columns + c)
    } else {
        TRANSPOSE(uint64_t, rows, columns, c * rows + t, t * columns + c)
    }
}

static const cdt_recipe FIELD_RECIPE = {.above = 4, .before = 4, .around = 0};
static const cdt_recipe SERIES_RECIPE = {.above = 8, .lagged = 1};

int cdt_entropy_start(cdt_entropy *e, const cdt_pyramid *pyramid, size_t n, unsigned width)
{
    e->tokens = cdt_new(pyramid->values + 2 * CDT_SPARE);
    e->activity = cdt_new(pyramid->values + 2 * CDT_SPARE);
    e->extra = cdt_new(n * width + 64);
    e->coded = cdt_new(cdt_contexts_bound(pyramid));
    return e->tokens && e->activity && e->extra && e->coded ? CDT_OK : CDT_NO_MEMORY;
}

void cdt_entropy_end(cdt_entropy *e)
{
    cdt_drop(e->tokens);
    cdt_drop(e->activity);
    cdt_drop(e->extra);
    cdt_drop(e->coded);
}

size_t cdt_entropy_size(const cdt_entropy *e)
{
    return e->extra_size + e->coded_size + 8;
}

uint8_t *cdt_entropy_put(uint8_t *at, const cdt_entropy *e)
{
    at = cdt_put_number(at, e->extra_size);
    at = cdt_put_bytes(at, e->extra, e->extra_size);
    return cdt_put_bytes(at, e->coded, e->coded_size);
}

int cdt_field_encode(const cdt_field *f, const void *residuals, unsigned width, cdt_entropy *e)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const cdt_segment *s = &f->pyramid.segments[0];
    const size_t rows = s->dim[0] * s->dim[1] * s->dim[2], cols = s->dim[3];
    void *transposed = NULL;
    if (cdt_entropy_start(e, &f->pyramid, rows * cols, width) != CDT_OK) return CDT_NO_MEMORY;
    if (f->is_series) {
        transposed = cdt_new(rows * cols * width);
        if (!transposed) return CDT_NO_MEMORY;
        transpose_in(residuals, width, f->n, rows, cols, transposed);
        residuals = transposed;
    }
    cdt_bits_writer extra;
    cdt_bits_start(&extra, e->extra);
    /* All at once, and then to their rows. */
    if (width == 4) kernels->rans.split_4(residuals, rows * cols, e->activity, &extra);
    else kernels->rans.split_8(residuals, rows * cols, e->activity, &extra);
    for (size_t r = 0; r < rows; r++) memcpy(e->tokens + s->offset + 1 + r * (cols + CDT_PAD), e->activity + r * cols, cols);
    e->extra_size = (size_t)(cdt_bits_finish(&extra) - e->extra);
    cdt_drop(transposed);
    e->coded_size = cdt_contexts_encode(&f->pyramid, f->is_series ? &SERIES_RECIPE : &FIELD_RECIPE, e->tokens, e->activity, e->coded);
    return e->coded_size ? CDT_OK : CDT_NO_MEMORY;
}

int cdt_field_decode(const cdt_field *f, cdt_bytes *in, unsigned width, void *residuals)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const cdt_segment *s = &f->pyramid.segments[0];
    const size_t rows = s->dim[0] * s->dim[1] * s->dim[2], cols = s->dim[3];
    int status = CDT_NO_MEMORY;
    const size_t extra_size = (size_t)cdt_get_number(in);
    const uint8_t *extra = cdt_get_bytes(in, extra_size);
    if (!extra) return CDT_CORRUPT;
    uint8_t *tokens = cdt_new(f->pyramid.values + 2 * CDT_SPARE);
    void *transposed = f->is_series ? cdt_new(rows * cols * width) : NULL, *to = f->is_series ? transposed : residuals;
    if (!tokens || !to) goto out;
    status = cdt_contexts_decode(&f->pyramid, in->at, (size_t)(in->end - in->at), width == 4 ? CDT_TOKENS_4 : CDT_TOKENS_8, 0, tokens);
    if (status != CDT_OK) goto out;
    cdt_bits_reader bits;
    cdt_bits_open(&bits, extra, extra_size);
    for (size_t r = 0; r < rows; r++) memmove(tokens + r * cols, tokens + s->offset + 1 + r * (cols + CDT_PAD), cols);
    if (width == 4) kernels->rans.join_4(tokens, rows * cols, &bits, to);
    else kernels->rans.join_8(tokens, rows * cols, &bits, to);
    status = cdt_bits_close(&bits);
    if (status == CDT_OK && f->is_series) transpose_out(transposed, width, f->n, rows, cols, residuals);
out:
    cdt_drop(tokens);
    cdt_drop(transposed);
    return status;
}
