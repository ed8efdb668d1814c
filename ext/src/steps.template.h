/* One type of integers T, codes of type C, W its unsigned arithmetic, F the floats that hold all T (where there are any), with MAGIC to
 * round them to whole numbers, NAME. T and NAME are undefined at the end. */
#define TOP ((W)1 << (8 * sizeof(T) - 1))
#define LOWEST ((T)-1 < 0 ? TOP : 0) /* the size of the least number */
#define HIGHEST ((T)-1 < 0 ? TOP - 1 : (W)(T)-1)

static inline C NAME(nearest)(T x, W width)
{
#ifdef F
    const F whole = ((F)x * ((F)1 / (F)width) + MAGIC) - MAGIC;
    return (C)whole;
#else
    /* Of the size, so that one division by a positive number serves all signs. */
    const W size = x < 0 ? (W)0 - (W)x : (W)x, steps = size / width + (size % width > width / 2);
    return (C)(x < 0 ? (W)0 - steps : steps);
#endif
}

static inline T NAME(at)(C code, W width, C least, C most)
{
    return code > most ? (T)HIGHEST : code < least ? (T)((W)0 - LOWEST) : (T)((W)code * width);
}

#ifdef NARROW
/* The same for the nearest multiple of a number, which floats hold: it is at most half a width beyond the type. */
static inline F NAME(near)(F whole, F width)
{
    const F product = whole * width, y = product < (F)HIGHEST ? product : (F)HIGHEST;
    return y > -(F)LOWEST ? y : -(F)LOWEST;
}
#endif

static inline W NAME(apart)(T x, T y)
{
    return x > y ? (W)x - (W)y : (W)y - (W)x;
}

/* Numbers of a tile where x, or what it becomes, is a missing code: repeat the code `before` (the first number has none). */
static W NAME(leave_out)(W width, const T *x, size_t from, size_t to, const T *missing, size_t n_missing, C *codes, uint8_t *exact,
                         size_t *n_exact)
{
    const C most = (C)(HIGHEST / width), least = -(C)(LOWEST / width);
    C before = from ? codes[from - 1] : 0;
    W largest = 0;
    for (size_t i = from; i < to; i++) {
        const T y = NAME(at)(codes[i], width, least, most);
        int is_missing = 0;
        for (size_t j = 0; j < n_missing; j++) is_missing |= (x[i] == missing[j]) | (y == missing[j]);
        if (is_missing) {
            codes[i] = before;
            exact[i >> 3] = (uint8_t)(exact[i >> 3] | 1u << (i & 7));
            ++*n_exact;
        } else {
            const W apart = NAME(apart)(x[i], y);
            largest = apart > largest ? apart : largest;
            before = codes[i];
        }
    }
    return largest;
}

static double NAME(encode)(uint64_t wide, const void *numbers, size_t n, const void *missing, size_t n_missing, void *codes,
                           uint8_t *exact, size_t *n_exact)
{
    const T *const x = numbers, *const left_out = missing;
    const W width = (W)wide;
    const C most = (C)(HIGHEST / width), least = -(C)(LOWEST / width);
    C *const k = codes;
    W largest = 0;
    for (size_t from = 0; from < n; from += LEVEL(steps_tile)) {
        const size_t to = n - from < LEVEL(steps_tile) ? n : from + LEVEL(steps_tile);
        W apart = 0, clashes = 0;
        for (size_t i = from; i < to; i++) {
#ifdef NARROW
            const F whole = ((F)x[i] * ((F)1 / (F)width) + MAGIC) - MAGIC;
            const W d = (W)(C)__builtin_fabsf((F)x[i] - NAME(near)(whole, (F)width));
            k[i] = (C)whole;
#else
            k[i] = NAME(nearest)(x[i], width);
            const W d = NAME(apart)(x[i], NAME(at)(k[i], width, least, most));
#endif
            apart = d > apart ? d : apart;
        }
        for (size_t j = 0; j < n_missing; j++)
            for (size_t i = from; i < to; i++)
                clashes |= (W)((x[i] == left_out[j]) | (NAME(at)(k[i], width, least, most) == left_out[j]));
        if (clashes) apart = NAME(leave_out)(width, x, from, to, left_out, n_missing, k, exact, n_exact);
        largest = apart > largest ? apart : largest;
    }
    /* Rounded up; no error is as large as 2^63. */
    const double stated = (double)largest;
    return (W)stated < largest ? nextafter(stated, INFINITY) : stated;
}

static void NAME(decode)(uint64_t wide, const void *codes, size_t n, void *numbers)
{
    const W width = (W)wide;
    const C most = (C)(HIGHEST / width), least = -(C)(LOWEST / width), *const k = codes;
    T *const y = numbers;
    for (size_t i = 0; i < n; i++) y[i] = NAME(at)(k[i], width, least, most);
}
#undef TOP
#undef LOWEST
#undef HIGHEST
#undef T
#undef NAME
