/* Vectors as long as a register of the level, of float (vf4) and double (vf8); LANES_F4 and LANES_F8 numbers each.
 *
 * An array of accumulators stays in registers only where every loop over it is unrolled: UNROLL before each.
 */
#if CDT_SIMD == 512
#define VECTOR_BYTES 64
#elif CDT_SIMD == 2
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#define LANES_F4 (VECTOR_BYTES / 4)
#define LANES_F8 (VECTOR_BYTES / 8)
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float vf4 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef double vf8 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef float vf4_any __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(4)));
typedef double vf8_any __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(8)));
typedef float vf4_half __attribute__((vector_size(VECTOR_BYTES / 2), may_alias, aligned(4)));

/* Vectors at any address that a number of theirs may have. */
#define LOAD_F4(p) (*(const vf4_any *)(p))
#define LOAD_F8(p) (*(const vf8_any *)(p))
#define STORE_F4(p, v) (*(vf4_any *)(p) = (v))
#define STORE_F8(p, v) (*(vf8_any *)(p) = (v))

/* As many floats as a vector has doubles, as those; rounded when stored. */
#define LOAD_F4_WIDE(p) __builtin_convertvector(*(const vf4_half *)(p), vf8)
#define STORE_F4_NARROW(p, v) (*(vf4_half *)(p) = __builtin_convertvector(v, vf4_half))
