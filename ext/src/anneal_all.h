/* Every family of annealing kernels, and the table of this level. */
#include "anneal_vectors.simd.h"
#include "anneal_random.simd.h"
#include "anneal_bytes.simd.h"
#include "anneal_floats.simd.h"
#include "anneal_dense.simd.h"

#define KERNELS_OF(type) \
    {LEVEL(sweeps_##type), LEVEL(sweeps_apart_##type), LEVEL(sweeps_linked_##type), LEVEL(descend_##type), LEVEL(energies_##type)}
#define DENSE_KERNELS_OF(type)                                                                                              \
    {LEVEL(dense_set_fields_##type), LEVEL(dense_energy_##type), LEVEL(dense_sweeps_##type), LEVEL(dense_descend_##type),     \
     LEVEL(dense_swap_sweeps_##type), LEVEL(dense_swap_descend_##type), LEVEL(dense_tabu_##type)}
const cdt_kernels LEVEL(cdt_kernels) = {
    .bytes = KERNELS_OF(bytes),
    .floats = KERNELS_OF(floats),
    .dense_bytes = DENSE_KERNELS_OF(bytes),
    .dense_shorts = DENSE_KERNELS_OF(shorts),
    .dense_floats = DENSE_KERNELS_OF(floats),
};
