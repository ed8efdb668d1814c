/* CRC-32C (Castagnoli polynomial, reflected 0x82F63B78; RFC 3720), by the processor's instruction where it has one. */
#include "cdt_stream.h"
#include <string.h>

static uint32_t by_bytes(uint32_t crc, const uint8_t *at, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
        0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
    for (size_t i = 0; i < n; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)) && !defined(CDT_BASELINE_ONLY)
#include <immintrin.h>
/* Three stretches at once hide the instruction's latency. What a stretch adds to the sum of those behind it is a multiplication by
 * x^(8 n - 33) modulo the polynomial, reflected, and one more step of the instruction (Gopal et al., Intel 2011). */
enum { STRETCH = 1024 };
static const uint32_t over_one = 0x170076FA, over_two = 0xA51B6135;

__attribute__((target("sse4.2,pclmul"))) static uint64_t carry(uint64_t crc, uint32_t over)
{
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)over), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t by_words(uint32_t crc, const uint8_t *at, size_t n)
{
    uint64_t wide = crc;
    for (; n >= 3 * STRETCH; n -= 3 * STRETCH, at += 3 * STRETCH) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < STRETCH; i += 8) {
            uint64_t a, b, c;
            memcpy(&a, at + i, 8);
            memcpy(&b, at + STRETCH + i, 8);
            memcpy(&c, at + 2 * STRETCH + i, 8);
            wide = _mm_crc32_u64(wide, a);
            second = _mm_crc32_u64(second, b);
            third = _mm_crc32_u64(third, c);
        }
        wide = carry(wide, over_two) ^ carry(second, over_one) ^ third;
    }
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    return by_bytes((uint32_t)wide, at, n);
}

uint32_t cdt_crc32c(const uint8_t *bytes, size_t n)
{
    const int able = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
    return ~(able ? by_words(~0u, bytes, n) : by_bytes(~0u, bytes, n));
}
#else
uint32_t cdt_crc32c(const uint8_t *bytes, size_t n)
{
    return ~by_bytes(~0u, bytes, n);
}
#endif
