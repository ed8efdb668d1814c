/* Every family of kernels, and the table of this level. */
#include "words.simd.h"
#include "lorenzo.simd.h"
#include "places.simd.h"
#include "planes.simd.h"
#include "rans.simd.h"
#include "rows.simd.h"
#include "contexts.simd.h"
#include "steps.simd.h"

#define ROWS_OF(F)                                                                                                       \
    {                                                                                                                    \
        LEVEL(rows_extremes_##F), LEVEL(rows_apart_##F), LEVEL(rows_split_##F), LEVEL(rows_merge_##F),                   \
        LEVEL(rows_predict_##F), LEVEL(rows_features_##F), LEVEL(rows_residuals_##F), LEVEL(rows_weigh_##F),             \
        LEVEL(rows_products_##F), LEVEL(rows_quantise_##F), LEVEL(rows_quantise_flat_##F), LEVEL(rows_rebuild_flat_##F), \
        LEVEL(rows_rebuild_##F)                                                                                          \
    }

#define STEPS_OF(name)                                                                                                   \
    {                                                                                                                    \
        LEVEL(steps_##name##_i1), LEVEL(steps_##name##_u1), LEVEL(steps_##name##_i2), LEVEL(steps_##name##_u2),           \
        LEVEL(steps_##name##_i4), LEVEL(steps_##name##_u4), LEVEL(steps_##name##_i8), LEVEL(steps_##name##_u8)            \
    }

const cdt_kernels LEVEL(cdt_kernels) = {
    .lorenzo = {{LEVEL(lorenzo_difference_4), LEVEL(lorenzo_cumulate_4), LEVEL(lorenzo_choose_4)},
                {LEVEL(lorenzo_difference_8), LEVEL(lorenzo_cumulate_8), LEVEL(lorenzo_choose_8)}},
    .planes = {LEVEL(planes_encode_4), LEVEL(planes_decode_4), LEVEL(planes_encode_8), LEVEL(planes_decode_8)},
    .rans = {LEVEL(rans_encode_row), LEVEL(rans_decode_row), LEVEL(tokens_split_4), LEVEL(tokens_join_4), LEVEL(tokens_split_8),
             LEVEL(tokens_join_8)},
    .contexts = {LEVEL(contexts_decode_rows)},
    .rows = {ROWS_OF(f4), ROWS_OF(f8), LEVEL(rows_activity), LEVEL(rows_contexts), LEVEL(rows_loudness), LEVEL(rows_index_tokens),
             LEVEL(rows_look_up), LEVEL(rows_merge_bytes)},
    .places = {LEVEL(places_fill_4), LEVEL(places_fill_8), LEVEL(places_like_4), LEVEL(places_like_8), LEVEL(places_carry_4),
               LEVEL(places_carry_8), LEVEL(places_count), LEVEL(places_pack), LEVEL(places_squeeze), LEVEL(places_expand)},
    .steps = {STEPS_OF(encode), STEPS_OF(decode)},
};
