/* One block: numbers to bytes and back. FORMAT.md specifies the bytes. */
#ifndef CDT_BLOCK_H
#define CDT_BLOCK_H
#include "cdt_array.h"
#include "cdt_map.h"
#include <stddef.h>
#include <stdint.h>

typedef enum { CDT_FAST, CDT_BALANCED, CDT_DENSE, CDT_PROFILES } cdt_profile;

/* What all blocks of a stream share. `map` keeps the promise; blocks that are smaller without loss are in the type's lossless map. */
typedef struct {
    cdt_type type;
    cdt_map map;
    cdt_promise promise;
    cdt_profile profile;
    int on_grid; /* encoders: the map's step is one that the numbers have, so that codes are whole without loss */
    int may_have_palette; /* encoders: worth a look for few distinct numbers */
    int is_inner; /* a part of a block: of no method that has blocks as parts */
} cdt_coding;

typedef struct {
    double max_error;
    uint64_t exact; /* numbers kept bit by bit beside the lattice */
    uint64_t lossy; /* blocks that are in a map that may lose something */
} cdt_measured;

/* The lossless map of a type. */
cdt_map cdt_lossless_map(cdt_type type);

/* Whether a sample of the numbers, or of the first `part` of them, has so few distinct ones that palettes are worth a try. */
int cdt_looks_few(const cdt_coding *coding, const void *values, size_t n, size_t part);

/* The most bytes a block can take. */
size_t cdt_block_bound(cdt_type type, size_t n);

/* Contiguous numbers of a block with those sides (none 0, at most CDT_MOST_IN_BLOCK) to `out`. CDT_NO_MEMORY. */
int cdt_block_encode(const cdt_coding *coding, const void *values, const size_t *sides, unsigned axes, uint8_t *out,
                     size_t *length, cdt_measured *measured);

/* CDT_CORRUPT: the bytes are no such block; CDT_NO_MEMORY. */
int cdt_block_decode(const cdt_coding *coding, const uint8_t *in, size_t length, const size_t *sides, unsigned axes, void *values);

/* Every 2^level-th number along each axis, from the first on; at most CDT_LEVELS. Contiguous. */
int cdt_block_decode_level(const cdt_coding *coding, const uint8_t *in, size_t length, const size_t *sides, unsigned axes,
                           unsigned level, void *values);

#endif
