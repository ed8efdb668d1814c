/* Rows of differences and of sums, once per width and kind of vectors: U, V, LANES, VECTOR(name) and ROWS(name). */

static inline __attribute__((always_inline)) V ROWS(get)(const U *p, size_t n)
{
    return n >= LANES ? VECTOR(load)(p) : VECTOR(load_some)(p, n);
}

/* v and the rows around it at `at`: added where they are an odd number away and `sign` is 1, or the others and `sign` is 0. */
static inline __attribute__((always_inline)) V ROWS(join)(V v, const U *const *from, unsigned axes, unsigned sign, size_t at,
                                                          size_t n)
{
    for (unsigned k = 1; k < 1u << axes; k++) {
        const V w = ROWS(get)(from[k] + at, n);
        v = (0x96u >> k & 1) == sign ? VECTOR(add)(v, w) : VECTOR(sub)(v, w);
    }
    return v;
}

/* `size`: rows that are one after another, and their codes. Their difference along the axes of `from`, along x if `along`, and along
 * y if `kept`, which has the row before (and then the last one). `out` may be the first of `from`, and so what comes next is read
 * before the end of a row is written: what lies beneath a masked store cannot be read again soon. */
static inline __attribute__((always_inline)) void ROWS(difference_n)(const U *const *from, unsigned axes, int along, U *kept,
                                                                     const size_t size[2], U *out)
{
    const size_t end = size[0] * size[1];
    V next = ROWS(get)(from[0], size[1]);
    for (size_t at = 0; at < end; at += size[1]) {
        V last = {0};
        for (size_t i = 0; i < size[1]; i += LANES) {
            const size_t n = size[1] - i;
            V v = ROWS(join)(LANES == 1 ? ROWS(get)(from[0] + at + i, n) : next, from, axes, 0, at + i, n);
            if (n > LANES) next = ROWS(get)(from[0] + at + i + LANES, n - LANES);
            else if (at + size[1] < end) next = ROWS(get)(from[0] + at + size[1], size[1]);
            if (along) {
                const V left = VECTOR(left)(v, last);
                last = v;
                v = VECTOR(sub)(v, left);
            }
            if (kept) {
                const V before = VECTOR(load)(kept + i);
                VECTOR(store)(kept + i, v);
                v = VECTOR(sub)(v, before);
            }
            if (n >= LANES) VECTOR(store)(out + at + i, v);
            else VECTOR(store_some)(out + at + i, v, n);
        }
    }
}

/* The inverse in place: `row` is the first of `from`, the others are codes already; `kept` has the sums of the rows before. */
static inline __attribute__((always_inline)) void ROWS(cumulate_n)(const U *const *from, unsigned axes, int along, U *kept,
                                                                   const size_t size[2], U *row)
{
    const size_t end = size[0] * size[1];
    V next = ROWS(get)(row, size[1]);
    for (size_t at = 0; at < end; at += size[1]) {
        V sum = {0};
        for (size_t i = 0; i < size[1]; i += LANES) {
            const size_t n = size[1] - i;
            V v = LANES == 1 ? ROWS(get)(row + at + i, n) : next;
            if (n > LANES) next = ROWS(get)(row + at + i + LANES, n - LANES);
            else if (at + size[1] < end) next = ROWS(get)(row + at + size[1], size[1]);
            if (along) {
                const V sums = VECTOR(sums)(v);
                v = VECTOR(add)(sums, sum);
                sum = VECTOR(add)(sum, VECTOR(last)(sums));
            }
            if (kept) {
                v = VECTOR(add)(v, VECTOR(load)(kept + i));
                VECTOR(store)(kept + i, v);
            }
            v = ROWS(join)(v, from, axes, 1, at + i, n);
            if (n >= LANES) VECTOR(store)(row + at + i, v);
            else VECTOR(store_some)(row + at + i, v, n);
        }
    }
}

#define LORENZO_EACH(n, zero)                                                                                            \
    switch (4 * axes + 2 * (along != 0) + (kept != NULL)) {                                                              \
    case 0: zero; break;                                                                                                 \
    case 1: n(from, 0, 0, kept, size, out); break;                                                                       \
    case 2: n(from, 0, 1, NULL, size, out); break;                                                                       \
    case 3: n(from, 0, 1, kept, size, out); break;                                                                       \
    case 4: n(from, 1, 0, NULL, size, out); break;                                                                       \
    case 5: n(from, 1, 0, kept, size, out); break;                                                                       \
    case 6: n(from, 1, 1, NULL, size, out); break;                                                                       \
    case 7: n(from, 1, 1, kept, size, out); break;                                                                       \
    case 8: n(from, 2, 0, NULL, size, out); break;                                                                       \
    case 9: n(from, 2, 0, kept, size, out); break;                                                                       \
    case 10: n(from, 2, 1, NULL, size, out); break;                                                                      \
    case 11: n(from, 2, 1, kept, size, out); break;                                                                      \
    case 12: n(from, 3, 0, NULL, size, out); break;                                                                      \
    default: n(from, 3, 1, NULL, size, out);                                                                             \
    }

static void ROWS(difference_rows)(const U *const *from, unsigned axes, int along, U *kept, const size_t size[2], U *out)
{
    LORENZO_EACH(ROWS(difference_n), if (out != from[0]) memcpy(out, from[0], size[0] * size[1] * sizeof(U)))
}

static void ROWS(cumulate_rows)(const U *const *from, unsigned axes, int along, U *kept, const size_t size[2], U *out)
{
    LORENZO_EACH(ROWS(cumulate_n), )
}
#undef LORENZO_EACH

