/* Codes to residuals (differences along axes), residuals to bytes with contexts, and back.
 *
 * `width`: bytes of a code or residual, 4 or 8; codes are unsigned, residuals the same bits read with a sign. `dim`: batch, z, y, x,
 * with x fastest, 1 or more each. The memory of arrays is the caller's, and what is said to be read is not changed.
 */
#ifndef CDT_RESIDUALS_H
#define CDT_RESIDUALS_H
#include "cdt_bytes.h"
#include "cdt_contexts.h"

/* Columns that a series is cut into, so that the points before one are in the rows above it: more where it is long. */
#define CDT_LONG_SERIES 32768
#define CDT_LONG_COLUMNS 256
#define CDT_SHORT_COLUMNS 64

/* How often to take differences along each axis, 0 to 2; codes are read. `thorough`: look at more of them, for longer. */
void cdt_orders_choose(const void *codes, unsigned width, const size_t dim[4], int thorough, uint8_t orders[4]);

/* Codes become residuals in their place, and codes again; modulo 2^32 or 2^64 (cdt_lorenzo.h). Neither can fail. */
void cdt_difference(void *codes, unsigned width, const size_t dim[4], const uint8_t orders[4]);
void cdt_cumulate(void *codes, unsigned width, const size_t dim[4], const uint8_t orders[4]);

/* Tokens and extra bits, in memory of their own until they are joined. Zero before it starts; ending frees all of it, whether it
 * started, failed or neither. */
typedef struct {
    uint8_t *tokens, *activity; /* pyramid->values bytes and twice CDT_SPARE each; `activity` is work space */
    uint8_t *extra, *coded;     /* extra bits in whole bytes, and what cdt_contexts_encode makes of the tokens */
    size_t extra_size, coded_size;
} cdt_entropy;

/* Room for the tokens of a pyramid, and for the extra bits of `n` residuals. CDT_NO_MEMORY. */
int cdt_entropy_start(cdt_entropy *entropy, const cdt_pyramid *pyramid, size_t n, unsigned width);
void cdt_entropy_end(cdt_entropy *entropy);

/* Write the number of bytes of extra bits, these, and the coded tokens; returns their end. At most so many bytes as the size says. */
size_t cdt_entropy_size(const cdt_entropy *entropy);
uint8_t *cdt_entropy_put(uint8_t *at, const cdt_entropy *entropy);

/* A field of `n` residuals, as a pyramid that is not split: rows along x, or, where it `is_series`, one long row that is cut into
 * stretches, which are the columns of the pyramid's rows (some places are left over). It owns no memory. */
typedef struct {
    cdt_pyramid pyramid;
    size_t n;
    int is_series;
} cdt_field;

/* CDT_BAD_ARGUMENT: an axis of length 0, or more places than 2^24. */
int cdt_field_plan(cdt_field *field, const size_t dim[4], int is_series);

/* Whether an encoder takes such a field as a series: it has few rows, and long ones. */
int cdt_field_wants_series(const size_t dim[4]);

/* The field's n residuals, which are read, to what can be put. The caller ends `entropy`, whatever is returned. CDT_NO_MEMORY. */
int cdt_field_encode(const cdt_field *field, const void *residuals, unsigned width, cdt_entropy *entropy);

/* All bytes that are left of `in` to the field's n residuals. CDT_CORRUPT: they are not those of such a field, and the residuals are
 * arbitrary. CDT_NO_MEMORY. */
int cdt_field_decode(const cdt_field *field, cdt_bytes *in, unsigned width, void *residuals);

#endif
