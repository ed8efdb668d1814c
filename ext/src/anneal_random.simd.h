/* Random numbers of the replicas: xoroshiro128++ (Blackman and Vigna 2021, ACM TOMS 47:36), eight streams beside each other.
 *
 * A step gives 64 bytes, one for each replica of a group. The state at the start of a sweep is made of (seed, group, sweep) by
 * splitmix64: any sweep can be drawn alone, and a replica draws the same numbers whatever the vectors' length and the thread.
 */
typedef struct {
    vu8 first[PARTS], second[PARTS];
} LEVEL(draws);

static inline uint64_t LEVEL(splitmix)(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The draws of sweep `ahead` from the stream's. */
static void LEVEL(start_draws)(LEVEL(draws) *draws, cdt_anneal_stream stream, uint64_t ahead)
{
    uint64_t words[16], state = stream.seed;
    state = LEVEL(splitmix)(&state) ^ stream.group;
    state = LEVEL(splitmix)(&state) ^ (stream.sweep + ahead);
    for (int i = 0; i < 16; i++) words[i] = LEVEL(splitmix)(&state);
    memcpy(draws->first, words, 64);
    memcpy(draws->second, words + 8, 64);
}

/* Where the block that begins at spin `from` ends, and how far ahead its draws are. */
static inline size_t LEVEL(block_end)(const cdt_anneal_problem *problem, size_t from)
{
    return problem->stop - from > CDT_ANNEAL_BLOCK ? from + CDT_ANNEAL_BLOCK : problem->stop;
}

static inline uint64_t LEVEL(block_ahead)(size_t from)
{
    return (uint64_t)(from / CDT_ANNEAL_BLOCK) << 40;
}

#define EACH_BLOCK(problem) for (size_t from = (problem)->first, to; from < (problem)->stop; from = to)

#define ROTATED(x, by) ((x) << (by) | (x) >> (64 - (by)))

INLINE void LEVEL(draw)(LEVEL(draws) *draws, vu8 out[PARTS])
{
    EACH_PART
    {
        const vu8 first = draws->first[p], sum = first + draws->second[p], second = draws->second[p] ^ first;
        out[p] = ROTATED(sum, 17) + first;
        draws->first[p] = ROTATED(first, 49) ^ second ^ (second << 21);
        draws->second[p] = ROTATED(second, 28);
    }
}
#undef ROTATED

/* -ln u for u uniform in (0, 1), of 24 bits: exponential draws of 64 replicas. ln m = f Q(f) for m = 1 + f within [0.70, 1.42); Q is a
 * minimax polynomial whose relative error is below 1.2e-6. */
INLINE void LEVEL(draw_exponential)(LEVEL(draws) *draws, vf4 out[QUARTERS])
{
    vu8 bits[4][PARTS];
    for (int k = 0; k < 4; k++) LEVEL(draw)(draws, bits[k]);
    EACH_QUARTER
    {
        const vu4 word = ((const vu4 *)bits)[q];
        const vf4 u = (__builtin_convertvector((vi4)(word >> 8), vf4) + 0.5f) * 0x1p-24f;
        const vi4 exponent = ((vi4)u - 0x3f3504f3) >> 23;
        const vf4 f = (vf4)((vi4)u - (exponent << 23)) - 1.0f;
        vf4 ln = 0.11895957f * f - 0.18667799f;
        ln = ln * f + 0.20496349f;
        ln = ln * f - 0.24909751f;
        ln = ln * f + 0.33314508f;
        ln = ln * f - 0.50001115f;
        ln = ln * f + 1.00000095f;
        out[q] = -(ln * f + __builtin_convertvector(exponent, vf4) * 0.69314718f);
    }
}

/* A half cost is taken if it is at most an exponential draw over 2 beta: with chance exp(-2 beta cost). */
static float LEVEL(reach)(double beta)
{
    return beta > 0.5e-30 ? (float)(0.5 / beta) : 1e30f;
}
