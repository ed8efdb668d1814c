/* Rows of differences and of sums, once per width and kind of vectors: U, V, LANES, VECTOR(name) and ROWS(name). */

/* v and the rows around it at `at`: added where they are an odd number away and `sign` is 1, or the others and `sign` is 0. Fewer than
 * LANES codes (`some`), or LANES. */
static inline __attribute__((always_inline)) V ROWS(join)(V v, const U *const from[8], unsigned axes, unsigned sign, size_t at,
                                                          size_t some)
{
    for (unsigned k = 1; k < 1u << axes; k++) {
        const V w = some ? VECTOR(load_some)(from[k] + at, some) : VECTOR(load)(from[k] + at);
        v = (0x96u >> k & 1) == sign ? VECTOR(add)(v, w) : VECTOR(sub)(v, w);
    }
    return v;
}

/* v as its difference along x, from `last` on, and along y. */
static inline __attribute__((always_inline)) V ROWS(less)(V v, V *last, int along, U *kept, size_t i)
{
    if (along) {
        const V left = VECTOR(left)(v, *last);
        *last = v;
        v = VECTOR(sub)(v, left);
    }
    if (kept) {
        const V before = VECTOR(load)(kept + i);
        VECTOR(store)(kept + i, v);
        v = VECTOR(sub)(v, before);
    }
    return v;
}

/* The inverse; `sum` is that of all before v. */
static inline __attribute__((always_inline)) V ROWS(more)(V v, V *sum, int along, U *kept, size_t i)
{
    if (along) {
        const V sums = VECTOR(sums)(v);
        v = VECTOR(add)(sums, *sum);
        *sum = VECTOR(add)(*sum, VECTOR(last)(sums));
    }
    if (kept) {
        v = VECTOR(add)(v, VECTOR(load)(kept + i));
        VECTOR(store)(kept + i, v);
    }
    return v;
}

/* `size`: rows that are one after another, and their codes, at least LANES. Their difference along the axes of `given`, along x if
 * `along`, and along y if `kept`, which has the row before (and then the last one). `out` may be the first of `given`, and so what comes
 * next is read before the end of a row is written: what lies beneath a masked store cannot be read again soon. */
static inline __attribute__((always_inline)) void ROWS(difference_n)(const U *const *given, unsigned axes, int along, U *kept,
                                                                     const size_t size[2], U *out)
{
    const size_t end = size[0] * size[1], some = size[1] % LANES, whole = size[1] - some;
    const U *from[8], *const row = given[0];
    memcpy(from, given, sizeof *from << axes); /* registers, whatever is written */
    V v = VECTOR(load)(row);
    for (size_t at = 0; at < end; at += size[1]) {
        V last = {0};
        for (size_t i = 0;;) {
            v = ROWS(less)(ROWS(join)(v, from, axes, 0, at + i, 0), &last, along, kept, i);
            VECTOR(store)(out + at + i, v);
            i += LANES;
            if (i >= whole) break;
            v = VECTOR(load)(row + at + i);
        }
        const size_t next = at + size[1] < end ? at + size[1] : 0;
        if (some) {
            const size_t i = at + whole;
            const V rest = ROWS(join)(VECTOR(load_some)(row + i, some), from, axes, 0, i, some);
            v = VECTOR(load)(row + next);
            VECTOR(store_some)(out + i, ROWS(less)(rest, &last, along, kept, whole), some);
        } else {
            v = VECTOR(load)(row + next);
        }
    }
}

/* The inverse in place: `row` is the first of `given`, the others are codes already; `kept` has the sums of the rows before. */
static inline __attribute__((always_inline)) void ROWS(cumulate_n)(const U *const *given, unsigned axes, int along, U *kept,
                                                                   const size_t size[2], U *row)
{
    const size_t end = size[0] * size[1], some = size[1] % LANES, whole = size[1] - some;
    const U *from[8];
    memcpy(from, given, sizeof *from << axes);
    V v = VECTOR(load)(row);
    for (size_t at = 0; at < end; at += size[1]) {
        V sum = {0};
        for (size_t i = 0;;) {
            v = ROWS(join)(ROWS(more)(v, &sum, along, kept, i), from, axes, 1, at + i, 0);
            VECTOR(store)(row + at + i, v);
            i += LANES;
            if (i >= whole) break;
            v = VECTOR(load)(row + at + i);
        }
        const size_t next = at + size[1] < end ? at + size[1] : 0;
        if (some) {
            const size_t i = at + whole;
            const V rest = ROWS(more)(VECTOR(load_some)(row + i, some), &sum, along, kept, whole);
            v = VECTOR(load)(row + next);
            VECTOR(store_some)(row + i, ROWS(join)(rest, from, axes, 1, i, some), some);
        } else {
            v = VECTOR(load)(row + next);
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

