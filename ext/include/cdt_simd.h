/* The codec's kernels of each level (cdt_levels.h), each family in ext/src/<family>.simd.h. All levels make the same bytes and the
 * same numbers: integers, or floats in one order of operations without contraction (-ffp-contract=off).
 */
#ifndef CDT_SIMD_H
#define CDT_SIMD_H
#include "cdt_contexts.h"
#include "cdt_levels.h"
#include "cdt_lorenzo.h"
#include "cdt_places.h"
#include "cdt_planes.h"
#include "cdt_rans.h"
#include "cdt_rows.h"
#include "cdt_status.h"
#include "cdt_steps.h"

struct cdt_kernels {
    cdt_lorenzo_kernels lorenzo;
    cdt_planes_kernels planes;
    cdt_rans_kernels rans;
    cdt_context_kernels contexts;
    cdt_row_kernels rows;
    cdt_place_kernels places;
    cdt_step_kernels steps;
};

#endif
