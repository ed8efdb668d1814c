/* Whole numbers of up to four axes, most of them small or zero, as an adaptive binary code (FORMAT.md, "Tensor streams").
 *
 * Each number is coded as decisions on its magnitude and its sign. The chance of a decision is mixed (Mahoney 2005, "Adaptive weighing
 * of context models for lossless data compression") from what was seen in eight contexts made of the magnitudes before it
 * and of its place. All arithmetic is on integers, or on doubles in a fixed order, so that every machine has the same chances. */
#ifndef CDT_COEFFICIENTS_H
#define CDT_COEFFICIENTS_H
#include <stddef.h>
#include <stdint.h>

enum { CDT_COEFFICIENT_AXES = 4 };

/* The largest magnitude that is coded. */
#define CDT_LARGEST_COEFFICIENT ((int32_t)1 << 29)

/* What is coded: lengths of four axes (leading ones may be 1), none zero, and whether an axis has the bands of a wavelet in it, of
 * which each is followed by the one of twice its length. */
typedef struct {
    size_t lengths[CDT_COEFFICIENT_AXES];
    int dyadic[CDT_COEFFICIENT_AXES];
} cdt_coefficient_grid;

/* Bytes that the code of `grid` takes at most, 0 when that is no number of the machine. */
size_t cdt_coefficients_room(const cdt_coefficient_grid *grid);

/* A code that is being written or read, a few numbers at a time: a caller may stop between them. */
typedef struct cdt_coefficient_coder cdt_coefficient_coder;

/* Begin to encode `numbers`, in C order, into `out` of `room` bytes; all three stay the caller's.
 * CDT_BAD_ARGUMENT: a length of 0, a magnitude above the largest. CDT_NO_MEMORY. `made` is NULL then. */
int cdt_coefficients_encoder(const cdt_coefficient_grid *grid, const int32_t *numbers, uint8_t *out, size_t room, cdt_coefficient_coder **made);

/* Begin to decode `length` bytes into `numbers`, in C order; else as above. */
int cdt_coefficients_decoder(const cdt_coefficient_grid *grid, const uint8_t *code, size_t length, int32_t *numbers, cdt_coefficient_coder **made);

/* Code the next `count` numbers, or as many as are left, of which `left` receives the number afterwards. CDT_CORRUPT, when decoding: the
 * code goes on behind its last byte, or has a number beyond the largest. */
int cdt_coefficients_go_on(cdt_coefficient_coder *coder, size_t count, size_t *left);

/* End a code that was written whole: `used` receives its bytes. CDT_BAD_ARGUMENT: there was too little room. */
int cdt_coefficients_close(cdt_coefficient_coder *coder, size_t *used);

/* Give the coder's own memory back; of NULL, nothing. */
void cdt_coefficients_free(cdt_coefficient_coder *coder);

#endif
