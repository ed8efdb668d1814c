/* One type's matrix products, from the micro-kernel of mttkrp.template.h. Two vectors' columns of b, DEPTH deep, are packed. */

/* tile[s, c] = b[s, c] of `columns` columns, with zeros up to two vectors. */
static void NAME(product_pack)(const REAL *b, size_t row, size_t column, size_t steps, size_t columns, REAL *tile)
{
    if (column == 1 && columns == 2 * LANES) {
        for (size_t s = 0; s < steps; s++) memcpy(tile + s * 2 * LANES, b + s * row, 2 * LANES * sizeof *tile);
        return;
    }
    if (columns < 2 * LANES) memset(tile, 0, steps * 2 * LANES * sizeof *tile);
    for (size_t c = 0; c < columns; c++)
        for (size_t s = 0; s < steps; s++) tile[s * 2 * LANES + c] = b[s * row + c * column];
}

/* y[m, columns] += a tile; fewer columns than two vectors by way of a buffer. */
static void NAME(product_panel)(const REAL *a, const cdt_product_shape *k, size_t steps, const REAL *tile, size_t columns,
                                REAL *y, size_t m)
{
    const ptrdiff_t ahead = PANEL * k->a_row;
    if (columns == 2 * LANES) {
        NAME(mttkrp_rows)(a, k->a_row, k->a_column, steps, tile, 2 * LANES, y, k->n, ahead, m, 2);
        return;
    }
    REAL sums[PANEL * 2 * LANES] = {0};
    if (columns > LANES)
        NAME(mttkrp_rows)(a, k->a_row, k->a_column, steps, tile, 2 * LANES, sums, 2 * LANES, ahead, m, 2);
    else
        NAME(mttkrp_rows)(a, k->a_row, k->a_column, steps, tile, 2 * LANES, sums, 2 * LANES, ahead, m, 1);
    for (size_t i = 0; i < m; i++)
        for (size_t c = 0; c < columns; c++) y[i * k->n + c] += sums[i * 2 * LANES + c];
}

/* Rows first .. last of y, for steps of the depth that start at s: a's part stays in the second cache over all columns. */
static void NAME(product_rows)(const REAL *a, const REAL *b, const cdt_product_shape *k, size_t first, size_t last, size_t s,
                               REAL *tile, REAL *y)
{
    const size_t steps = k->depth - s < DEPTH ? k->depth - s : DEPTH;
    for (size_t c = k->upper ? first / (2 * LANES) * (2 * LANES) : 0; c < k->n; c += 2 * LANES) {
        const size_t columns = k->n - c < 2 * LANES ? k->n - c : 2 * LANES;
        const size_t end = k->upper && c + columns < last ? c + columns : last;
        NAME(product_pack)(b + s * k->b_row + c * k->b_column, k->b_row, k->b_column, steps, columns, tile);
        for (size_t i = first, m; i < end; i += m) {
            m = NAME(mttkrp_next)(end - i);
            NAME(product_panel)(a + i * k->a_row + s * k->a_column, k, steps, tile, columns, y + i * k->n + c, m);
        }
    }
}

static int NAME(product)(const REAL *a, const REAL *b, const cdt_product_shape *k, REAL *y)
{
    REAL *const tile = malloc(DEPTH * 2 * LANES * sizeof *tile);
    if (!tile) return CDT_NO_MEMORY;
    for (size_t s = 0; s < k->depth; s += DEPTH)
        for (size_t first = 0; first < k->m; first += 2 * ROWS) {
            const size_t last = k->m - first < 2 * ROWS ? k->m : first + 2 * ROWS;
            NAME(product_rows)(a, b, k, first, last, s, tile, y);
        }
    free(tile);
    return CDT_OK;
}
