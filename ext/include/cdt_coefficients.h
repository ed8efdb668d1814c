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

/* Encode numbers in C order into `out` of `room` bytes; `used` receives how many were written.
 * CDT_BAD_ARGUMENT: a length of 0, a magnitude above the largest, or too little room. */
int cdt_coefficients_encode(const cdt_coefficient_grid *grid, const int32_t *numbers, uint8_t *out, size_t room, size_t *used);

/* Decode `length` bytes into numbers in C order. CDT_CORRUPT: the code goes on behind its last byte, or has a number beyond the
 * largest. */
int cdt_coefficients_decode(const cdt_coefficient_grid *grid, const uint8_t *code, size_t length, int32_t *numbers);

#endif
