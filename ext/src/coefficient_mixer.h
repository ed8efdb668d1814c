/* A binary arithmetic coder whose chances are mixed from those of eight contexts. Included by coefficients.c alone. */
#ifndef CDT_COEFFICIENT_MIXER_H
#define CDT_COEFFICIENT_MIXER_H
#include <stddef.h>
#include <stdint.h>

enum {
    INPUTS = 8,           /* contexts of a decision */
    CONTEXTS = 8192,      /* of each input */
    DECISIONS = 16,       /* kinds of decisions within a context */
    LEVELS = 16,          /* sets of weights by the neighbourhood */
    PLACES = 64,          /* sets of weights by the place */
    FARTHEST = 3072,      /* logits are counted in 1/256, up to 12 */
    MOST_SEEN = 500,      /* after so many decisions, old ones are forgotten as fast as new ones come */
    FIRST_SEEN = 2,       /* what a mixed chance counts as when it starts a context */
    FIRST_WEIGHT = 11796, /* 0.18 of 65536 */
    SLOW = 3, FAST = 40, SLOWING = 128
};

/* What was seen in one context: a chance in 22 bits, and how often in the lower 10. */
typedef uint32_t seen;

typedef struct {
    int32_t weights[INPUTS + 1];
    int32_t steps;
} weight_set;

typedef struct {
    uint16_t chances[2 * FARTHEST + 1];      /* of logits */
    int16_t low[4096], middle[4096];         /* logits of chances, fine at the ends */
    int32_t rates[MOST_SEEN + 1], trust[MOST_SEEN + 1];
    weight_set by_level[LEVELS * DECISIONS], by_place[PLACES * DECISIONS];
    seen contexts[INPUTS][CONTEXTS * DECISIONS];
    size_t at[INPUTS];                       /* the contexts of the number being coded */
    size_t level, place;
    uint32_t least, most;                    /* the interval */
    uint32_t code;                           /* decoding: the four bytes in sight */
    const uint8_t *in;
    uint8_t *out;
    size_t position, length;                 /* of the code, and its bytes */
    int decodes;
} mixer;

/* Tables and the first weights; everything else of `m` must be zero. */
void cdt_mixer_start(mixer *m);

/* The interval's first four bytes, for decoding. */
void cdt_mixer_open(mixer *m);

/* Code one decision of a kind: the bit, also when it is decoded. */
int cdt_mixer_decide(mixer *m, size_t kind, int bit);

/* Code one bit of which nothing is known. */
int cdt_mixer_plain(mixer *m, int bit);

/* End the code with its last byte, for encoding. */
void cdt_mixer_close(mixer *m);

#endif
