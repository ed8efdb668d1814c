/* Rows of couplings that are bytes: as many are added as bytes, before the fields get their sum, as cannot overflow. */

typedef struct {
    const int8_t *rows[2][64]; /* to be subtracted, to be added */
    size_t counts[2];
} TYPED(sum);

INLINE void TYPED(clear)(TYPED(sum) *sum)
{
    sum->counts[0] = sum->counts[1] = 0;
}

INLINE void TYPED(append)(TYPED(sum) *sum, const int8_t *row, int8_t sign)
{
    const int added = sign > 0;
    sum->rows[added][sum->counts[added]++] = row;
}

/* The rows of spins of a block, `added` or else subtracted. */
INLINE void TYPED(gather)(TYPED(sum) *sum, const cdt_dense_problem *problem, size_t at, uint64_t spins, uint64_t added)
{
    const int8_t *const rows = (const int8_t *)problem->couplings + at * problem->pitch;
    for (int sign = 0; sign < 2; sign++) {
        size_t count = 0;
        for (uint64_t left = spins & (sign ? added : ~added); left; left &= left - 1) {
            sum->rows[sign][count++] = rows + (size_t)__builtin_ctzll(left) * problem->pitch;
        }
        sum->counts[sign] = count;
    }
}

/* To the fields of `wide` vectors of bytes from spin `at` on. At most `chunk` rows of each sign are one sum. */
INLINE void TYPED(add_to_some)(int16_t *fields, size_t at, const TYPED(sum) *sum, int16_t factor, size_t chunk, const int wide)
{
    const size_t longest = sum->counts[0] > sum->counts[1] ? sum->counts[0] : sum->counts[1];
    for (size_t first = 0; first < longest; first += chunk) {
        vi1 totals[8];
        UNROLL for (int i = 0; i < wide; i++) totals[i] = (vi1){0};
        for (size_t k = first; k < first + chunk && k < sum->counts[1]; k++) {
            UNROLL for (int i = 0; i < wide; i++) totals[i] += ((const vi1 *)(sum->rows[1][k] + at))[i];
        }
        for (size_t k = first; k < first + chunk && k < sum->counts[0]; k++) {
            UNROLL for (int i = 0; i < wide; i++) totals[i] -= ((const vi1 *)(sum->rows[0][k] + at))[i];
        }
        UNROLL for (int i = 0; i < 2 * wide; i++) ((vi2 *)(fields + at))[i] += WIDENED_TO_FIELDS(totals, i) * factor;
    }
}

/* Adds the rows of each read, times a factor, to all its fields. */
APART void TYPED(add)(const cdt_dense_problem *problem, const cdt_dense_read *reads, const TYPED(sum) *sums, size_t count, int16_t factor)
{
    const size_t wide = 8 * VECTOR_BYTES, chunk = problem->strongest > 0 ? (size_t)(CDT_DENSE_BYTE / problem->strongest) : 64;
    size_t at = 0;
    for (; at + wide <= problem->stride; at += wide) {
        for (size_t w = 0; w < count; w++) TYPED(add_to_some)(reads[w].fields, at, &sums[w], factor, chunk, 8);
    }
    for (; at < problem->stride; at += 64) {
        for (size_t w = 0; w < count; w++) TYPED(add_to_some)(reads[w].fields, at, &sums[w], factor, chunk, PARTS);
    }
}
