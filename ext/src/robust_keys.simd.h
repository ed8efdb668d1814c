/* Numbers as keys: vectors whose order under KEY_MIN and KEY_MAX is the total order of the finite numbers, -0.0 below 0.0.
 *
 * Two forms, whichever the level compares faster:
 *   integers   of the bits of x: those of a negative number but its sign are turned round;
 *   floats     negative numbers moved one place away from zero, so that -0.0 is the smallest subnormal below 0.0, and the largest
 *              in magnitude an infinity: no two keys are equal that were not equal in bits.
 * Both are one to one on finite numbers, and put NaN and infinities at or beyond the keys of the infinities.
 */
#if CDT_SIMD == 512
#define WIDE(name) _mm512_##name
#define WIDE_INTEGERS __m512i
#define WIDE_FLOATS __m512
#define WIDE_DOUBLES __m512d
#elif CDT_SIMD == 2
#define WIDE(name) _mm256_##name
#define WIDE_INTEGERS __m256i
#define WIDE_FLOATS __m256
#define WIDE_DOUBLES __m256d
#elif defined CDT_X86
#define WIDE(name) _mm_##name
#define WIDE_FLOATS __m128
#define WIDE_DOUBLES __m128d
#endif

typedef int32_t vi4 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int64_t vi8 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef uint32_t vu4 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef uint64_t vu8 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int32_t vi4_any __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(4)));
typedef int64_t vi8_any __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(8)));

