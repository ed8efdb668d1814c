#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "anneal_links.h"

enum { FEW = 16 /* neighbours of spins that are looked at whenever something changes */, TILE = 64 };

/* Anchors of those that wait to be looked at, and of those of three neighbours that follow none. */
#define LOOK(r) ((r)->spins)
#define SIDES(r) ((r)->spins + 1)
/* Instead of the number of neighbours that a spin had when it was looked at. */
#define GONE NONE
#define ALL (NONE - 1)

/* No couplings yet, but room for `pairs` of them. */
static int make_links(links *l, size_t spins, size_t pairs)
{
    uint32_t bits = 1;
    while (bits < 31 && (size_t)1 << bits < pairs) bits++;
    const size_t places = (size_t)1 << bits;
    l->shift = 64 - bits;
    l->couplings = malloc((pairs + 1) * sizeof *l->couplings);
    l->table = malloc(places * sizeof *l->table);
    l->first = malloc(spins * sizeof *l->first);
    l->degrees = calloc(spins, sizeof *l->degrees);
    l->after = malloc((spins + 2) * sizeof *l->after);
    l->ahead = malloc((spins + 2) * sizeof *l->ahead);
    if (!l->couplings || !l->table || !l->first || !l->degrees || !l->after || !l->ahead) return CDT_NO_MEMORY;
    memset(l->table, 0xff, places * sizeof *l->table);
    memset(l->first, 0xff, spins * sizeof *l->first);
    for (uint32_t c = 0; c <= pairs; c++) l->couplings[c].chain = c + 1;
    for (uint32_t i = 0; i < spins + 2; i++) l->after[i] = l->ahead[i] = i;
    l->free = 0;
    return CDT_OK;
}

static void free_links(links *l)
{
    free(l->couplings);
    free(l->table);
    free(l->first);
    free(l->degrees);
    free(l->after);
    free(l->ahead);
}

#define TYPED(name) name##_whole
#define WEIGHT int64_t
#define WEIGHT_OF weight.whole
#define NOTHING(sum, part) ((sum) == 0)
#define HALVES(sum) ((sum) % 2 == 0)
#include "anneal_reduce.template.h"
#undef TYPED
#undef WEIGHT
#undef WEIGHT_OF
#undef NOTHING
#undef HALVES
#define TYPED(name) name##_real
#define WEIGHT double
#define WEIGHT_OF weight.real
#define NOTHING(sum, part) (fabs(sum) <= 0x1p-50 * fabs(part))
#define HALVES(sum) 1
#include "anneal_reduce.template.h"

int cdt_anneal_reduce_whole(const cdt_anneal_graph *graph, const int64_t *weights, const int64_t *fields, cdt_anneal_rest *rest,
                            int64_t *rest_weights, int64_t *rest_fields, int64_t *constant)
{
    return reduce_all_whole(graph, weights, fields, rest, rest_weights, rest_fields, constant);
}

int cdt_anneal_reduce_real(const cdt_anneal_graph *graph, const double *weights, const double *fields, cdt_anneal_rest *rest,
                           double *rest_weights, double *rest_fields, double *constant)
{
    return reduce_all_real(graph, weights, fields, rest, rest_weights, rest_fields, constant);
}

static inline uint64_t literal(const uint64_t *words, uint32_t of) { return words[of >> 1] ^ (0 - (uint64_t)(of & 1)); }

/* 64 states at once, a bit of a spin's word each. */
static void restore_words(const cdt_anneal_rest *rest, size_t spins, uint64_t *words)
{
    words[spins] = UINT64_MAX;
    for (size_t k = rest->taken; k-- > 0;) {
        const cdt_anneal_choice choice = rest->choices[k];
        const uint64_t a = literal(words, choice.literals[0]), b = literal(words, choice.literals[1]);
        words[choice.spin] = (a & b) | (literal(words, choice.literals[2]) & (a | b));
    }
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

void cdt_anneal_restore(const cdt_anneal_rest *rest, size_t spins, const int8_t *small, size_t count, int8_t *states, uint64_t *words)
{
    for (size_t row = 0; row < count; row += 64) {
        const size_t rows = least(count - row, 64);
        for (size_t i = 0; i < rest->spins; i++) words[rest->kept[i]] = 0;
        for (size_t from = 0; from < rest->spins; from += TILE)
            for (size_t k = 0; k < rows; k++)
                for (size_t i = from; i < least(from + TILE, rest->spins); i++)
                    words[rest->kept[i]] |= (uint64_t)(small[(row + k) * rest->spins + i] > 0) << k;
        restore_words(rest, spins, words);
        for (size_t from = 0; from < spins; from += TILE)
            for (size_t k = 0; k < rows; k++)
                for (size_t i = from; i < least(from + TILE, spins); i++)
                    states[(row + k) * spins + i] = (int8_t)(2 * (words[i] >> k & 1) - 1);
    }
}
