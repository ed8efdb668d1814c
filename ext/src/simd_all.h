/* Every family of kernels, and the table of this level. */
#include "words.simd.h"
#include "lorenzo.simd.h"
#include "planes.simd.h"
#include "rans.simd.h"
#include "rows.simd.h"

const cdt_kernels LEVEL(cdt_kernels) = {
    .lorenzo = {{LEVEL(lorenzo_difference_4), LEVEL(lorenzo_cumulate_4), LEVEL(lorenzo_choose_4)},
                {LEVEL(lorenzo_difference_8), LEVEL(lorenzo_cumulate_8), LEVEL(lorenzo_choose_8)}},
    .planes = {LEVEL(planes_encode_4), LEVEL(planes_decode_4), LEVEL(planes_encode_8), LEVEL(planes_decode_8)},
    .rans = {LEVEL(rans_encode_row), LEVEL(rans_decode_row), LEVEL(tokens_split_4), LEVEL(tokens_join_4),
             LEVEL(tokens_split_8), LEVEL(tokens_join_8)},
    .rows = {{LEVEL(rows_extremes_f4), LEVEL(rows_apart_f4), LEVEL(rows_split_f4), LEVEL(rows_merge_f4), LEVEL(rows_predict_f4), LEVEL(rows_features_f4), LEVEL(rows_residuals_f4), LEVEL(rows_weigh_f4), LEVEL(rows_products_f4),
              LEVEL(rows_quantise_f4), LEVEL(rows_quantise_flat_f4), LEVEL(rows_rebuild_flat_f4), LEVEL(rows_rebuild_f4)},
             {LEVEL(rows_extremes_f8), LEVEL(rows_apart_f8), LEVEL(rows_split_f8), LEVEL(rows_merge_f8), LEVEL(rows_predict_f8), LEVEL(rows_features_f8), LEVEL(rows_residuals_f8), LEVEL(rows_weigh_f8), LEVEL(rows_products_f8),
              LEVEL(rows_quantise_f8), LEVEL(rows_quantise_flat_f8), LEVEL(rows_rebuild_flat_f8), LEVEL(rows_rebuild_f8)},
             LEVEL(rows_activity), LEVEL(rows_loudness), LEVEL(rows_look_up), LEVEL(rows_fill_4), LEVEL(rows_fill_8), LEVEL(rows_merge_bytes)},
};
