#include "cdt_anneal_energies.h"

enum {
    TILE = 64,
    FOUR = 4,   /* states whose signs come from one table at once */
    TERMS = 4096 /* of floats, summed before they are added to the sums of all: so rounding errors stay small */
};

typedef uint64_t signs __attribute__((vector_size(8 * FOUR)));

/* For each four bits, bit k set: all bits of number k. */
#define ALL(bits, k) (0 - (uint64_t)((bits) >> (k) & 1))
#define MASK(bits) {ALL(bits, 0), ALL(bits, 1), ALL(bits, 2), ALL(bits, 3)}
static const signs MASKS[16] = {MASK(0), MASK(1), MASK(2),  MASK(3),  MASK(4),  MASK(5),  MASK(6),  MASK(7),
                                MASK(8), MASK(9), MASK(10), MASK(11), MASK(12), MASK(13), MASK(14), MASK(15)};

/* A bit of each spin's word for each of up to 64 states: set where it is -1. */
static void pack(const int8_t *states, size_t spins, size_t count, uint64_t *words)
{
    for (size_t from = 0; from < spins; from += TILE) {
        const size_t stop = from + TILE < spins ? from + TILE : spins;
        for (size_t i = from; i < stop; i++) words[i] = 0;
        for (size_t k = 0; k < count; k++)
            for (size_t i = from; i < stop; i++) words[i] |= (uint64_t)(states[k * spins + i] < 0) << k;
    }
}

#define TYPED(name) name##_whole
#define WEIGHT int64_t
#define SIGNED(weight, mask) (((weight) ^ (mask)) - (mask))
#include "anneal_energies.template.h"
#undef TYPED
#undef WEIGHT
#undef SIGNED
#define TYPED(name) name##_real
#define WEIGHT double
#define SIGNED(weight, mask) ((weight) ^ ((mask) & (uint64_t)1 << 63))
#include "anneal_energies.template.h"
