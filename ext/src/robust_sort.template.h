/* Up to CDT_ROBUST_NETWORK keys of each column in order: blocks of 32 by networks in registers, then merged in pairs. */

/* The block of `count` keys at x in order; there is room for the next multiple of 4, which holds KEY_TOP there. */
INLINE void ROBUST(sort_wires)(KEY *x, const size_t WIRES)
{
    KEY v[32];
UNROLL
    for (size_t i = 0; i < 32; i++)
        if (i < WIRES) v[i] = x[i];
    SORT_32
UNROLL
    for (size_t i = 0; i < 32; i++)
        if (i < WIRES) x[i] = v[i];
}

/* Every second key of a sorted block of 32 and of one of `half` * 2, merged. */
INLINE void ROBUST(merge_wires)(const KEY *a, const KEY *b, KEY *merged, const size_t half)
{
    const size_t WIRES = 16 + half;
    KEY v[32];
UNROLL
    for (size_t i = 0; i < 16; i++) v[i] = a[2 * i];
UNROLL
    for (size_t i = 0; i < 16; i++)
        if (i < half) v[16 + i] = b[2 * i];
    MERGE_32
UNROLL
    for (size_t i = 0; i < 32; i++)
        if (i < WIRES) merged[i] = v[i];
}

#define SORT_WIRES(n) \
    case (n) / 4: ROBUST(sort_wires)(x, n); break;
#define MERGE_WIRES(n) \
    case (n) / 4: ROBUST(merge_wires)(a, b, merged, (n) / 2); break;
#define EVERY_WIDTH(DO) DO(4) DO(8) DO(12) DO(16) DO(20) DO(24) DO(28) DO(32)

static void ROBUST(sort_block)(KEY *x, size_t count)
{
    switch ((count + 3) / 4) { EVERY_WIDTH(SORT_WIRES) }
}

static void ROBUST(merge_half)(const KEY *a, const KEY *b, size_t count, KEY *merged)
{
    switch ((count + 3) / 4) { EVERY_WIDTH(MERGE_WIRES) }
}

#undef SORT_WIRES
#undef MERGE_WIRES
#undef EVERY_WIDTH

/* A sorted block of 32 and one of `count`, `sorted` (room for 64). Of Batcher's odd-even merge, the even and the odd places first. */
static void ROBUST(merge)(const KEY *a, const KEY *b, size_t count, KEY *sorted)
{
    KEY even[32], odd[32];
    const size_t last = 16 + (count + 3) / 4 * 2 - 1;
    ROBUST(merge_half)(a, b, count, even);
    ROBUST(merge_half)(a + 1, b + 1, count, odd);
    sorted[0] = even[0];
    for (size_t i = 0; i < last; i++) {
        sorted[2 * i + 1] = KEY_MIN(odd[i], even[i + 1]);
        sorted[2 * i + 2] = KEY_MAX(odd[i], even[i + 1]);
    }
    sorted[2 * last + 1] = odd[last];
}

/* n keys at x, with KEY_TOP up to a multiple of 4, as two sorted lists of a and of n - a keys; `room` for 128 keys. */
typedef struct {
    const KEY *a, *b;
    size_t in_a, in_b;
} ROBUST(lists);

static ROBUST(lists) ROBUST(sort_lists)(KEY *x, size_t n, KEY *room)
{
    const size_t blocks = (n + 31) / 32;
    for (size_t at = 0; at < n; at += 32) ROBUST(sort_block)(x + at, n - at < 32 ? n - at : 32);
    ROBUST(lists) found = {x, x + 32, n < 32 ? n : 32, n < 32 ? 0 : n < 64 ? n - 32 : 32};
    if (blocks > 2) { /* the last one, which may be short, goes with the first: the lists differ least in length then */
        const size_t at = 32 * (blocks - 1);
        ROBUST(merge)(x, x + at, n - at, room);
        found.a = room;
        found.in_a = 32 + n - at;
    }
    if (blocks > 3) {
        ROBUST(merge)(x + 32, x + 64, 32, room + 64);
        found.b = room + 64;
        found.in_b = 64;
    }
    return found;
}
