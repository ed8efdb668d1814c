/* The families of robust kernels for numbers of one type (robust_all.h). */
#include "robust_tile.template.h"
#include "robust_sort.template.h"
#include "robust_count.template.h"
#include "robust_median.template.h"

#undef NUMBER
#undef KEY
#undef BITS
#undef BITS_ANY
#undef LANES
#undef UNSIGNED
#undef WORD
#undef ADD_ABOVE
#undef MIN_ABOVE
#undef MAX_NOT_ABOVE
#undef ORDER_OF_KEY
#undef KEY_OF_ORDER
#undef KEY_MIN
#undef KEY_MAX
#undef ENCODE
#undef DECODE
#undef KEY_TOP
#undef KEY_BOTTOM
#undef FLOATS
#undef ROBUST
