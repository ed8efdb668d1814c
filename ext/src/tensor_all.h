/* Every family of tensor kernels, and the table of this level. */
#include "vectors.simd.h"
#include "mttkrp.simd.h"
#include "normal.simd.h"
#include "tall.simd.h"

const cdt_kernels LEVEL(cdt_kernels) = {
    .mttkrp = {LEVEL(mttkrp_f4), LEVEL(mttkrp_f8), LEVEL(mttkrp_fold_f4), LEVEL(mttkrp_fold_f8)},
    .normal = {LEVEL(normal_moments_f4), LEVEL(normal_moments_f8), LEVEL(normal_product_f4), LEVEL(normal_product_f8)},
    .tall = {TALL_OF(f4), TALL_OF(f8)},
    .product = {LEVEL(product_f4), LEVEL(product_f8)},
};
