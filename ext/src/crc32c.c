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
#include <nmmintrin.h>
__attribute__((target("sse4.2"))) static uint32_t by_words(uint32_t crc, const uint8_t *at, size_t n)
{
    uint64_t wide = crc;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    return by_bytes((uint32_t)wide, at, n);
}

uint32_t cdt_crc32c(const uint8_t *bytes, size_t n)
{
    return ~(__builtin_cpu_supports("sse4.2") ? by_words(~0u, bytes, n) : by_bytes(~0u, bytes, n));
}
#else
uint32_t cdt_crc32c(const uint8_t *bytes, size_t n)
{
    return ~by_bytes(~0u, bytes, n);
}
#endif
