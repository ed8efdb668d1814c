/* Every family of annealing kernels, and the table of this level. */
#include "anneal_vectors.simd.h"
#include "anneal_random.simd.h"
#include "anneal_bytes.simd.h"
#include "anneal_floats.simd.h"

#define KERNELS_OF(type) \
    {LEVEL(sweeps_##type), LEVEL(sweeps_apart_##type), LEVEL(sweeps_linked_##type), LEVEL(descend_##type), LEVEL(energies_##type)}
const cdt_kernels LEVEL(cdt_kernels) = {.bytes = KERNELS_OF(bytes), .floats = KERNELS_OF(floats)};
