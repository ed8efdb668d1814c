/* Vectors on an integer lattice: rounded at random, masked in a ring, and noise drawn from exact laws.
 *
 * Random bits are given, so that a caller decides where they come from. What is needed for nearly every number lies in an
 * array of its own, as long as the result; what is needed rarely is taken from `spare`, in the order of the numbers. So every
 * level gives the same bits. A kernel that stops early says at which number and why; it is called again from there on.
 */
#ifndef CDT_LATTICE_H
#define CDT_LATTICE_H
#include "cdt_levels.h"
#include <stddef.h>
#include <stdint.h>

/* Why a kernel stopped. */
typedef enum {
    CDT_LATTICE_DONE = 0,
    CDT_LATTICE_REFUSED = 1, /* a value is not finite, or too large for the ring */
    CDT_LATTICE_DRY = 2,     /* more spare words are needed */
    CDT_LATTICE_RARE = 3,    /* a draw that the table leaves to the caller */
    CDT_LATTICE_CLOSE = 4    /* a draw whose acceptance double precision does not decide */
} cdt_lattice_stop;

/* One number takes at most CDT_LATTICE_SPARE words where it is rounded: a double has no bit after the 1074th of its fraction. */
enum { CDT_LATTICE_SPARE = 17 };
typedef struct {
    const uint64_t *words;
    size_t count, used;
} cdt_spare;

/* Symbols 0, 1, ... by Walker's alias method, in integers: a word's first `slot_bits` bits name a slot, the others decide
 * between the slot's own symbol (the slot's number) and its alias. An entry has a threshold above, the alias in the last
 * `slot_bits` bits. `rare` is the symbol that the caller resolves. */
typedef struct {
    const uint32_t *entries;
    uint32_t slot_bits, rare;
} cdt_alias;

/* Integers in blocks of 2^low_bits: a word of the alias table draws the block b; of a second word the last bits draw the place
 * l in it, bit `low_bits` the sign, and the first 16 bits u accept: at once if u < squeeze[b], else if
 * (u + fraction) / 2^16 < top[b] exp(-d), d = (l + sign) (slope + steep b + bend (l + sign)) <= 1/16; `margin` is how close the two
 * sides may come before neither is believed. squeeze[rare] is 0. Refused draws are drawn again from spare words. */
typedef struct {
    cdt_alias alias;
    const uint32_t *squeeze;
    const double *top;
    double slope, steep, bend, margin;
    uint32_t low_bits; /* at most 47 */
} cdt_blocks;

/* value -> |value * factor| is rounded to one of its two neighbours, up with the probability of its fraction, and gets its
 * sign back: `words` and, one time in 65536, `spare` decide, so that the law is exact. */
typedef cdt_lattice_stop cdt_encode(const void *values, size_t n, double factor, const uint16_t *words, cdt_spare *spare, void *ring,
                                    size_t *done);
typedef double cdt_squares(const void *values, size_t n);
typedef void cdt_add(void *ring, const void *mask, size_t n, int negative);

struct cdt_kernels {
    /* Sum of squares, float32 and float64; order of summation: 16 sums of every 16th number, then those in order. */
    cdt_squares *squares[2];
    /* [float32, float64][32 bits, 64 bits] */
    cdt_encode *encode[2][2];
    /* ring += mask or -= mask, [32 bits, 64 bits]; the mask is no part of the ring. */
    cdt_add *add[2];
    /* out[i] = first + symbol of words[i] */
    cdt_lattice_stop (*draw)(const cdt_alias *alias, const uint32_t *words, size_t n, int64_t first, int64_t *out, size_t *done);
    /* `last` gets the words of the draw that it stopped at: of the alias table, of the place, of the fraction. After CDT_LATTICE_DRY
     * the first two belong in the places of the draw's own, which may have been refused before. */
    cdt_lattice_stop (*draw_blocks)(const cdt_blocks *blocks, const uint32_t *words, const uint64_t *places, size_t n, cdt_spare *spare,
                                    int64_t *out, size_t *done, uint64_t last[3]);
};

/* Sharing over the prime field of 2^61 - 1. polynomials (threshold, limbs), the constant terms first; shares (count, limbs) are their
 * values at first, first + 1, ..., at most 2^32 - 1. Time does not depend on the polynomials. */
void cdt_share(const uint64_t *polynomials, size_t threshold, size_t limbs, size_t first, size_t count, uint64_t *shares);
/* weights (count) of the values at places[first], places[first + 1], ... in that at 0 of a polynomial of degree < n. The places are
 * different and from 1 to 2^61 - 2. */
void cdt_weights(const uint64_t *places, size_t n, size_t first, size_t count, uint64_t *weights);
/* secret (limbs) = the values at 0 of the polynomials with the values shares (n, limbs) at places of those weights (n). */
void cdt_combine(const uint64_t *weights, const uint64_t *shares, size_t n, size_t limbs, uint64_t *secret);

/* Sum of the squares of numbers, exactly, which must be below 2^128: low and high half. 32: int32, else int64. */
void cdt_norm(const void *numbers, size_t n, int bits, uint64_t sum[2]);

#endif
