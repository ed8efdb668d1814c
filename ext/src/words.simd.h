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

typedef uint64_t LEVEL(words_4) __attribute__((vector_size(32)));

/* `word` again and again in `bytes`, a multiple of 64. For so few, memset becomes an instruction that takes 30 cycles and more. */
static inline void LEVEL(fill_words)(void *to, uint64_t word, size_t bytes)
{
    const LEVEL(words_4) words = {word, word, word, word};
    for (size_t at = 0; at < bytes; at += 64) {
        memcpy((uint8_t *)to + at, &words, 32);
        memcpy((uint8_t *)to + at + 32, &words, 32);
    }
}
