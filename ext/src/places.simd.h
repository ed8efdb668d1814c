/* Kernels of sets of places at one level: with masks where the instruction set has them, else bit by bit. */
#define BITS_OF(bits, i, byte) for (unsigned byte = (bits)[(i) / 8]; byte; byte &= byte - 1)

#define W 4
#define WORD int32_t
#define NAME(name) LEVEL(name##_4)
#if CDT_SIMD == 512
#define LANES 16
#define MASK __mmask16
#define PAIR uint32_t
#define V __m512i
#define LOAD _mm512_loadu_si512
#define SET _mm512_set1_epi32
#define STORE _mm512_mask_storeu_epi32
#define BLEND _mm512_mask_blend_epi32
#define SAME _mm512_cmpeq_epi32_mask
#elif CDT_SIMD == 2
#define LANES 8
#define MASK uint8_t
#define PAIR uint16_t
#define V __m256i
#define LOAD(at) _mm256_loadu_si256((const void *)(at))
#define SET _mm256_set1_epi32
#define STORE LEVEL(places_store_4)
#define BLEND LEVEL(places_blend_4)
#define SAME LEVEL(places_same_4)

/* The second where the mask is 1. */
static inline __m256i BLEND(uint8_t mask, __m256i first, __m256i second)
{
    const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128), all = _mm256_set1_epi32(mask);
    return _mm256_blendv_epi8(first, second, _mm256_cmpeq_epi32(_mm256_and_si256(all, each), each));
}

static inline void STORE(uint8_t *at, uint8_t mask, __m256i numbers)
{
    _mm256_storeu_si256((void *)at, BLEND(mask, LOAD(at), numbers));
}

static inline uint8_t SAME(__m256i a, __m256i b)
{
    return (uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)));
}
#endif
#include "places.template.h"

#define W 8
#define WORD int64_t
#define NAME(name) LEVEL(name##_8)
#if CDT_SIMD == 512
#define LANES 8
#define MASK __mmask8
#define PAIR uint16_t
#define V __m512i
#define LOAD _mm512_loadu_si512
#define SET _mm512_set1_epi64
#define STORE _mm512_mask_storeu_epi64
#define BLEND _mm512_mask_blend_epi64
#define SAME _mm512_cmpeq_epi64_mask
#elif CDT_SIMD == 2
#define LANES 8
#define MASK uint8_t
#define PAIR uint16_t
#define V LEVEL(places_eight)
#define LOAD LEVEL(places_load_8)
#define SET LEVEL(places_set_8)
#define STORE LEVEL(places_store_8)
#define BLEND LEVEL(places_blend_8)
#define SAME LEVEL(places_same_8)

/* Eight numbers of 8 bytes, for masks of whole bytes. */
typedef struct {
    __m256i low, high;
} V;

static inline V LOAD(const uint8_t *at)
{
    return (V){_mm256_loadu_si256((const void *)at), _mm256_loadu_si256((const void *)(at + 32))};
}

static inline V SET(int64_t number)
{
    return (V){_mm256_set1_epi64x(number), _mm256_set1_epi64x(number)};
}

static inline V BLEND(uint8_t mask, V first, V second)
{
    const __m256i low = _mm256_setr_epi64x(1, 2, 4, 8), high = _mm256_setr_epi64x(16, 32, 64, 128), all = _mm256_set1_epi64x(mask);
    return (V){_mm256_blendv_epi8(first.low, second.low, _mm256_cmpeq_epi64(_mm256_and_si256(all, low), low)),
               _mm256_blendv_epi8(first.high, second.high, _mm256_cmpeq_epi64(_mm256_and_si256(all, high), high))};
}

static inline void STORE(uint8_t *at, uint8_t mask, V numbers)
{
    const V stored = BLEND(mask, LOAD(at), numbers);
    _mm256_storeu_si256((void *)at, stored.low);
    _mm256_storeu_si256((void *)(at + 32), stored.high);
}

static inline uint8_t SAME(V a, V b)
{
    const int low = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(a.low, b.low)));
    const int high = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(a.high, b.high)));
    return (uint8_t)(low | high << 4);
}
#endif
#include "places.template.h"
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

static void LEVEL(places_expand)(const uint8_t *flags, size_t n, const uint8_t *in, size_t length, uint8_t *bytes)
{
    const uint8_t *const end = in + length;
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
#elif CDT_SIMD == 2
    for (; i + 8 <= n && end - in >= 8; i += 8) {
        const uint64_t which = _pdep_u64(flags[i / 8], 0x0101010101010101u);
        uint64_t eight;
        memcpy(&eight, in, sizeof eight);
        eight = _pdep_u64(eight, which * 255u);
        memcpy(bytes + i, &eight, sizeof eight);
        in += __builtin_popcountll(which);
    }
#endif
    for (; i < n && in < end; i++) {
        const unsigned there = flags[i / 8] >> (i % 8) & 1u;
        bytes[i] = there ? *in : 0;
        in += there;
    }
    memset(bytes + i, 0, n - i);
}
