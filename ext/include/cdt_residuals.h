/* Codes to residuals (differences along axes), residuals to bytes with contexts, and back. */
#ifndef CDT_RESIDUALS_H
#define CDT_RESIDUALS_H
#include "cdt_bytes.h"
#include "cdt_contexts.h"

/* Columns that a series is cut into, so that the points before one are in the rows above it: more where it is long. */
#define CDT_LONG_SERIES 32768
#define CDT_LONG_COLUMNS 256
#define CDT_SHORT_COLUMNS 64

void cdt_orders_choose(const void *codes, unsigned width, const size_t dim[4], int thorough, uint8_t orders[4]);
void cdt_difference(void *codes, unsigned width, const size_t dim[4], const uint8_t orders[4]);
void cdt_cumulate(void *codes, unsigned width, const size_t dim[4], const uint8_t orders[4]);

/* Tokens and extra bits, in memory of their own until they are joined. Zero before it starts; ending is always allowed. */
typedef struct {
    uint8_t *tokens, *activity, *extra, *coded;
    size_t extra_size, coded_size;
} cdt_entropy;

int cdt_entropy_start(cdt_entropy *entropy, const cdt_pyramid *pyramid, size_t n, unsigned width);
void cdt_entropy_end(cdt_entropy *entropy);
size_t cdt_entropy_size(const cdt_entropy *entropy);
uint8_t *cdt_entropy_put(uint8_t *at, const cdt_entropy *entropy);

/* A field of residuals; `is_series`: all of it is one long row, coded in stretches side by side. */
typedef struct {
    cdt_pyramid pyramid;
    size_t n;
    int is_series;
} cdt_field;

int cdt_field_plan(cdt_field *field, const size_t dim[4], int is_series);
int cdt_field_wants_series(const size_t dim[4]);
int cdt_field_encode(const cdt_field *field, const void *residuals, unsigned width, cdt_entropy *entropy);
int cdt_field_decode(const cdt_field *field, cdt_bytes *in, unsigned width, void *residuals);

#endif
