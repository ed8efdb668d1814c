/* How numbers become integer codes and back. Every number is decoded as a decoder will, and compared; one that does not keep the
 * bound, is not finite, or is or becomes a missing code is exact: it is kept apart bit by bit, and its code repeats the one before.
 */
#ifndef CDT_MAP_H
#define CDT_MAP_H
#include "cdt_array.h"

typedef enum {
    CDT_MAP_KEY,     /* floats: their order-preserving integer; lossless */
    CDT_MAP_LINEAR,  /* floats: offset + code * step, in their own type (binary32 for halves), rounded after each operation */
    CDT_MAP_KEYS,    /* floats: unkey(code * integer_step); bounds relative to each value */
    CDT_MAP_STEPS,   /* integers: code * (2 integer_step + 1), or the nearest of their type; the code itself without a step */
    CDT_MAPS
} cdt_map_kind;

typedef struct {
    cdt_map_kind kind;
    unsigned width;        /* of codes: 4 or 8 bytes */
    double step, offset;
    uint64_t integer_step;
} cdt_map;

typedef enum { CDT_LOSSLESS, CDT_ABS, CDT_PW_REL, CDT_REL, CDT_PSNR, CDT_BOUNDS } cdt_bound_kind_;

/* What must hold, and the codes (of the numbers' type) that stay bit-exact and that nothing else becomes. */
typedef struct {
    int kind;
    double value;
    const void *missing;
    size_t n_missing;
} cdt_promise;

/* CDT_BAD_ARGUMENT: the map is not one for the type. Bit i % 8 of exact[i / 8] is set for exact numbers (zeros before). */
int cdt_map_encode(const cdt_map *map, cdt_type type, const void *x, size_t n, const cdt_promise *promise, void *codes,
                   uint8_t *exact, size_t *n_exact, double *max_error);

/* CDT_CORRUPT: no map for the type. */
int cdt_map_check(const cdt_map *map, cdt_type type);
int cdt_map_decode(const cdt_map *map, cdt_type type, const void *codes, size_t n, void *y);

/* Binary16 and binary32, rounded to nearest even. */
float cdt_from_half(uint16_t half);
uint16_t cdt_to_half(float value);

#endif
