#include "cdt_codes.h"

#include <stdlib.h>
#include <string.h>

#include "cdt_status.h"

/* The sample that the predictor is chosen on: rows of up to 128 codes, up to 16 along each other axis, 8192 in all. */
#define SAMPLE_SIZE 8192
#define SAMPLE_ROW 128
#define SAMPLE_SIDE 16

/* Transpose of an 8 x 8 bit matrix, row i in byte i (Warren, Hacker's Delight, 2nd ed., section 7-3). */
static inline uint64_t transposed(uint64_t x)
{
    uint64_t t;
    t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAu;
    x = x ^ t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCu;
    x = x ^ t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0u;
    return x ^ t ^ (t << 28);
}

#define U uint8_t
#define S int8_t
#define W 1
#include "codes.template.h"
#undef U
#undef S
#undef W

#define U uint16_t
#define S int16_t
#define W 2
#include "codes.template.h"
#undef U
#undef S
#undef W

#define U uint32_t
#define S int32_t
#define W 4
#include "codes.template.h"
#undef U
#undef S
#undef W

#define U uint64_t
#define S int64_t
#define W 8
#include "codes.template.h"
#undef U
#undef S
#undef W
