/* What the kernels of distances do with vectors besides arithmetic. */
typedef int32_t vi4 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int64_t vi8 __attribute__((vector_size(VECTOR_BYTES), may_alias));

/* The lesser and the larger number of each lane; a lane where a has the mask's bits, b elsewhere. */
#ifdef CDT_X86
#if CDT_SIMD == 512
#define LESSER_F4(a, b) ((vf4)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define LESSER_F8(a, b) ((vf8)_mm512_min_pd((__m512d)(a), (__m512d)(b)))
#define LARGER_F4(a, b) ((vf4)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define LARGER_F8(a, b) ((vf8)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#define LARGER_I4(a, b) ((vi4)_mm512_max_epi32((__m512i)(a), (__m512i)(b)))
#define LARGER_I8(a, b) ((vi8)_mm512_max_epi64((__m512i)(a), (__m512i)(b)))
#elif CDT_SIMD == 2
#define LESSER_F4(a, b) ((vf4)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define LESSER_F8(a, b) ((vf8)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
#define LARGER_F4(a, b) ((vf4)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define LARGER_F8(a, b) ((vf8)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define LARGER_I4(a, b) ((vi4)_mm256_max_epi32((__m256i)(a), (__m256i)(b)))
#else
#define LESSER_F4(a, b) ((vf4)_mm_min_ps((__m128)(a), (__m128)(b)))
#define LESSER_F8(a, b) ((vf8)_mm_min_pd((__m128d)(a), (__m128d)(b)))
#define LARGER_F4(a, b) ((vf4)_mm_max_ps((__m128)(a), (__m128)(b)))
#define LARGER_F8(a, b) ((vf8)_mm_max_pd((__m128d)(a), (__m128d)(b)))
#endif
#else
#define LESSER_F4(a, b) ((vf4)CHOSEN((a) < (b), (vi4)(a), (vi4)(b)))
#define LESSER_F8(a, b) ((vf8)CHOSEN((a) < (b), (vi8)(a), (vi8)(b)))
#define LARGER_F4(a, b) ((vf4)CHOSEN((a) > (b), (vi4)(a), (vi4)(b)))
#define LARGER_F8(a, b) ((vf8)CHOSEN((a) > (b), (vi8)(a), (vi8)(b)))
#endif
#ifndef LARGER_I4
#define LARGER_I4(a, b) CHOSEN((a) > (b), a, b)
#endif
#ifndef LARGER_I8
#define LARGER_I8(a, b) CHOSEN((a) > (b), a, b)
#endif
#define CHOSEN(mask, a, b) (((mask) & (a)) | (~(mask) & (b)))
#define CHOSEN_F8(mask, a, b) ((vf8)CHOSEN(mask, (vi8)(a), (vi8)(b)))

/* One instruction each, for which compilers take several. */
#if defined CDT_X86 && CDT_SIMD == 512
#undef LOAD_F4_WIDE
#define LOAD_F4_WIDE(p) ((vf8)_mm512_cvtps_pd(_mm256_loadu_ps(p)))
#elif defined CDT_X86 && CDT_SIMD == 2
#undef LOAD_F4_WIDE
#define LOAD_F4_WIDE(p) ((vf8)_mm256_cvtps_pd(_mm_loadu_ps(p)))
#endif

/* As many vectors as a vector has lanes become one vector of their sums: v[0] has the sum of v[i] in lane i. Halves are added to
 * halves, so that each step halves the number of vectors. */
#define FOLD_STEP(count, one, other, low, high)         \
    UNROLL                                              \
    for (int i = 0; i < (count); i++) {                 \
        const vector_ a = v[one], b = v[other];         \
        v[i] = __builtin_shufflevector(a, b, low) + __builtin_shufflevector(a, b, high); \
    }
#define LIST(...) __VA_ARGS__
#define FOLD_16_8 FOLD_STEP(8, 2 * i, 2 * i + 1, LIST(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), LIST(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define FOLD_16_4 FOLD_STEP(4, 2 * i, 2 * i + 1, LIST(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27), LIST(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#define FOLD_16_2 FOLD_STEP(2, 2 * i, 2 * i + 1, LIST(0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29), LIST(2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))
#define FOLD_16_1 FOLD_STEP(1, 2 * i, 2 * i + 1, LIST(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), LIST(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))
/* Of eight floats, all but the first step stay within halves, where moves are cheap. */
#define FOLD_8_4 FOLD_STEP(4, i, i + 4, LIST(0, 1, 2, 3, 8, 9, 10, 11), LIST(4, 5, 6, 7, 12, 13, 14, 15))
#define FOLD_8_2 FOLD_STEP(2, 2 * i, 2 * i + 1, LIST(0, 8, 1, 9, 4, 12, 5, 13), LIST(2, 10, 3, 11, 6, 14, 7, 15))
#define FOLD_8_1 FOLD_STEP(1, 2 * i, 2 * i + 1, LIST(0, 1, 8, 9, 4, 5, 12, 13), LIST(2, 3, 10, 11, 6, 7, 14, 15))
#define FOLD_4_2 FOLD_STEP(2, 2 * i, 2 * i + 1, LIST(0, 1, 4, 5), LIST(2, 3, 6, 7))
#define FOLD_4_1 FOLD_STEP(1, 2 * i, 2 * i + 1, LIST(0, 2, 4, 6), LIST(1, 3, 5, 7))
#define FOLD_2_1 FOLD_STEP(1, 2 * i, 2 * i + 1, LIST(0, 2), LIST(1, 3))

INLINE void LEVEL(fold_f4)(vf4 *v)
{
    typedef vf4 vector_;
#if CDT_SIMD == 512
    FOLD_16_8 FOLD_16_4 FOLD_16_2 FOLD_16_1
#elif CDT_SIMD == 2
    FOLD_8_4 FOLD_8_2 FOLD_8_1
#else
    FOLD_4_2 FOLD_4_1
#endif
}

INLINE void LEVEL(fold_f8)(vf8 *v)
{
    typedef vf8 vector_;
#if CDT_SIMD == 512
    FOLD_8_4 FOLD_8_2 FOLD_8_1
#elif CDT_SIMD == 2
    FOLD_4_2 FOLD_4_1
#else
    FOLD_2_1
#endif
}

/* The sum of a vector, in double. */
INLINE double LEVEL(sum_f8)(vf8 v)
{
#if CDT_SIMD == 512
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
#elif CDT_SIMD == 2
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
    return v[0] + v[1];
}

INLINE double LEVEL(sum_f4)(vf4 v)
{
    float numbers[LANES_F4] __attribute__((aligned(64)));
    STORE_F4(numbers, v);
    return LEVEL(sum_f8)(LOAD_F4_WIDE(numbers) + LOAD_F4_WIDE(numbers + LANES_F8));
}
