#include "coefficient_mixer.h"

/* exp(-1/256), of which powers are formed by multiplying: no two machines differ in that. */
static const double DECAY = 0.99610136947011749;

void cdt_mixer_start(mixer *m)
{
    double power = 1.0;
    for (int x = 0; x <= FARTHEST; x++) {
        const int chance = (int)(65536.0 / (1.0 + power));
        m->chances[FARTHEST + x] = (uint16_t)(chance > 65535 ? 65535 : chance);
        m->chances[FARTHEST - x] = (uint16_t)(65536 - m->chances[FARTHEST + x]);
        power *= DECAY;
    }
    int x = -FARTHEST;
    for (int chance = 0; chance < 65536; chance++) {
        while (x < FARTHEST && m->chances[FARTHEST + x] < chance)
            x++;
        if (chance < 4096)
            m->low[chance] = (int16_t)x;
        if (chance % 16 == 8)
            m->middle[chance / 16] = (int16_t)x;
    }
    for (int n = 0; n <= MOST_SEEN; n++) {
        m->rates[n] = 655360 / (10 * n + 16);
        m->trust[n] = 256 * (n + 1) / (n + 3);
    }
    for (size_t i = 0; i < LEVELS * DECISIONS; i++)
        for (size_t k = 0; k < INPUTS; k++)
            m->by_level[i].weights[k] = FIRST_WEIGHT;
    for (size_t i = 0; i < PLACES * DECISIONS; i++)
        for (size_t k = 0; k < INPUTS; k++)
            m->by_place[i].weights[k] = FIRST_WEIGHT;
    m->most = UINT32_MAX;
}

static int logit(const mixer *m, uint32_t chance)
{
    if (chance < 4096)
        return m->low[chance];
    return chance >= 61440 ? -m->low[65535 - chance] : m->middle[chance / 16];
}

/* Rounded down, also below zero. */
static int32_t shifted(int64_t x, unsigned bits)
{
    const int64_t unit = (int64_t)1 << bits;
    return (int32_t)((x - ((x % unit) + unit) % unit) / unit);
}

static int limited(int64_t x)
{
    return (int)(x > FARTHEST ? FARTHEST : x < -FARTHEST ? -FARTHEST : x);
}

static uint8_t next_byte(mixer *m)
{
    const size_t at = m->position++;
    return at < m->length ? m->in[at] : 0;
}

static int narrow(mixer *m, uint32_t chance, int bit)
{
    const uint32_t width = m->most - m->least;
    const uint32_t middle = m->least + (uint32_t)(((uint64_t)width * chance) >> 16);
    if (m->decodes)
        bit = m->code <= middle;
    if (bit)
        m->most = middle;
    else
        m->least = middle + 1;
    while (!((m->least ^ m->most) >> 24)) {
        if (m->decodes)
            m->code = m->code << 8 | next_byte(m);
        else if (m->position < m->length)
            m->out[m->position++] = (uint8_t)(m->most >> 24);
        else
            m->position++;
        m->least <<= 8;
        m->most = m->most << 8 | 255;
    }
    return bit;
}

void cdt_mixer_open(mixer *m)
{
    for (int k = 0; k < 4; k++)
        m->code = m->code << 8 | next_byte(m);
}

void cdt_mixer_close(mixer *m)
{
    if (m->position < m->length)
        m->out[m->position] = (uint8_t)((m->least >> 24) + 1);
    m->position++;
}

int cdt_mixer_plain(mixer *m, int bit)
{
    return narrow(m, 32768, bit);
}

static int mixed(const weight_set *set, const int32_t *inputs)
{
    int64_t sum = 0;
    for (size_t k = 0; k <= INPUTS; k++)
        sum += (int64_t)inputs[k] * set->weights[k];
    return limited(shifted(sum, 16));
}

/* One step down the slope of the code's length. */
static void learn(weight_set *set, const int32_t *inputs, int32_t error)
{
    const int32_t rate = SLOW + FAST * SLOWING / (SLOWING + set->steps);
    set->steps += set->steps < 1 << 24;
    for (size_t k = 0; k <= INPUTS; k++) {
        const int64_t weight = set->weights[k] + shifted((int64_t)inputs[k] * error * rate + (1 << 17), 18);
        const int64_t most = (int64_t)1 << 24;
        set->weights[k] = (int32_t)(weight > most ? most : weight < -most ? -most : weight);
    }
}

/* A context after one more decision; one that was empty starts from the mixed chance. */
static seen updated(const mixer *m, seen before, int32_t chance, int bit)
{
    int32_t n = (int32_t)(before & 1023), p = (int32_t)(before >> 10);
    if (!n) {
        n = FIRST_SEEN;
        p = chance << 6;
    }
    p += shifted((int64_t)((bit ? 65535 << 6 : 0) - p) * m->rates[n], 16);
    return (seen)p << 10 | (seen)(n < MOST_SEEN ? n + 1 : n);
}

int cdt_mixer_decide(mixer *m, size_t kind, int bit)
{
    int32_t inputs[INPUTS + 1];
    seen *slots[INPUTS];
    for (size_t k = 0; k < INPUTS; k++) {
        slots[k] = &m->contexts[k][m->at[k] * DECISIONS + kind];
        const uint32_t n = *slots[k] & 1023;
        inputs[k] = n ? shifted((int64_t)logit(m, *slots[k] >> 16) * m->trust[n], 8) : 0;
    }
    inputs[INPUTS] = 256;
    weight_set *level = &m->by_level[m->level * DECISIONS + kind], *place = &m->by_place[m->place * DECISIONS + kind];
    const int x = mixed(level, inputs), y = mixed(place, inputs);
    const uint32_t chance = m->chances[FARTHEST + shifted(x + y, 1)];
    bit = narrow(m, chance, bit);
    learn(level, inputs, (bit << 16) - m->chances[FARTHEST + x]);
    learn(place, inputs, (bit << 16) - m->chances[FARTHEST + y]);
    for (size_t k = 0; k < INPUTS; k++)
        *slots[k] = updated(m, *slots[k], (int32_t)chance, bit);
    return bit;
}
