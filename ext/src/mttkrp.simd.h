/* Matricised tensor times Khatri-Rao product, and matrix products, for float and double. Contracts: cdt_mttkrp.h, cdt_product.h. */
#define REAL float
#define VECTOR vf4
#define LANES LANES_F4
#define LOAD LOAD_F4
#define STORE STORE_F4
#define NAME(x) LEVEL(x##_f4)
#include "mttkrp.template.h"
#include "product.template.h"
#undef REAL
#undef VECTOR
#undef LANES
#undef LOAD
#undef STORE
#undef NAME
#define REAL double
#define VECTOR vf8
#define LANES LANES_F8
#define LOAD LOAD_F8
#define STORE STORE_F8
#define NAME(x) LEVEL(x##_f8)
#include "mttkrp.template.h"
#include "product.template.h"
#undef REAL
#undef VECTOR
#undef LANES
#undef LOAD
#undef STORE
#undef NAME
