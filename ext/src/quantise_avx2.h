/* Quantising with AVX2 as long as all fit: then nothing is counted or left out. Stops at the first stretch with a number that is not nearer
 * than the bound, or is none, or whose s is not small; returns how many were done, and `most` has their largest difference. */
#define QUANTISE_STRETCH 64

static inline __attribute__((always_inline)) size_t LEVEL(rows_near_0_f4)(const float *x, size_t n, const cdt_cells *cells, float p,
                                                                          int32_t *k, float *most)
{
    const __m256 step = _mm256_set1_ps((float)cells->step), inverse = _mm256_set1_ps(1 / (float)cells->step);
    const __m256 bound = _mm256_set1_ps((float)cells->bound), offset = _mm256_set1_ps(p), none = _mm256_set1_ps(-0.0f);
    const __m256i limit = _mm256_castps_si256(_mm256_set1_ps(0x1p22f));
    __m256 worst = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + QUANTISE_STRETCH <= n; i += QUANTISE_STRETCH) {
        __m256 larger = worst;
        __m256i largest = _mm256_setzero_si256();
        for (size_t j = i; j < i + QUANTISE_STRETCH; j += 8) {
            const __m256 from = _mm256_loadu_ps(x + j), s = _mm256_mul_ps(p != 0 ? _mm256_sub_ps(from, offset) : from, inverse);
            const __m256i whole = _mm256_cvtps_epi32(s);
            const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), step);
            const __m256 back = p != 0 ? _mm256_add_ps(offset, product) : product;
            _mm256_storeu_si256((__m256i *)(k + j), whole);
            larger = _mm256_max_ps(larger, _mm256_andnot_ps(none, _mm256_sub_ps(from, back)));
            largest = _mm256_max_epi32(largest, _mm256_castps_si256(_mm256_andnot_ps(none, s)));
        }
        const __m256i small = _mm256_cmpgt_epi32(limit, largest);
        if (_mm256_movemask_ps(_mm256_and_ps(_mm256_cmp_ps(larger, bound, _CMP_LT_OQ), _mm256_castsi256_ps(small))) != 255) break;
        worst = larger;
    }
    float each[8];
    _mm256_storeu_ps(each, worst);
    for (unsigned j = 0; j < 8; j++) *most = each[j] > *most ? each[j] : *most;
    return i;
}

/* Of |s| only the upper halves are compared, as 2^30 has no bits below them; whole numbers are the lower halves of s + MAGIC. */
static inline __attribute__((always_inline)) size_t LEVEL(rows_near_0_f8)(const double *x, size_t n, const cdt_cells *cells, double p,
                                                                          int32_t *k, double *most)
{
    const __m256d step = _mm256_set1_pd(cells->step), inverse = _mm256_set1_pd(1 / cells->step), magic = _mm256_set1_pd(0x1.8p52);
    const __m256d bound = _mm256_set1_pd(cells->bound), offset = _mm256_set1_pd(p), none = _mm256_set1_pd(-0.0);
    const __m256i limit = _mm256_or_si256(_mm256_castpd_si256(_mm256_set1_pd(0x1p30)), _mm256_set1_epi64x(INT32_MAX));
    __m256d worst = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + QUANTISE_STRETCH <= n; i += QUANTISE_STRETCH) {
        __m256d larger = worst;
        __m256i largest = _mm256_setzero_si256();
        for (size_t j = i; j < i + QUANTISE_STRETCH; j += 8) {
            __m256d sums[2];
            for (unsigned h = 0; h < 2; h++) {
                const __m256d from = _mm256_loadu_pd(x + j + 4 * h), s = _mm256_mul_pd(p != 0 ? _mm256_sub_pd(from, offset) : from, inverse);
                sums[h] = _mm256_add_pd(s, magic);
                const __m256d product = _mm256_mul_pd(_mm256_sub_pd(sums[h], magic), step);
                const __m256d back = p != 0 ? _mm256_add_pd(offset, product) : product;
                larger = _mm256_max_pd(larger, _mm256_andnot_pd(none, _mm256_sub_pd(from, back)));
                largest = _mm256_max_epi32(largest, _mm256_castpd_si256(_mm256_andnot_pd(none, s)));
            }
            const __m256 whole = _mm256_shuffle_ps(_mm256_castpd_ps(sums[0]), _mm256_castpd_ps(sums[1]), 0x88);
            _mm256_storeu_si256((__m256i *)(k + j), _mm256_permute4x64_epi64(_mm256_castps_si256(whole), 0xd8));
        }
        const __m256i upper = _mm256_shuffle_epi32(_mm256_cmpgt_epi32(limit, largest), 0xf5);
        if (_mm256_movemask_pd(_mm256_and_pd(_mm256_cmp_pd(larger, bound, _CMP_LT_OQ), _mm256_castsi256_pd(upper))) != 15) break;
        worst = larger;
    }
    double each[4];
    _mm256_storeu_pd(each, worst);
    for (unsigned j = 0; j < 4; j++) *most = each[j] > *most ? each[j] : *most;
    return i;
}

static size_t LEVEL(rows_near_f4)(const float *x, size_t n, const cdt_cells *cells, int32_t *k, float *most)
{
    const float p = (float)cells->offset;
    return p == 0 ? LEVEL(rows_near_0_f4)(x, n, cells, 0, k, most) : LEVEL(rows_near_0_f4)(x, n, cells, p, k, most);
}

static size_t LEVEL(rows_near_f8)(const double *x, size_t n, const cdt_cells *cells, int32_t *k, double *most)
{
    const double p = cells->offset;
    return p == 0 ? LEVEL(rows_near_0_f8)(x, n, cells, 0, k, most) : LEVEL(rows_near_0_f8)(x, n, cells, p, k, most);
}
#undef QUANTISE_STRETCH
