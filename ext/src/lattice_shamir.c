/* Shamir's sharing over the field of p = 2^61 - 1, and exact norms of integers: see cdt_lattice.h. */
#include "cdt_lattice.h"
#include <string.h>

#define PRIME (((uint64_t)1 << 61) - 1)

__extension__ typedef unsigned __int128 wide;

/* Below 2^61 + 2^6 for any 128-bit number below 2^125, p the same as 0. */
static inline uint64_t fold(wide x)
{
    return ((uint64_t)x & PRIME) + (uint64_t)(x >> 61);
}

/* From below 2^63 to below p. */
static inline uint64_t reduced(uint64_t x)
{
    x = (x & PRIME) + (x >> 61);
    const uint64_t less = x - PRIME;
    return less + (PRIME & (0 - (less >> 63))); /* no branch: secrets pass here */
}

static inline uint64_t times(uint64_t a, uint64_t b)
{
    return reduced(fold((wide)a * b));
}

/* a^(p - 2) */
static uint64_t inverse(uint64_t a)
{
    uint64_t power = 1;
    for (int bit = 60; bit >= 0; bit--) {
        power = times(power, power);
        if ((PRIME - 2) >> bit & 1) power = times(power, a);
    }
    return power;
}

void cdt_share(const uint64_t *polynomials, size_t threshold, size_t limbs, size_t first, size_t count, uint64_t *shares)
{
    for (size_t x = first; x < first + count; x++, shares += limbs) {
        /* Below 2^62: times x below 2^94, folded below 2^61 + 2^33. */
        memset(shares, 0, limbs * sizeof *shares);
        for (size_t k = threshold; k-- > 0;)
            for (size_t limb = 0; limb < limbs; limb++) shares[limb] = fold((wide)shares[limb] * x) + polynomials[k * limbs + limb];
        for (size_t limb = 0; limb < limbs; limb++) shares[limb] = reduced(shares[limb]);
    }
}

void cdt_weights(const uint64_t *places, size_t n, size_t first, size_t count, uint64_t *weights)
{
    uint64_t all = 1;
    for (size_t i = 0; i < n; i++) all = times(all, places[i]);
    for (size_t i = first; i < first + count; i++) {
        /* Lagrange at 0: the product of x_j / (x_j - x_i) over j != i. */
        uint64_t below = places[i];
        for (size_t j = 0; j < n; j++)
            if (j != i) below = times(below, reduced(places[j] + PRIME - places[i]));
        *weights++ = times(all, inverse(below));
    }
}

void cdt_combine(const uint64_t *weights, const uint64_t *shares, size_t n, size_t limbs, uint64_t *secret)
{
    for (size_t limb = 0; limb < limbs; limb++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) sum = reduced(sum + times(weights[i], shares[i * limbs + limb]));
        secret[limb] = sum;
    }
}

void cdt_norm(const void *numbers, size_t n, int bits, uint64_t sum[2])
{
    wide total = 0;
    if (bits == 32)
        for (size_t i = 0; i < n; i++) {
            const int64_t x = ((const int32_t *)numbers)[i];
            total += (uint64_t)(x * x);
        }
    else
        for (size_t i = 0; i < n; i++) {
            const int64_t x = ((const int64_t *)numbers)[i];
            const uint64_t size = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
            total += (wide)size * size;
        }
    sum[0] = (uint64_t)total;
    sum[1] = (uint64_t)(total >> 64);
}
