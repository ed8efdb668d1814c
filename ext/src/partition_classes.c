#include "cdt_partition.h"
#include <string.h>

/* Rows whose hashes are made before any is looked up: their slots are on their way from memory meanwhile. */
#define AHEAD 16
/* Steps that a look into a large table takes. */
#define FAR 8

static uint64_t mixed(uint64_t h)
{
    h = (h ^ (h >> 32)) * 0xbf58476d1ce4e5b9u;
    return h ^ (h >> 29);
}

static uint64_t hash_of(const uint8_t *row, size_t bytes)
{
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < bytes; i += 16) {
        uint64_t w[2];
        memcpy(w, row + i, sizeof w);
        h = (h ^ w[0] ^ (w[1] << 29 | w[1] >> 35) * 0x94d049bb133111ebu) * 0x9e3779b97f4a7c15u;
        h ^= h >> 31;
    }
    return mixed(h);
}

/* A slot is 0, or the high half of a hash and a class + 1. */
static uint32_t class_of(const uint8_t *codes, size_t row, size_t bytes, uint64_t hash, uint64_t *table, size_t mask, uint32_t *firsts,
                         size_t *count)
{
    const uint64_t high = hash & 0xffffffff00000000u;
    size_t at = hash & mask;
    for (; table[at]; at = (at + 1) & mask) {
        if ((table[at] ^ high) >> 32) continue;
        uint32_t class = (uint32_t)table[at] - 1;
        if (memcmp(codes + row * bytes, codes + firsts[class] * bytes, bytes) == 0) return class;
    }
    table[at] = high | (*count + 1);
    firsts[*count] = (uint32_t)row;
    return (uint32_t)(*count)++;
}

ptrdiff_t cdt_partition_classes(const uint8_t *codes, size_t rows, size_t bytes, uint64_t *table, size_t slots, uint32_t *firsts,
                                uint32_t *classes, cdt_pause *pause)
{
    size_t count = 0, mask = slots - 1;
    uint64_t hashes[AHEAD];
    for (size_t first = 0; first < rows && !pause->ended; first += AHEAD) {
        size_t some = rows - first < AHEAD ? rows - first : AHEAD;
        for (size_t i = 0; i < some; i++) {
            hashes[i] = hash_of(codes + (first + i) * bytes, bytes);
            __builtin_prefetch(&table[hashes[i] & mask], 1);
        }
        for (size_t i = 0; i < some; i++)
            classes[first + i] = class_of(codes, first + i, bytes, hashes[i], table, mask, firsts, &count);
        cdt_spend(pause, some * (bytes / 16 + FAR));
    }
    return pause->ended ? -1 : (ptrdiff_t)count;
}

int cdt_partition_by_class(const uint32_t *classes, size_t rows, size_t count, uint64_t *starts, uint32_t *order, cdt_pause *pause)
{
    memset(starts, 0, (count + 1) * sizeof *starts);
    CDT_IN_PIECES(i, rows, 1, pause) starts[classes[i] + 1]++;
    for (size_t g = 0; g < count; g++) starts[g + 1] += starts[g];
    /* Each start walks to its class's end, and is then moved back by one class. */
    CDT_IN_PIECES(i, rows, 1, pause) order[starts[classes[i]]++] = (uint32_t)i;
    for (size_t g = count; g > 0; g--) starts[g] = starts[g - 1];
    starts[0] = 0;
    return pause->ended ? -1 : 0;
}
