/* Couplings that come and go: lists of each spin's, and a table that finds that of two spins; and queues of spins. */
#ifndef CDT_ANNEAL_LINKS_H
#define CDT_ANNEAL_LINKS_H
#include "cdt_anneal_reduce.h"
#include "cdt_status.h"

#define NONE UINT32_MAX

/* End `e & 1` of coupling `e / 2`, number e, is in the list of one spin and names the other one. */
typedef struct {
    uint32_t to[2], next[2], before[2];
    uint32_t chain; /* the next coupling of the same place of the table, or the next one that is free */
    union {
        int64_t whole;
        double real;
    } weight;
} coupling;

typedef struct {
    coupling *couplings;
    uint32_t *table, *first, *degrees;
    uint32_t *after, *ahead; /* rings of spins that wait, and their two anchors */
    uint32_t free, shift;
} links;

static inline uint32_t place_of(const links *l, uint32_t a, uint32_t b)
{
    const uint64_t pair = a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
    return (uint32_t)(pair * 0x9e3779b97f4a7c15u >> l->shift);
}

static inline uint32_t end_to(const links *l, uint32_t end) { return l->couplings[end >> 1].to[end & 1]; }
static inline uint32_t end_next(const links *l, uint32_t end) { return l->couplings[end >> 1].next[end & 1]; }

/* The coupling of two spins, or NONE. */
static inline uint32_t find(const links *l, uint32_t a, uint32_t b)
{
    uint32_t c = l->table[place_of(l, a, b)];
    while (c != NONE && !((l->couplings[c].to[0] == a && l->couplings[c].to[1] == b) ||
                          (l->couplings[c].to[0] == b && l->couplings[c].to[1] == a)))
        c = l->couplings[c].chain;
    return c;
}

static inline void enlist(links *l, uint32_t spin, uint32_t end)
{
    coupling *const c = l->couplings + (end >> 1);
    c->next[end & 1] = l->first[spin];
    c->before[end & 1] = NONE;
    if (l->first[spin] != NONE) l->couplings[l->first[spin] >> 1].before[l->first[spin] & 1] = end;
    l->first[spin] = end;
    l->degrees[spin]++;
}

static inline void delist(links *l, uint32_t spin, uint32_t end)
{
    const coupling *const c = l->couplings + (end >> 1);
    const uint32_t next = c->next[end & 1], before = c->before[end & 1];
    if (next != NONE) l->couplings[next >> 1].before[next & 1] = before;
    if (before != NONE) l->couplings[before >> 1].next[before & 1] = next;
    else l->first[spin] = next;
    l->degrees[spin]--;
}

/* A coupling of two spins that have none; its weight is the caller's to set. */
static inline coupling *link(links *l, uint32_t a, uint32_t b)
{
    const uint32_t c = l->free, place = place_of(l, a, b);
    coupling *const made = l->couplings + c;
    l->free = made->chain;
    made->to[0] = b;
    made->to[1] = a;
    made->chain = l->table[place];
    l->table[place] = c;
    enlist(l, a, 2 * c);
    enlist(l, b, 2 * c + 1);
    return made;
}

static inline void unlink_coupling(links *l, uint32_t c)
{
    coupling *const gone = l->couplings + c;
    uint32_t *at = l->table + place_of(l, gone->to[0], gone->to[1]);
    while (*at != c) at = &l->couplings[*at].chain;
    *at = gone->chain;
    delist(l, gone->to[1], 2 * c);
    delist(l, gone->to[0], 2 * c + 1);
    gone->chain = l->free;
    l->free = c;
}

/* A spin that waits is in one ring: before its anchor, which is the last. */
static inline void leave(links *l, uint32_t spin)
{
    l->after[l->ahead[spin]] = l->after[spin];
    l->ahead[l->after[spin]] = l->ahead[spin];
    l->after[spin] = l->ahead[spin] = spin;
}

static inline void wait_at(links *l, uint32_t spin, uint32_t anchor)
{
    leave(l, spin);
    l->after[spin] = anchor;
    l->ahead[spin] = l->ahead[anchor];
    l->after[l->ahead[spin]] = spin;
    l->ahead[anchor] = spin;
}

#endif
