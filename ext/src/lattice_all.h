/* Every family of lattice kernels, and the table of this level. */
#include "vectors.simd.h"
#include "lattice_encode.simd.h"
#include "lattice_draw.simd.h"

const cdt_kernels LEVEL(cdt_kernels) = {
    .squares = {LEVEL(squares_f4), LEVEL(squares_f8)},
    .encode = {{LEVEL(encode_f4_32), LEVEL(encode_f4_64)}, {LEVEL(encode_f8_32), LEVEL(encode_f8_64)}},
    .add = {LEVEL(add_32), LEVEL(add_64)},
    .draw = LEVEL(draw),
    .draw_blocks = LEVEL(draw_blocks),
};
