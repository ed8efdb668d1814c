#include "cdt_residuals.h"
#include "cdt_simd.h"
#include "cdt_memory.h"
#include "transpose.h"
#include <string.h>

/* Rows of a series are as long, at least, before it is worth cutting. */
enum { SERIES_LEAST = 2048 };

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

/* Tokens in the order of their residuals to the rows of the segment, and back: stretch c of a series is column c of its rows. */
static int to_rows(const cdt_field *f, uint8_t *ordered, uint8_t *tokens)
{
    const cdt_segment *s = &f->pyramid.segments[0];
    const size_t rows = cdt_rows_of(s), cols = s->dim[3];
    uint8_t *from = ordered;
    if (f->is_series) {
        from = cdt_new(rows * cols);
        if (!from) return CDT_NO_MEMORY;
        memset(ordered + f->n, 0, rows * cols - f->n); /* places beyond the series */
        cdt_transpose(ordered, 1, cols, rows, from);
    }
    for (size_t r = 0; r < rows; r++) memcpy(tokens + s->offset + 1 + r * s->stride, from + r * cols, cols);
    if (from != ordered) cdt_drop(from);
    return CDT_OK;
}

static int from_rows(const cdt_field *f, uint8_t *tokens)
{
    const cdt_segment *s = &f->pyramid.segments[0];
    const size_t rows = cdt_rows_of(s), cols = s->dim[3];
    for (size_t r = 0; r < rows; r++) memmove(tokens + r * cols, tokens + s->offset + 1 + r * s->stride, cols);
    if (!f->is_series) return CDT_OK;
    uint8_t *ordered = cdt_new(rows * cols);
    if (!ordered) return CDT_NO_MEMORY;
    cdt_transpose(tokens, 1, rows, cols, ordered);
    memcpy(tokens, ordered, rows * cols);
    cdt_drop(ordered);
    return CDT_OK;
}

int cdt_field_encode(const cdt_field *f, const void *residuals, unsigned width, cdt_entropy *e)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const cdt_segment *s = &f->pyramid.segments[0];
    if (cdt_entropy_start(e, &f->pyramid, cdt_rows_of(s) * s->dim[3], width) != CDT_OK) return CDT_NO_MEMORY;
    cdt_bits_writer extra;
    cdt_bits_start(&extra, e->extra);
    if (width == 4) kernels->rans.split_4(residuals, f->n, e->activity, &extra);
    else kernels->rans.split_8(residuals, f->n, e->activity, &extra);
    e->extra_size = (size_t)(cdt_bits_finish(&extra) - e->extra);
    if (to_rows(f, e->activity, e->tokens) != CDT_OK) return CDT_NO_MEMORY;
    e->coded_size = cdt_contexts_encode(&f->pyramid, f->is_series ? &SERIES_RECIPE : &FIELD_RECIPE, e->tokens, e->activity, e->coded);
    return e->coded_size ? CDT_OK : CDT_NO_MEMORY;
}

int cdt_field_decode(const cdt_field *f, cdt_bytes *in, unsigned width, void *residuals)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const size_t extra_size = (size_t)cdt_get_number(in);
    const uint8_t *extra = cdt_get_bytes(in, extra_size);
    if (!extra) return CDT_CORRUPT;
    uint8_t *tokens = cdt_new(f->pyramid.values + 2 * CDT_SPARE);
    if (!tokens) return CDT_NO_MEMORY;
    int status = cdt_contexts_decode(&f->pyramid, in->at, (size_t)(in->end - in->at), width == 4 ? CDT_TOKENS_4 : CDT_TOKENS_8, 0, tokens);
    if (status == CDT_OK) status = from_rows(f, tokens);
    if (status == CDT_OK) {
        cdt_bits_reader bits;
        cdt_bits_open(&bits, extra, extra_size);
        if (width == 4) kernels->rans.join_4(tokens, f->n, &bits, residuals);
        else kernels->rans.join_8(tokens, f->n, &bits, residuals);
        status = cdt_bits_close(&bits);
    }
    cdt_drop(tokens);
    return status;
}
