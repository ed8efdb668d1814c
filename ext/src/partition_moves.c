#include "cdt_partition_moves.h"
#include <math.h>
#include <string.h>

#define WIDTH 8
#define NONE CDT_NO_ROW
/* Steps that a proposal takes beside those for each row of its classes. */
#define FAR 16

typedef struct {
    float *low, *high;
    uint64_t *unions;
} cover;

static uint64_t drawn(cdt_partition_moves *m)
{
    uint64_t x = m->random;
    x ^= x >> 12, x ^= x << 25, x ^= x >> 27;
    m->random = x;
    return x * 0x2545f4914f6cdd1du;
}

/* Below n, from 32 good bits. */
static size_t below(cdt_partition_moves *m, size_t n)
{
    return (size_t)((drawn(m) >> 32) * (uint64_t)n >> 32);
}

static int bits_of(uint64_t x)
{
    int count = 0;
    for (; x; x &= x - 1) count++;
    return count;
}

static double loss_of(const cdt_partition_moves *m, cover c)
{
    double sum = 0;
    for (size_t i = 0; i < m->stride; i++) {
        double width = (double)c.high[i] - c.low[i];
        sum += width < 1 ? width : 1;
    }
    for (size_t i = 0; i < m->sets; i++) {
        uint64_t all = c.unions[i], known = all & ~m->missing[i];
        if (!(known & (known - 1)))
            sum += known && known != all; /* one value, or none: lossless unless missing ones are there, too */
        else
            sum += known != all ? 1 : bits_of(known) * m->shares[i];
    }
    return sum;
}

static void begin_with(const cdt_partition_moves *m, uint32_t row, cover c)
{
    memcpy(c.low, m->cells + row * m->stride, m->stride * sizeof *c.low);
    memcpy(c.high, m->cells + row * m->stride, m->stride * sizeof *c.high);
    if (m->sets) memcpy(c.unions, m->masks + row * m->sets, m->sets * sizeof *c.unions);
}

static void add(const cdt_partition_moves *m, uint32_t row, cover c)
{
    const float *cell = m->cells + row * m->stride;
    for (size_t i = 0; i < m->stride; i += WIDTH)
        for (size_t j = i; j < i + WIDTH; j++) {
            c.low[j] = cell[j] < c.low[j] ? cell[j] : c.low[j];
            c.high[j] = cell[j] > c.high[j] ? cell[j] : c.high[j];
        }
    for (size_t i = 0; i < m->sets; i++) c.unions[i] |= m->masks[row * m->sets + i];
}

static cover of_class(const cdt_partition_moves *m, size_t g)
{
    cover c = {m->lows + g * m->stride, m->highs + g * m->stride, m->unions + g * m->sets};
    return c;
}

/* What a class covers without one row and with another; NONE: no such row. At least one row must remain. */
static void without(const cdt_partition_moves *m, size_t g, uint32_t gone, uint32_t come, cover c)
{
    uint32_t row = m->heads[g];
    if (come == NONE) {
        come = row == gone ? m->next[row] : row;
    }
    begin_with(m, come, c);
    for (; row != NONE; row = m->next[row])
        if (row != gone && row != come) add(m, row, c);
}

static void keep(const cdt_partition_moves *m, size_t g, cover c, double loss)
{
    cover to = of_class(m, g);
    memcpy(to.low, c.low, m->stride * sizeof *to.low);
    memcpy(to.high, c.high, m->stride * sizeof *to.high);
    if (m->sets) memcpy(to.unions, c.unions, m->sets * sizeof *to.unions);
    m->losses[g] = loss;
}

static void enter(cdt_partition_moves *m, uint32_t row, uint32_t g)
{
    uint32_t head = m->heads[g];
    m->class[row] = g, m->next[row] = head, m->previous[row] = NONE, m->heads[g] = row;
    if (head != NONE) m->previous[head] = row;
    m->sizes[g]++;
}

static void leave(cdt_partition_moves *m, uint32_t row)
{
    uint32_t g = m->class[row], next = m->next[row], previous = m->previous[row];
    if (previous == NONE)
        m->heads[g] = next;
    else
        m->next[previous] = next;
    if (next != NONE) m->previous[next] = previous;
    m->sizes[g]--;
}

