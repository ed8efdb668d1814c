/* Rows of 64 replicas as vectors of bytes, of 32-bit integers and of floats. */
#include "vectors.simd.h"

#define PARTS (64 / VECTOR_BYTES)   /* vectors of bytes of a row */
#define QUARTERS (256 / VECTOR_BYTES) /* vectors of 32-bit numbers of a row */

typedef int8_t vi1 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef uint8_t vu1 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int32_t vi4 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef uint32_t vu4 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef uint64_t vu8 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int8_t vi1_quarter __attribute__((vector_size(VECTOR_BYTES / 4), may_alias));

#define EACH_PART UNROLL for (int p = 0; p < PARTS; p++)
#define EACH_QUARTER UNROLL for (int q = 0; q < QUARTERS; q++)

/* Bytes of a row as 32-bit numbers, and back; numbers beyond bytes are cut. */
#define WIDENED(bytes, q) __builtin_convertvector(((const vi1_quarter *)(bytes))[q], vi4)
#define NARROWED(wide) __builtin_convertvector(wide, vi1_quarter)

/* 64-bit numbers, each with the one beside it changed. */
#if VECTOR_BYTES == 64
#define SWAPPED(x) __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6)
#elif VECTOR_BYTES == 32
#define SWAPPED(x) __builtin_shufflevector(x, x, 1, 0, 3, 2)
#else
#define SWAPPED(x) __builtin_shufflevector(x, x, 1, 0)
#endif
