/* Arrays of numbers in memory, and boxes of them as contiguous blocks. */
#ifndef CDT_ARRAY_H
#define CDT_ARRAY_H
#include <stddef.h>
#include <stdint.h>

/* Types of numbers; those of codes are 4 or 8 bytes wide. */
typedef enum {
    CDT_I1, CDT_U1, CDT_I2, CDT_U2, CDT_I4, CDT_U4, CDT_I8, CDT_U8, CDT_F2, CDT_F4, CDT_F8, CDT_TYPES
} cdt_type;

#define CDT_AXES 5
/* A block holds at most so many numbers, so that few bytes never stand for an unbounded array. */
#define CDT_MOST_IN_BLOCK ((size_t)1 << 24)

typedef struct {
    unsigned char *data;
    cdt_type type;
    unsigned axes;             /* at most CDT_AXES; 1 at least */
    size_t shape[CDT_AXES];
    ptrdiff_t strides[CDT_AXES]; /* in bytes */
} cdt_array;

size_t cdt_size_of(cdt_type type);
size_t cdt_count(const size_t *shape, unsigned axes);

/* Where the number at `origin` lies. */
unsigned char *cdt_place(const cdt_array *array, const size_t *origin);

/* Copy the box at `origin` with `sides` into contiguous `block`, or back. */
void cdt_gather(const cdt_array *array, const size_t *origin, const size_t *sides, void *block);
void cdt_scatter(const cdt_array *array, const size_t *origin, const size_t *sides, const void *block);

/* Copy a contiguous block with its axes in another order: axis i of `to` is axis order[i] of `from`; and back. */
void cdt_permute(const void *from, size_t size, const size_t *shape, unsigned axes, const uint8_t *order, void *to);
void cdt_permute_back(const void *from, size_t size, const size_t *shape, unsigned axes, const uint8_t *order, void *to);

#endif
