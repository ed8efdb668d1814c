/* Words of 8 bytes, the lowest first on every machine. Its functions are of the level, so that they can be inlined there. */

static inline uint64_t LEVEL(word_order)(uint64_t word)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t LEVEL(load_8)(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return LEVEL(word_order)(word);
}

static inline void LEVEL(store_8)(uint8_t *at, uint64_t word)
{
    word = LEVEL(word_order)(word);
    memcpy(at, &word, 8);
}