/* A class keeps what is demanded without one row and with another. */
static int keeps(const cdt_partition_moves *m, size_t g, uint32_t gone, uint32_t come, cdt_partition_work work)
{
    for (size_t s = 0; s < m->sensitive_count; s++) {
        size_t n = 0;
        for (uint32_t row = m->heads[g]; row != NONE; row = m->next[row])
            if (row != gone) work.left[n++] = m->sensitive[s].codes[row];
        if (come != NONE) work.left[n++] = m->sensitive[s].codes[come];
        if (!cdt_partition_keeps(&m->sensitive[s], work.left, n, work)) return 0;
    }
    return 1;
}

/* Row goes to the class of its partner; where `swap`, the partner to that of row. 1: done. */
static int propose(cdt_partition_moves *m, uint32_t row, uint32_t partner, int swap, double most, cover one, cover other, cdt_partition_work work)
{
    uint32_t a = m->class[row], b = m->class[partner], back = swap ? partner : NONE;
    double before = m->sizes[a] * m->losses[a] + m->sizes[b] * m->losses[b], size_a = m->sizes[a] - !swap, size_b = m->sizes[b] + !swap;
    without(m, a, row, back, one);
    double loss_a = loss_of(m, one), loss_b;
    if (size_a * loss_a - before > most) return 0;
    if (swap) {
        without(m, b, partner, row, other);
    } else {
        cover now = of_class(m, b);
        memcpy(other.low, now.low, m->stride * sizeof *other.low);
        memcpy(other.high, now.high, m->stride * sizeof *other.high);
        if (m->sets) memcpy(other.unions, now.unions, m->sets * sizeof *other.unions);
        add(m, row, other);
    }
    loss_b = loss_of(m, other);
    if (size_a * loss_a + size_b * loss_b - before > most) return 0;
    if (!keeps(m, a, row, back, work) || !keeps(m, b, back, row, work)) return 0;
    leave(m, row);
    if (swap) {
        leave(m, partner);
        enter(m, partner, a);
    }
    enter(m, row, b);
    keep(m, a, one, loss_a);
    keep(m, b, other, loss_b);
    return 1;
}

void cdt_partition_moves_begin(cdt_partition_moves *m)
{
    for (size_t g = 0; g < m->classes; g++) m->heads[g] = NONE, m->sizes[g] = 0;
    for (size_t row = m->rows; row-- > 0;) {
        uint32_t g = m->class[row];
        if (m->heads[g] == NONE)
            begin_with(m, (uint32_t)row, of_class(m, g));
        else
            add(m, (uint32_t)row, of_class(m, g));
        enter(m, (uint32_t)row, g);
    }
    for (size_t g = 0; g < m->classes; g++) m->losses[g] = loss_of(m, of_class(m, g));
}

/* A row near another in one of the orders, or NONE. */
static uint32_t partner_of(cdt_partition_moves *m, uint32_t row)
{
    size_t order = below(m, m->order_count) * m->rows, step = below(m, 2 * m->window);
    size_t at = m->ranks[order + row] + m->rows + step - m->window + (step >= m->window);
    at -= at >= m->rows ? m->rows : 0;
    return at < m->rows ? m->orders[order + at] : NONE;
}

ptrdiff_t cdt_partition_moves_run(cdt_partition_moves *m, size_t proposals, double temperature, cdt_partition_work work, float *scratch,
                                  uint64_t *mask_scratch)
{
    size_t taken = 0;
    cover one = {scratch, scratch + m->stride, mask_scratch};
    cover other = {scratch + 2 * m->stride, scratch + 3 * m->stride, mask_scratch + m->sets};
    for (size_t i = 0; i < proposals && !work.pause->ended; i++) {
        cdt_spend(work.pause, FAR);
        uint32_t row = (uint32_t)below(m, m->rows), partner = partner_of(m, row);
        double uniform = ((double)(drawn(m) >> 11) + 1) * 0x1p-53;
        int swap = (int)(drawn(m) >> 63);
        if (partner == NONE) continue;
        uint32_t a = m->class[row], b = m->class[partner];
        /* A class that covers nothing beyond one value has nothing to gain. */
        if (a == b || (m->losses[a] == 0 && m->losses[b] == 0)) continue;
        if (m->sizes[a] <= m->least) swap = 1;
        cdt_spend(work.pause, ((size_t)m->sizes[a] + m->sizes[b]) * (m->stride / WIDTH + m->sets));
        taken += (size_t)propose(m, row, partner, swap, -temperature * log(uniform), one, other, work);
    }
    return work.pause->ended ? -1 : (ptrdiff_t)taken;
}

double cdt_partition_moves_loss(const cdt_partition_moves *m)
{
    double sum = 0;
    for (size_t g = 0; g < m->classes; g++) sum += m->sizes[g] * m->losses[g];
    return sum;
}
