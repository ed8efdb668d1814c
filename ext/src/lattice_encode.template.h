/* Encoding of one type of values into one ring: ENCODE(name), ENCODE_VALUE, ENCODE_LOAD, ENCODE_NUMBER, ENCODE_SOME, ENCODE_LIMIT. */
static cdt_lattice_stop ENCODE(encode)(const void *values, size_t n, double factor, const uint16_t *words, cdt_spare *spare, void *ring,
                                       size_t *done)
{
    const ENCODE_VALUE *x = values;
    ENCODE_NUMBER *out = ring;
    cdt_lattice_stop stop = CDT_LATTICE_DONE;
    size_t i = 0;
    while (i < n) {
        size_t end = i + 1;
#if CDT_SIMD
        if (i + 2 * ENCODE_LANES <= n) {
            end = i + 2 * ENCODE_LANES;
            if (ENCODE_SOME(ENCODE_LOAD(x + i) * factor, ENCODE_LOAD(x + i + ENCODE_LANES) * factor, words + i, out + i)) {
                i = end;
                continue;
            }
        }
#endif
        for (; i < end; i++) {
            uint64_t number = 0;
            stop = LEVEL(encode_one)((double)x[i] * factor, ENCODE_LIMIT, words[i], spare, &number);
            if (stop) goto end;
            out[i] = (ENCODE_NUMBER)number;
        }
    }
end:
    *done = i;
    return stop;
}
#undef ENCODE
#undef ENCODE_VALUE
#undef ENCODE_LOAD
#undef ENCODE_NUMBER
#undef ENCODE_SOME
#undef ENCODE_LIMIT
