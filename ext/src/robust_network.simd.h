/* Sorting networks of up to 32 wires, all in registers: Batcher's odd-even merge sort (AFIPS 1968), recursive, so that few wires
 * are in use at once. WIRES: wires from there on hold what is never moved, and have no comparators. Wires are KEY v[32], all their
 * places known to the compiler.
 */
#define COMPARE(i, j)                          \
    if ((j) < WIRES) {                         \
        const KEY low = KEY_MIN(v[i], v[j]); \
        v[j] = KEY_OTHER(v[i], v[j], low);   \
        v[i] = low;                            \
    }
/* Merge the wires at o, o + s, o + 2 s ...: two sorted halves. */
#define MERGE_2(o, s) COMPARE(o, (o) + (s))
#define MERGE_4(o, s) MERGE_2(o, 2 * (s)) MERGE_2((o) + (s), 2 * (s)) COMPARE((o) + (s), (o) + 2 * (s))
#define MERGE_8(o, s)                                  \
    MERGE_4(o, 2 * (s)) MERGE_4((o) + (s), 2 * (s))    \
    COMPARE((o) + (s), (o) + 2 * (s)) COMPARE((o) + 3 * (s), (o) + 4 * (s)) COMPARE((o) + 5 * (s), (o) + 6 * (s))
#define MERGE_16(o, s)                                                                                              \
    MERGE_8(o, 2 * (s)) MERGE_8((o) + (s), 2 * (s))                                                                 \
    COMPARE((o) + (s), (o) + 2 * (s)) COMPARE((o) + 3 * (s), (o) + 4 * (s)) COMPARE((o) + 5 * (s), (o) + 6 * (s))   \
    COMPARE((o) + 7 * (s), (o) + 8 * (s)) COMPARE((o) + 9 * (s), (o) + 10 * (s))                                    \
    COMPARE((o) + 11 * (s), (o) + 12 * (s)) COMPARE((o) + 13 * (s), (o) + 14 * (s))
#define MERGE_32                                                                                                    \
    MERGE_16(0, 2) MERGE_16(1, 2)                                                                                   \
    COMPARE(1, 2) COMPARE(3, 4) COMPARE(5, 6) COMPARE(7, 8) COMPARE(9, 10) COMPARE(11, 12) COMPARE(13, 14)          \
    COMPARE(15, 16) COMPARE(17, 18) COMPARE(19, 20) COMPARE(21, 22) COMPARE(23, 24) COMPARE(25, 26) COMPARE(27, 28) \
    COMPARE(29, 30)
#define SORT_4(o) MERGE_2(o, 1) MERGE_2((o) + 2, 1) MERGE_4(o, 1)
#define SORT_8(o) SORT_4(o) SORT_4((o) + 4) MERGE_8(o, 1)
#define SORT_16(o) SORT_8(o) SORT_8((o) + 8) MERGE_16(o, 1)
#define SORT_32 SORT_16(0) SORT_16(16) MERGE_32
