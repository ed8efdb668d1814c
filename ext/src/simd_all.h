/* Every family of kernels, and the table of this level. */
#include "planes.simd.h"
#include "rans.simd.h"

const cdt_kernels LEVEL(cdt_kernels) = {
    .planes = {LEVEL(planes_encode_4), LEVEL(planes_decode_4), LEVEL(planes_encode_8), LEVEL(planes_decode_8)},
    .rans = {LEVEL(rans_encode_row), LEVEL(rans_decode_row), LEVEL(tokens_split_4), LEVEL(tokens_join_4),
             LEVEL(tokens_split_8), LEVEL(tokens_join_8)},
};
