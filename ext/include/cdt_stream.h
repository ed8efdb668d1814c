/* Streams, version 2: a header with an index, and independent blocks. FORMAT.md specifies the bytes. */
#ifndef CDT_STREAM_H
#define CDT_STREAM_H
#include "cdt_block.h"
#include <stddef.h>
#include <stdint.h>

#define CDT_STREAM_AXES 33
#define CDT_UNIT_BYTES 32

/* Types of arrays: those of blocks, and those that are stored as one of them. */
typedef enum { CDT_BOOL = CDT_TYPES, CDT_DATETIME, CDT_TIMEDELTA, CDT_C8, CDT_C16, CDT_DTYPES } cdt_dtype;

typedef struct {
    int dtype;
    char unit[CDT_UNIT_BYTES];          /* of times, like "ns" or "25s"; empty: none */
    unsigned axes;
    uint64_t shape[CDT_STREAM_AXES];    /* of complex numbers with a last axis of 2 */
    int asked_kind, applied_kind;       /* cdt_bound_kind_ */
    double asked, applied, max_error;
    uint64_t exact;
    cdt_coding coding;                  /* type, map, promise (kind and value) */
    unsigned box_axes;                  /* the shape without axes of length 1, leading ones joined */
    size_t box[CDT_AXES], block[CDT_AXES];
    uint64_t blocks;
    /* of a stream that was read: */
    const uint8_t *lengths;             /* where the index begins */
    size_t first;                       /* where the first block begins */
} cdt_stream;

/* ---- stream_plan.c: blocks and map ---- */

/* Fill in box_axes and box from shape. CDT_BAD_ARGUMENT: more than the limits. */
int cdt_stream_box(cdt_stream *stream);

/* Block sides, and their number, for a profile; needs the box. */
void cdt_stream_choose_blocks(cdt_stream *stream, cdt_profile profile);

/* The blocks that the box is cut into; needs their sides. 0: it is empty. */
uint64_t cdt_stream_count_blocks(const cdt_stream *stream);

/* The map that keeps a promise for numbers whose largest finite size is `largest`; `linear` maps have a step just below twice the
 * bound. Falls back to the lossless map where there is none. */
cdt_map cdt_map_for(cdt_type type, int kind, double bound, double largest);

/* Look at contiguous `values`: use their hidden grid for the map, if they have one, and see whether they have few distinct numbers. */
void cdt_stream_look(cdt_stream *stream, const void *values);

/* Promise no loss, and use the lossless map: for a stream without a block in a lossy one. */
void cdt_stream_call_lossless(cdt_stream *stream);

/* ---- stream_head.c ---- */

/* The head: everything before the blocks. `out` has room for cdt_stream_head_bound. Returns its length. */
size_t cdt_stream_head_bound(const cdt_stream *stream);
size_t cdt_stream_put_head(const cdt_stream *stream, const uint64_t *lengths, uint8_t *out);

/* Read a head. CDT_CORRUPT: no stream, of another version (`version` receives it, 0 without signature), or damaged. With `whole`
 * the blocks must end where the bytes do. */
int cdt_stream_open(const uint8_t *in, size_t length, int whole, cdt_stream *stream, unsigned *version);

/* ---- stream_blocks.c ---- */

/* The most bytes of blocks [from, to). */
size_t cdt_stream_blocks_bound(const cdt_stream *stream, uint64_t from, uint64_t to);

/* Encode blocks [from, to) of contiguous `values` one after another, each with its checksum, into `out`; lengths (of blocks with
 * checksums) and what was measured. */
int cdt_stream_encode_blocks(const cdt_stream *stream, const void *values, uint64_t from, uint64_t to, uint8_t *out,
                             uint64_t *lengths, cdt_measured *measured);

/* Decode those of the blocks [from, to) that meet the box at `start` with `sides`, into contiguous `values` of that box. */
int cdt_stream_decode_blocks(const cdt_stream *stream, const uint8_t *in, size_t length, uint64_t from, uint64_t to,
                             const size_t *start, const size_t *sides, void *values);

/* Every 2^level-th number along each axis of the box that blocks [from, to) have, into contiguous `values` of all of them. Levels are
 * below 25. Of interpolated blocks only what is so coarse is decoded. */
int cdt_stream_decode_level(const cdt_stream *stream, const uint8_t *in, size_t length, uint64_t from, uint64_t to, unsigned level,
                            void *values);

uint32_t cdt_crc32c(const uint8_t *bytes, size_t n);

#endif
