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

/* Bytes of a row as 32-bit numbers, and back; of numbers beyond bytes, the low byte. */
#if CDT_SIMD == 512
#define WIDENED(bytes, q) ((vi4)_mm512_cvtepi8_epi32(((const __m128i *)(bytes))[q]))
#define NARROWED(wide) ((vi1_quarter)_mm512_cvtepi32_epi8((__m512i)(wide)))
#elif CDT_SIMD == 2
#define WIDENED(bytes, q) ((vi4)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)((const vi1_quarter *)(bytes) + (q)))))
static inline vi1_quarter LEVEL(narrowed)(vi4 wide)
{
    const __m256i bytes = _mm256_shuffle_epi8((__m256i)wide, _mm256_setr_epi32(0x0c080400, -1, -1, -1, 0x0c080400, -1, -1, -1));
    const __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    const int64_t both = _mm_cvtsi128_si64(_mm_unpacklo_epi32(low, high));
    return (vi1_quarter)both;
}
#define NARROWED(wide) LEVEL(narrowed)(wide)
#else
#define WIDENED(bytes, q) __builtin_convertvector(((const vi1_quarter *)(bytes))[q], vi4)
#define NARROWED(wide) __builtin_convertvector(wide, vi1_quarter)
#endif

/* 64-bit numbers, each with the one beside it changed. */
#if VECTOR_BYTES == 64
#define SWAPPED(x) __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6)
#elif VECTOR_BYTES == 32
#define SWAPPED(x) __builtin_shufflevector(x, x, 1, 0, 3, 2)
#else
#define SWAPPED(x) __builtin_shufflevector(x, x, 1, 0)
#endif
