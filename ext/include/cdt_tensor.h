/* The tensor kernels of each level (cdt_levels.h), each family in ext/src/<family>.simd.h. Unlike the codec's, these may contract a
 * product and a sum into one operation: levels differ by rounding.
 */
#ifndef CDT_TENSOR_H
#define CDT_TENSOR_H
#include "cdt_levels.h"
#include "cdt_mttkrp.h"
#include "cdt_normal.h"
#include "cdt_product.h"
#include "cdt_status.h"
#include "cdt_tall.h"

struct cdt_kernels {
    cdt_mttkrp_kernels mttkrp;
    cdt_normal_kernels normal;
    cdt_tall_kernels tall[2]; /* of floats, of doubles */
    cdt_product_kernels product;
};

#endif