/* The bits of a number as those of a key, as integers (the same function turns them back), and as floats. */
#define KEY_FUNCTIONS(F, signs)                                                     \
    INLINE vi##F LEVEL(integer_key_f##F)(vi##F bits)                                \
    {                                                                               \
        return bits ^ (vi##F)((vu##F)(bits >> signs) >> 1);                         \
    }                                                                               \
    INLINE vi##F LEVEL(float_key_f##F)(vi##F bits)                                  \
    {                                                                               \
        return bits + (vi##F)((vu##F)bits >> signs);                                \
    }                                                                               \
    INLINE vi##F LEVEL(float_number_f##F)(vi##F key)                                \
    {                                                                               \
        return key - (vi##F)((vu##F)key >> signs);                                  \
    }
KEY_FUNCTIONS(4, 31)
KEY_FUNCTIONS(8, 63)

/* Where there is no instruction for it. */
#define PLAIN_MIN(I, a, b) (((a) & ((a) < (b))) | ((b) & ~((a) < (b))))
#define PLAIN_MAX(I, a, b) (((a) & ((a) > (b))) | ((b) & ~((a) > (b))))

#if !defined CDT_X86
typedef vi4 key_f4;
#define MIN_F4(a, b) PLAIN_MIN(vi4, a, b)
#define MAX_F4(a, b) PLAIN_MAX(vi4, a, b)
#elif CDT_SIMD >= 2
typedef vi4 key_f4;
#define MIN_F4(a, b) ((vi4)WIDE(min_epi32)((WIDE_INTEGERS)(a), (WIDE_INTEGERS)(b)))
#define MAX_F4(a, b) ((vi4)WIDE(max_epi32)((WIDE_INTEGERS)(a), (WIDE_INTEGERS)(b)))
#else
#define FLOAT_KEYS_F4
typedef vf4 key_f4;
#define MIN_F4(a, b) ((vf4)_mm_min_ps((__m128)(a), (__m128)(b)))
#define MAX_F4(a, b) ((vf4)_mm_max_ps((__m128)(a), (__m128)(b)))
#endif

/* The larger of two keys, of which `low` is the smaller. With AVX-512, integers are compared on one port, but the exclusive or of
 * three, which gives the same, is made on two. */
#if defined CDT_X86 && CDT_SIMD == 512
#define OTHER_F4(a, b, low) ((vi4)_mm512_ternarylogic_epi32((__m512i)(a), (__m512i)(b), (__m512i)(low), 0x96))
#else
#define OTHER_F4(a, b, low) MAX_F4(a, b)
#endif
#define OTHER_F8(a, b, low) MAX_F8(a, b)

#if !defined CDT_X86
typedef vi8 key_f8;
#define MIN_F8(a, b) PLAIN_MIN(vi8, a, b)
#define MAX_F8(a, b) PLAIN_MAX(vi8, a, b)
#else
#define FLOAT_KEYS_F8
typedef vf8 key_f8;
#define MIN_F8(a, b) ((vf8)WIDE(min_pd)((WIDE_DOUBLES)(a), (WIDE_DOUBLES)(b)))
#define MAX_F8(a, b) ((vf8)WIDE(max_pd)((WIDE_DOUBLES)(a), (WIDE_DOUBLES)(b)))
#endif

#ifdef FLOAT_KEYS_F4
#define ENCODE_F4(bits) ((key_f4)LEVEL(float_key_f4)(bits))
#define DECODE_F4(key) LEVEL(float_number_f4)((vi4)(key))
#define ORDER_OF_KEY_F4(key) LEVEL(integer_key_f4)(DECODE_F4(key))
#define KEY_OF_ORDER_F4(order) ENCODE_F4(LEVEL(integer_key_f4)(order))
#define TOP_F4 INFINITY
#define BOTTOM_F4 (-INFINITY)
#else
#define ENCODE_F4(bits) LEVEL(integer_key_f4)(bits)
#define DECODE_F4(key) LEVEL(integer_key_f4)(key)
#define ORDER_OF_KEY_F4(key) (key)
#define KEY_OF_ORDER_F4(order) (order)
#define TOP_F4 INT32_MAX
#define BOTTOM_F4 INT32_MIN
#endif
#ifdef FLOAT_KEYS_F8
#define ENCODE_F8(bits) ((key_f8)LEVEL(float_key_f8)(bits))
#define DECODE_F8(key) LEVEL(float_number_f8)((vi8)(key))
#define ORDER_OF_KEY_F8(key) LEVEL(integer_key_f8)(DECODE_F8(key))
#define KEY_OF_ORDER_F8(order) ENCODE_F8(LEVEL(integer_key_f8)(order))
#define TOP_F8 ((double)INFINITY)
#define BOTTOM_F8 (-(double)INFINITY)
#else
#define ENCODE_F8(bits) LEVEL(integer_key_f8)(bits)
#define DECODE_F8(key) LEVEL(integer_key_f8)(key)
#define ORDER_OF_KEY_F8(key) (key)
#define KEY_OF_ORDER_F8(order) (order)
#define TOP_F8 INT64_MAX
#define BOTTOM_F8 INT64_MIN
#endif

#define CHOOSE(mask, a, b) (((a) & (mask)) | ((b) & ~(mask)))

/* The lesser and the larger number of each lane; the second one where the first is NaN. */
#ifdef CDT_X86
#define LESSER_F4(a, b) ((vf4)WIDE(min_ps)((WIDE_FLOATS)(a), (WIDE_FLOATS)(b)))
#define LARGER_F4(a, b) ((vf4)WIDE(max_ps)((WIDE_FLOATS)(a), (WIDE_FLOATS)(b)))
#define LESSER_F8(a, b) ((vf8)WIDE(min_pd)((WIDE_DOUBLES)(a), (WIDE_DOUBLES)(b)))
#define LARGER_F8(a, b) ((vf8)WIDE(max_pd)((WIDE_DOUBLES)(a), (WIDE_DOUBLES)(b)))
#else
#define LESSER_F4(a, b) ((vf4)CHOOSE((a) < (b), (vi4)(a), (vi4)(b)))
#define LARGER_F4(a, b) ((vf4)CHOOSE((a) > (b), (vi4)(a), (vi4)(b)))
#define LESSER_F8(a, b) ((vf8)CHOOSE((a) < (b), (vi8)(a), (vi8)(b)))
#define LARGER_F8(a, b) ((vf8)CHOOSE((a) > (b), (vi8)(a), (vi8)(b)))
#endif

/* As many doubles as a vector has, the h-th so many numbers of bits. */
#define SHARE_F4(bits, h) __builtin_convertvector(((const vf4_half *)&(bits))[h], vf8)
#define SHARE_F8(bits, h) ((vf8)(bits))

/* Counts, one more where a key is above a pivot, or so many votes; the least of the keys from a pivot on; the largest of those
 * that are not above it. */
#define BLEND(I, mask, a, b) CHOOSE(mask, (I)(a), (I)(b))
#if defined CDT_X86 && CDT_SIMD == 512
#define ONE_MORE(lanes, count, mask) _mm512_mask_sub_##lanes((__m512i)(count), mask, (__m512i)(count), _mm512_set1_epi32(-1))
#define ABOVE_F4(key, pivot) _mm512_cmpgt_epi32_mask((__m512i)(key), (__m512i)(pivot))
#define ADD_ABOVE_F4(count, key, pivot) ((vi4)ONE_MORE(epi32, count, ABOVE_F4(key, pivot)))
#define MIN_FROM_F4(least, key, pivot) \
    ((vi4)_mm512_mask_min_epi32((__m512i)(least), (__mmask16)~ABOVE_F4(pivot, key), (__m512i)(least), (__m512i)(key)))
#define MAX_NOT_ABOVE_F4(largest, key, pivot) \
    ((vi4)_mm512_mask_max_epi32((__m512i)(largest), (__mmask16)~ABOVE_F4(key, pivot), (__m512i)(largest), (__m512i)(key)))
#define ADD_VOTES_ABOVE_F4(count, key, pivot, votes) \
    ((vi4)_mm512_mask_add_epi32((__m512i)(count), ABOVE_F4(key, pivot), (__m512i)(count), _mm512_set1_epi32(votes)))
#define ABOVE_F8(key, pivot) _mm512_cmp_pd_mask((__m512d)(key), (__m512d)(pivot), _CMP_GT_OQ)
#define ADD_ABOVE_F8(count, key, pivot) ((vi8)ONE_MORE(epi64, count, ABOVE_F8(key, pivot)))
#define MIN_FROM_F8(least, key, pivot) \
    ((vf8)_mm512_mask_min_pd((__m512d)(least), (__mmask8)~ABOVE_F8(pivot, key), (__m512d)(least), (__m512d)(key)))
#define MAX_NOT_ABOVE_F8(largest, key, pivot) \
    ((vf8)_mm512_mask_max_pd((__m512d)(largest), (__mmask8)~ABOVE_F8(key, pivot), (__m512d)(largest), (__m512d)(key)))
#define ADD_VOTES_ABOVE_F8(count, key, pivot, votes) \
    ((vi8)_mm512_mask_add_epi64((__m512i)(count), ABOVE_F8(key, pivot), (__m512i)(count), _mm512_set1_epi64(votes)))
#else
#define ADD_VOTES_ABOVE_F4(count, key, pivot, votes) ((count) + (((key) > (pivot)) & (votes)))
#define ADD_VOTES_ABOVE_F8(count, key, pivot, votes) ((count) + (((key) > (pivot)) & (votes)))
#define ADD_ABOVE_F4(count, key, pivot) ((count) - ((key) > (pivot)))
#define MIN_FROM_F4(least, key, pivot) MIN_F4(least, (key_f4)BLEND(vi4, (key) >= (pivot), key, (key_f4){0} + TOP_F4))
#define MAX_NOT_ABOVE_F4(largest, key, pivot) MAX_F4(largest, (key_f4)BLEND(vi4, (key) > (pivot), (key_f4){0} + BOTTOM_F4, key))
#define ADD_ABOVE_F8(count, key, pivot) ((count) - ((key) > (pivot)))
#define MIN_FROM_F8(least, key, pivot) MIN_F8(least, (key_f8)BLEND(vi8, (key) >= (pivot), key, (key_f8){0} + TOP_F8))
#define MAX_NOT_ABOVE_F8(largest, key, pivot) MAX_F8(largest, (key_f8)BLEND(vi8, (key) > (pivot), (key_f8){0} + BOTTOM_F8, key))
#endif
