/* Kernels of sets of places: bit i % 8 of bits[i / 8] says that place i is in the set. Spare bits of the last byte are 0. */
#ifndef CDT_PLACES_H
#define CDT_PLACES_H
#include <stddef.h>
#include <stdint.h>

/* Bytes that squeeze may write beyond what it returns. */
#define CDT_SQUEEZE_SPARE 64

/* Kernels of numbers of 4 and of 8 bytes. */
typedef struct {
    /* Numbers at the places get the pattern. */
    void (*fill_4)(const uint8_t *bits, size_t n, const uint8_t *pattern, uint8_t *values);
    void (*fill_8)(const uint8_t *bits, size_t n, const uint8_t *pattern, uint8_t *values);
    /* The places of numbers with the bits of the pattern. */
    void (*like_4)(const uint8_t *values, size_t n, const uint8_t *pattern, uint8_t *bits);
    void (*like_8)(const uint8_t *values, size_t n, const uint8_t *pattern, uint8_t *bits);
    /* Numbers at the places become the one before, in rising order; before the first is `before`. */
    void (*carry_4)(const uint8_t *bits, size_t n, const uint8_t *before, uint8_t *values);
    void (*carry_8)(const uint8_t *bits, size_t n, const uint8_t *before, uint8_t *values);
    /* How many places there are; bits beyond the last do not count. */
    size_t (*count)(const uint8_t *bits, size_t n);
    /* The places of bytes that are not 0. */
    void (*pack)(const uint8_t *bytes, size_t n, uint8_t *bits);
    /* Bytes that are not 0, and which of n they are; returns how many. */
    size_t (*squeeze)(const uint8_t *bytes, size_t n, uint8_t *flags, uint8_t *out);
    /* Back: `in` has `length` bytes, one for each of the flags among n. */
    void (*expand)(const uint8_t *flags, size_t n, const uint8_t *in, size_t length, uint8_t *bytes);
} cdt_place_kernels;

#endif
