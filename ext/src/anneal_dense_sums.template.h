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

/* Adds the rows, times a factor, to all fields; returns their number. */
static size_t TYPED(add)(const cdt_dense_problem *problem, FIELD *fields, const TYPED(sum) *sum, FIELD factor)
{
    const size_t vectors = problem->stride / LANES;
    size_t v = 0;
    if (!sum->count) return 0;
    for (; v + 8 <= vectors; v += 8) TYPED(add_to_some)((FIELDS *)fields, v, sum, factor, 8);
    for (; v < vectors; v++) TYPED(add_to_some)((FIELDS *)fields, v, sum, factor, 1);
    return sum->count;
}
#undef LANES
