/* Tensor kernels that are compiled once for each instruction set, and chosen when the library is loaded.
 *
 * Each family, ext/src/<family>.simd.h, is included (through tensor_all.h) by tensor_baseline.c, tensor_avx2.c and
 * tensor_avx512.c with CDT_SIMD set to 0, 2 or 512; LEVEL(name) is the level's own name of a function. Unlike the codec's,
 * these kernels may contract a product and a sum into one operation: levels differ by rounding.
 */
#ifndef CDT_TENSOR_H
#define CDT_TENSOR_H
#include "cdt_mttkrp.h"
#include "cdt_product.h"
#include "cdt_normal.h"
#include "cdt_status.h"
#include "cdt_tall.h"

typedef struct {
    cdt_mttkrp_kernels mttkrp;
    cdt_normal_kernels normal;
    cdt_tall_kernels tall[2]; /* of floats, of doubles */
    cdt_product_kernels product;
} cdt_tensor_kernels;

/* The kernels in use: the best that this machine has, unless cdt_use_tensor_kernels chose others. */
const cdt_tensor_kernels *cdt_active_tensor_kernels(void);

/* Their name: "baseline", "avx2" or "avx512". */
const char *cdt_tensor_kernels_name(void);

/* Use the kernels of that name (NULL: the best). CDT_BAD_ARGUMENT: no such name, or not on this machine. */
int cdt_use_tensor_kernels(const char *name);

#endif
