/* Kernels that are compiled once for each instruction set, and chosen when the library is loaded.
 *
 * Each ext/src/<family>.simd.h is included (through simd_all.h) by simd_baseline.c, simd_avx2.c and simd_avx512.c with CDT_SIMD
 * set to 0, 2 or 512; LEVEL(name) is the level's own name of a function. All levels make the same bytes and the same numbers:
 * integers, or floats in one order of operations without contraction (-ffp-contract=off).
 */
#ifndef CDT_SIMD_H
#define CDT_SIMD_H
#include "cdt_contexts.h"
#include "cdt_lorenzo.h"
#include "cdt_places.h"
#include "cdt_planes.h"
#include "cdt_rans.h"
#include "cdt_rows.h"
#include "cdt_status.h"
#include "cdt_steps.h"

typedef struct {
    cdt_lorenzo_kernels lorenzo;
    cdt_planes_kernels planes;
    cdt_rans_kernels rans;
    cdt_context_kernels contexts;
    cdt_row_kernels rows;
    cdt_place_kernels places;
    cdt_step_kernels steps;
} cdt_kernels;

/* The kernels in use: the best that this machine has, unless cdt_use_kernels chose others. */
const cdt_kernels *cdt_active_kernels(void);

/* Their name: "baseline", "avx2" or "avx512". */
const char *cdt_kernels_name(void);

/* Use the kernels of that name (NULL: the best). CDT_BAD_ARGUMENT: no such name, or not on this machine. */
int cdt_use_kernels(const char *name);

#endif
