/* Vectors of codes, as far as all instruction sets have one way with them: once per width, U, WIDE, V, NAME. */
typedef U NAME(lanes) __attribute__((vector_size(LORENZO_BYTES)));

static inline V NAME(load)(const U *p)
{
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void NAME(store)(U *p, V v) { memcpy(p, &v, sizeof v); }
static inline V NAME(add)(V v, V w) { return (V)((NAME(lanes))v + (NAME(lanes))w); }
static inline V NAME(sub)(V v, V w) { return (V)((NAME(lanes))v - (NAME(lanes))w); }
#if !WIDE
/* The logs of two vectors of residuals, in one: sums. */
static inline V NAME(pair_logs)(V v, V w) { return NAME(add)(LEVEL(lorenzo_logs_of)(v), LEVEL(lorenzo_logs_of)(w)); }
#endif
