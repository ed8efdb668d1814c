/* Integers and the nearest multiples of an odd width, for each type of integers (CDT_I1 .. CDT_U8); cdt_map.h is what they are for. */
#ifndef CDT_STEPS_H
#define CDT_STEPS_H
#include <stddef.h>
#include <stdint.h>

enum { CDT_INTEGERS = 8 };

typedef struct {
    /* Codes of n numbers x: of 8 bytes for numbers of 8, else of 4. Those that are a missing code, or would become one, repeat the
     * code before; their bits are set in `exact` (zeros before), and *n_exact is how many they are. Returns the largest error of the
     * others. width: 2 step + 1, with step at least 1 and below 2^(bits - 1). */
    double (*encode[CDT_INTEGERS])(uint64_t width, const void *x, size_t n, const void *missing, size_t n_missing, void *codes,
                                   uint8_t *exact, size_t *n_exact);
    /* code * width, or the nearest number of the type. */
    void (*decode[CDT_INTEGERS])(uint64_t width, const void *codes, size_t n, void *y);
} cdt_step_kernels;

#endif
