/* Pauses of long work, in which it is asked whether anyone still waits for it. */
#ifndef CDT_PAUSE_H
#define CDT_PAUSE_H
#include <stddef.h>

/* `stop` is asked after about every `every` (> 0) steps; not 0: the work is to end. Loops in pieces then end where they are, those of
 * few turns run through: what was made is of no use. Begins with `left` and `ended` 0, so that it is asked first of all. */
typedef struct {
    int (*stop)(void);
    size_t every, left;
    int ended;
} cdt_pause;

/* Few turns cost nothing, and do not count: who makes many such loops spends for them. */
#define CDT_FEW_TURNS 1024

__attribute__((noinline, cold, unused)) static void cdt_ask(cdt_pause *p)
{
    if (!p->ended) p->ended = p->stop() != 0;
    p->left = p->ended ? 0 : p->every;
}

/* So many steps are to be made, or were. */
static inline void cdt_spend(cdt_pause *p, size_t steps)
{
    if (steps < p->left)
        p->left -= steps;
    else
        cdt_ask(p);
}

__attribute__((noinline, cold, unused)) static size_t cdt_last_piece(cdt_pause *p, size_t i, size_t n, size_t steps)
{
    size_t some = p->left / steps;
    cdt_ask(p);
    if (p->ended) return i;
    some = some < n - i ? some : n - i;
    return i + some + !some;
}

/* Up to where a loop goes without a pause, from i to before n, when each turn has so many steps; i where work is to end. */
static inline size_t cdt_piece(cdt_pause *p, size_t i, size_t n, size_t steps)
{
    if (n - i <= CDT_FEW_TURNS) return n;
    if ((n - i) * steps >= p->left) return cdt_last_piece(p, i, n, steps);
    p->left -= (n - i) * steps;
    return n;
}

/* for (size_t i = 0; i < n; i++), with pauses. */
#define CDT_IN_PIECES(i, n, steps, pause) \
    for (size_t i = 0, i##_end; i < (n) && (i##_end = cdt_piece(pause, i, n, steps)) > i;) \
        for (; i < i##_end; i++)

#endif
