/* Rows of couplings that are added to fields, row after row, each with a sign. */
#define LANES (VECTOR_BYTES / (int)sizeof(FIELD))

typedef struct {
    const COUPLING *rows[64];
    FIELD signs[64];
    size_t count;
} TYPED(sum);

INLINE void TYPED(clear)(TYPED(sum) *sum)
{
    sum->count = 0;
}

INLINE void TYPED(append)(TYPED(sum) *sum, const COUPLING *row, int8_t sign)
{
    sum->rows[sum->count] = row;
    sum->signs[sum->count++] = sign;
}

/* The rows of spins of a block, `added` or else subtracted. */
INLINE void TYPED(gather)(TYPED(sum) *sum, const cdt_dense_problem *problem, size_t at, uint64_t spins, uint64_t added)
{
    TYPED(clear)(sum);
    for (; spins; spins &= spins - 1) {
        const int k = __builtin_ctzll(spins);
        TYPED(append)(sum, (const COUPLING *)problem->couplings + (at + k) * problem->pitch, added >> k & 1 ? 1 : -1);
    }
}

/* To `wide` vectors of fields from vector v on. */
INLINE void TYPED(add_to_some)(FIELDS *fields, size_t v, const TYPED(sum) *sum, FIELD factor, const int wide)
{
    FIELDS totals[8];
    UNROLL for (int i = 0; i < wide; i++) totals[i] = fields[v + i];
    for (size_t k = 0; k < sum->count; k++) {
        const COUPLING *const row = sum->rows[k] + v * LANES;
        const FIELDS signed_factor = (FIELDS){0} + (FIELD)(sum->signs[k] * factor);
        UNROLL for (int i = 0; i < wide; i++) totals[i] += ROW_AT(row, i) * signed_factor;
    }
    UNROLL for (int i = 0; i < wide; i++) fields[v + i] = totals[i];
}

/* Adds the rows of each read, times a factor, to all its fields. */
APART void TYPED(add)(const cdt_dense_problem *problem, const cdt_dense_read *reads, const TYPED(sum) *sums, size_t count, FIELD factor)
{
    const size_t vectors = problem->stride / LANES;
    size_t v = 0;
    for (; v + 8 <= vectors; v += 8) {
        for (size_t w = 0; w < count; w++) TYPED(add_to_some)(reads[w].fields, v, &sums[w], factor, 8);
    }
    for (; v < vectors; v += 2) {
        for (size_t w = 0; w < count; w++) TYPED(add_to_some)(reads[w].fields, v, &sums[w], factor, 2);
    }
}
#undef LANES
