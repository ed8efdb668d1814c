#include "cdt_anneal_states.h"

enum { TILE = 64 };

void cdt_anneal_to_states(const uint8_t *up, size_t spins, int8_t *states)
{
    for (size_t from = 0; from < spins; from += TILE) {
        const size_t stop = from + TILE < spins ? from + TILE : spins;
        for (size_t k = 0; k < 64; k++)
            for (size_t i = from; i < stop; i++) states[k * spins + i] = (int8_t)((up[i * 64 + k] & 2) - 1);
    }
}

void cdt_anneal_from_states(const int8_t *states, size_t spins, uint8_t *up)
{
    for (size_t from = 0; from < spins; from += TILE) {
        const size_t stop = from + TILE < spins ? from + TILE : spins;
        for (size_t i = from; i < stop; i++)
            for (size_t k = 0; k < 64; k++) up[i * 64 + k] = states[k * spins + i] > 0 ? 0xff : 0;
    }
}

enum { ALIKE = 0, DIFFERENT = 1, SEEN = 2 };

/* Marks where two states differ; with `mirror`, where they agree if they differ in more than half. */
static void mark_differences(const int8_t *a, const int8_t *b, size_t spins, int mirror, uint8_t *mark)
{
    size_t different = 0;
    for (size_t i = 0; i < spins; i++) different += mark[i] = a[i] != b[i];
    if (mirror && 2 * different > spins)
        for (size_t i = 0; i < spins; i++) mark[i] ^= 1;
}

#define TYPED(name) name##_bytes
#define COUPLING int8_t
#define SUM int64_t
#include "anneal_states.template.h"
#undef TYPED
#undef COUPLING
#undef SUM
#define TYPED(name) name##_floats
#define COUPLING float
#define SUM double
#include "anneal_states.template.h"
