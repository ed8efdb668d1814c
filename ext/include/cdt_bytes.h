/* Whole numbers in bytes: 7 bits each, lowest first, the highest bit set on all but the last; at most 10 bytes. */
#ifndef CDT_BYTES_H
#define CDT_BYTES_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint8_t *cdt_put_number(uint8_t *at, uint64_t number)
{
    while (number >= 128) {
        *at++ = (uint8_t)(number | 128);
        number >>= 7;
    }
    *at++ = (uint8_t)number;
    return at;
}

/* What is left to read. `corrupt` is set, and stays set, when there is less than asked for; numbers are then 0. */
typedef struct {
    const uint8_t *at, *end;
    int corrupt;
} cdt_bytes;

static inline uint64_t cdt_get_number(cdt_bytes *in)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        const uint8_t byte = *in->at++;
        number |= (uint64_t)(byte & 127) << shift;
        if (shift == 63 && byte > 1) break;
        if (byte < 128) return number;
    }
    in->corrupt = 1;
    return 0;
}

/* The next `length` bytes, or NULL. */
static inline const uint8_t *cdt_get_bytes(cdt_bytes *in, uint64_t length)
{
    if (in->corrupt || length > (uint64_t)(in->end - in->at)) {
        in->corrupt = 1;
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += length;
    return at;
}

static inline uint8_t *cdt_put_bytes(uint8_t *at, const void *from, size_t length)
{
    memcpy(at, from, length);
    return at + length;
}

#endif
