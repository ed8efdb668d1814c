#include "cdt_lattice.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cdt_status.h"

/* Values per tile: codes and values of a tile stay in the first-level cache between the two looks at them. */
#define TILE 1024

#define T float
#define U uint32_t
#define S int32_t
#define SUFFIX f4
#define RINT rintf
#define LIMIT 1073741824.0f /* 2^30: k fits, and one difference of two k too */
#define SIGN 0x80000000u
#include "lattice_float.template.h"
#undef T
#undef U
#undef S
#undef SUFFIX
#undef RINT
#undef LIMIT
#undef SIGN

#define T double
#define U uint64_t
#define S int64_t
#define SUFFIX f8
#define RINT rint
#define LIMIT 4503599627370496.0 /* 2^52: every k is an exact double */
#define SIGN 0x8000000000000000u
#include "lattice_float.template.h"
#undef T
#undef U
#undef S
#undef SUFFIX
#undef RINT
#undef LIMIT
#undef SIGN

#define T int8_t
#define U uint8_t
#define SUFFIX i1
#define LOWEST ((U)0x80u)
#include "lattice_int.template.h"
#undef T
#undef SUFFIX
#undef LOWEST
#define T uint8_t
#define SUFFIX u1
#define LOWEST ((U)0)
#include "lattice_int.template.h"
#undef T
#undef U
#undef SUFFIX
#undef LOWEST

#define T int16_t
#define U uint16_t
#define SUFFIX i2
#define LOWEST ((U)0x8000u)
#include "lattice_int.template.h"
#undef T
#undef SUFFIX
#undef LOWEST
#define T uint16_t
#define SUFFIX u2
#define LOWEST ((U)0)
#include "lattice_int.template.h"
#undef T
#undef U
#undef SUFFIX
#undef LOWEST

#define T int32_t
#define U uint32_t
#define SUFFIX i4
#define LOWEST ((U)0x80000000u)
#include "lattice_int.template.h"
#undef T
#undef SUFFIX
#undef LOWEST
#define T uint32_t
#define SUFFIX u4
#define LOWEST ((U)0)
#include "lattice_int.template.h"
#undef T
#undef U
#undef SUFFIX
#undef LOWEST

#define T int64_t
#define U uint64_t
#define SUFFIX i8
#define LOWEST ((U)0x8000000000000000u)
#include "lattice_int.template.h"
#undef T
#undef SUFFIX
#undef LOWEST
#define T uint64_t
#define SUFFIX u8
#define LOWEST ((U)0)
#include "lattice_int.template.h"
#undef T
#undef U
#undef SUFFIX
#undef LOWEST
