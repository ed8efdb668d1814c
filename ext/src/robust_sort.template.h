/* Up to CDT_ROBUST_NETWORK keys of each column in order: blocks of 32 by networks in registers, then merged in pairs. */

/* One vector of a block of 32 slots, of which some beyond the multiple of 4 are not read, in order. */
INLINE void ROBUST(sort_wires)(const NUMBER *const *here, size_t vector, KEY *x, BITS *wrong, const size_t WIRES)
{
    KEY v[32];
    BITS wrong_here = {0};
UNROLL
    for (size_t i = 0; i < 32; i++)
        if (i < WIRES) {
            if (i % 4 == 0) ROBUST(fetch)(here, vector * (WIRES / 4) + i / 4);
            v[i] = ENCODE(ROBUST(take)(here[i], vector, &wrong_here));
        }
    *wrong |= wrong_here;
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
    case (n) / 4: ROBUST(sort_wires)(here, vector, x, wrong, n); break;
#define MERGE_WIRES(n) \
    case (n) / 4: ROBUST(merge_wires)(a, b, merged, (n) / 2); break;
#define EVERY_WIDTH(DO) DO(0) DO(4) DO(8) DO(12) DO(16) DO(20) DO(24) DO(28) DO(32)

static void ROBUST(sort_block)(const NUMBER *const *here, size_t vector, size_t count, KEY *x, BITS *wrong)
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
        const KEY low = KEY_MIN(odd[i], even[i + 1]);
        sorted[2 * i + 1] = low;
        sorted[2 * i + 2] = KEY_OTHER(odd[i], even[i + 1], low);
    }
    sorted[2 * last + 1] = odd[last];
}

/* Keys as two sorted lists; behind them lie keys of the largest number. */
typedef struct {
    KEY *a, *b;
    size_t in_a, in_b;
} ROBUST(lists);

/* One vector of a tile of up to CDT_ROBUST_NETWORK rows, of which each list has half, or the first all of up to 32. */
static ROBUST(lists) ROBUST(sort_lists)(ROBUST(tile) *tile, size_t vector)
{
    const size_t *count = tile->count;
    KEY *x = tile->keys, *merged = x + CDT_ROBUST_NETWORK;
    for (size_t block = 0; block < tile->blocks; block++)
        ROBUST(sort_block)(tile->here + 32 * block, vector, count[block], x + 32 * block, &tile->wrong);
    if (tile->blocks < 4) return (ROBUST(lists)){x, x + 32, count[0], count[1]};
    ROBUST(merge)(x, x + 32, count[1], merged);
    ROBUST(merge)(x + 64, x + 96, count[3], merged + 64);
    return (ROBUST(lists)){merged, merged + 64, count[0] + count[1], count[2] + count[3]};
}
