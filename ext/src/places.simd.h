/* Kernels of sets of places at one level: with masks where the instruction set has them, else bit by bit. */
#define BITS_OF(bits, i, byte) for (unsigned byte = (bits)[(i) / 8]; byte; byte &= byte - 1)

#define W 4
#define WORD int32_t
#define NAME(name) LEVEL(name##_4)
#if CDT_SIMD == 512
#define LANES 16
#define MASK __mmask16
#define PAIR uint32_t
#define SET _mm512_set1_epi32
#define STORE _mm512_mask_storeu_epi32
#define BLEND _mm512_mask_blend_epi32
#define SAME _mm512_cmpeq_epi32_mask
#elif CDT_SIMD == 2
#define SAME_8(at) (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_loadu_si256((const void *)(at)), all)))
#define SET _mm256_set1_epi32
#endif
#include "places.template.h"
#undef W
#undef WORD
#undef NAME
#undef LANES
#undef MASK
#undef PAIR
#undef SET
#undef STORE
#undef BLEND
#undef SAME
#undef SAME_8

#define W 8
#define WORD int64_t
#define NAME(name) LEVEL(name##_8)
#if CDT_SIMD == 512
#define LANES 8
#define MASK __mmask8
#define PAIR uint16_t
#define SET _mm512_set1_epi64
#define STORE _mm512_mask_storeu_epi64
#define BLEND _mm512_mask_blend_epi64
#define SAME _mm512_cmpeq_epi64_mask
#elif CDT_SIMD == 2
#define SAME_4(at) (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_loadu_si256((const void *)(at)), all)))
#define SAME_8(at) (SAME_4(at) | SAME_4((at) + 32) << 4)
#define SET _mm256_set1_epi64x
#endif
#include "places.template.h"
#undef W
#undef WORD
#undef NAME
#undef LANES
#undef MASK
#undef PAIR
#undef SET
#undef STORE
#undef BLEND
#undef SAME
#undef SAME_4
#undef SAME_8
#undef BITS_OF

static size_t LEVEL(places_count)(const uint8_t *bits, size_t n)
{
    size_t i = 0, count = 0;
    uint64_t word = 0;
    for (; i + 64 <= n; i += 64) {
        memcpy(&word, bits + i / 8, sizeof word);
        count += (size_t)__builtin_popcountll(word);
    }
    for (; i < n; i += 8) {
        const unsigned byte = n - i < 8 ? bits[i / 8] & ((1u << (n - i)) - 1) : bits[i / 8];
        count += (size_t)__builtin_popcount(byte);
    }
    return count;
}

static void LEVEL(places_pack)(const uint8_t *bytes, size_t n, uint8_t *bits)
{
    size_t i = 0;
#if CDT_SIMD == 512
    for (; i + 64 <= n; i += 64) {
        const __m512i some = _mm512_loadu_si512(bytes + i);
        const __mmask64 there = _mm512_test_epi8_mask(some, some);
        memcpy(bits + i / 8, &there, sizeof there);
    }
#elif CDT_SIMD == 2
    for (; i + 32 <= n; i += 32) {
        const __m256i none = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(bytes + i)), _mm256_setzero_si256());
        const uint32_t there = ~(uint32_t)_mm256_movemask_epi8(none);
        memcpy(bits + i / 8, &there, sizeof there);
    }
#endif
    for (; i < n; i += 8) {
        unsigned there = 0;
        for (unsigned j = 0; j < 8 && i + j < n; j++) there |= (unsigned)(bytes[i + j] != 0) << j;
        bits[i / 8] = (uint8_t)there;
    }
}

static size_t LEVEL(places_squeeze)(const uint8_t *bytes, size_t n, uint8_t *flags, uint8_t *out)
{
    size_t i = 0, count = 0;
#if CDT_SIMD == 512
    for (; i + 64 <= n; i += 64) {
        const __m512i some = _mm512_loadu_si512(bytes + i);
        const __mmask64 there = _mm512_test_epi8_mask(some, some);
        memcpy(flags + i / 8, &there, sizeof there);
        _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi8(there, some));
        count += (size_t)__builtin_popcountll(there);
    }
#elif CDT_SIMD == 2
    for (; i + 32 <= n; i += 32) {
        const __m256i none = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(bytes + i)), _mm256_setzero_si256());
        const uint32_t there = ~(uint32_t)_mm256_movemask_epi8(none);
        memcpy(flags + i / 8, &there, sizeof there);
        for (size_t part = 0; part < 32; part += 8) {
            uint64_t eight;
            memcpy(&eight, bytes + i + part, sizeof eight);
            const uint64_t which = _pdep_u64(there >> part & 255u, 0x0101010101010101u);
            eight = _pext_u64(eight, which * 255u);
            memcpy(out + count, &eight, sizeof eight);
            count += (size_t)__builtin_popcountll(which);
        }
    }
#endif
    for (; i < n; i += 8) {
        unsigned there = 0;
        for (unsigned j = 0; j < 8 && i + j < n; j++) {
            out[count] = bytes[i + j];
            there |= (unsigned)(bytes[i + j] != 0) << j;
            count += bytes[i + j] != 0;
        }
        flags[i / 8] = (uint8_t)there;
    }
    return count;
}

static void LEVEL(places_expand)(const uint8_t *flags, size_t n, const uint8_t *in, uint8_t *bytes)
{
    size_t i = 0;
#if CDT_SIMD == 512
    for (; i + 64 <= n; i += 64) {
        __mmask64 there;
        memcpy(&there, flags + i / 8, sizeof there);
        const size_t count = (size_t)__builtin_popcountll(there);
        const __mmask64 read = count < 64 ? ((__mmask64)1 << count) - 1 : ~(__mmask64)0;
        _mm512_storeu_si512(bytes + i, _mm512_maskz_expand_epi8(there, _mm512_maskz_loadu_epi8(read, in)));
        in += count;
    }
#endif
    for (; i < n; i++) {
        const unsigned there = flags[i / 8] >> (i % 8) & 1u;
        bytes[i] = there ? *in : 0;
        in += there;
    }
}
