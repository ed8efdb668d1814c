#include "block_parts.h"
#include "cdt_bytes.h"
#include "cdt_memory.h"
#include "cdt_status.h"
#include "cdt_stream.h"

/* Where block `index` lies in the box. */
static void locate(const cdt_stream *s, uint64_t index, size_t *origin, size_t *sides)
{
    for (unsigned a = s->box_axes; a-- > 0;) {
        const uint64_t along = (s->box[a] + s->block[a] - 1) / s->block[a];
        origin[a] = (size_t)(index % along) * s->block[a];
        sides[a] = s->box[a] - origin[a] < s->block[a] ? s->box[a] - origin[a] : s->block[a];
        index /= along;
    }
}

static cdt_array whole(const cdt_stream *s, const size_t *shape, const void *values)
{
    cdt_array array = {.data = (unsigned char *)(uintptr_t)values, .type = s->coding.type, .axes = s->box_axes};
    ptrdiff_t step = (ptrdiff_t)cdt_size_of(s->coding.type);
    for (unsigned a = s->box_axes; a-- > 0;) {
        array.shape[a] = shape[a];
        array.strides[a] = step;
        step *= (ptrdiff_t)shape[a];
    }
    return array;
}

/* Whether a part of a contiguous array is contiguous: cut along its first axis longer than 1 only. */
static int is_slab(const size_t *shape, const size_t *sides, unsigned axes)
{
    unsigned a = 0;
    while (a < axes && sides[a] == 1) a++;
    for (a++; a < axes; a++)
        if (sides[a] != shape[a]) return 0;
    return 1;
}

size_t cdt_stream_blocks_bound(const cdt_stream *s, uint64_t from, uint64_t to)
{
    size_t origin[CDT_AXES], sides[CDT_AXES], total = 0;
    for (uint64_t i = from; i < to; i++) {
        locate(s, i, origin, sides);
        total += cdt_block_bound(s->coding.type, cdt_count(sides, s->box_axes)) + 4;
    }
    return total;
}

int cdt_stream_encode_blocks(const cdt_stream *s, const void *values, uint64_t from, uint64_t to, uint8_t *out, uint64_t *lengths,
                             cdt_measured *measured)
{
    const cdt_array all = whole(s, s->box, values);
    size_t origin[CDT_AXES], sides[CDT_AXES];
    void *block = NULL;
    int status = CDT_OK;
    *measured = (cdt_measured){0};
    for (uint64_t i = from; i < to && status == CDT_OK; i++) {
        cdt_measured part;
        size_t length = 0;
        locate(s, i, origin, sides);
        const void *numbers;
        if (is_slab(s->box, sides, s->box_axes)) {
            numbers = cdt_place(&all, origin);
        } else {
            if (!block) block = cdt_new(cdt_count(s->block, s->box_axes) * cdt_size_of(s->coding.type));
            if (!block) return CDT_NO_MEMORY;
            cdt_gather(&all, origin, sides, block);
            numbers = block;
        }
        status = cdt_block_encode(&s->coding, numbers, sides, s->box_axes, out, &length, &part);
        if (status != CDT_OK) break;
        const uint32_t crc = cdt_crc32c(out, length);
        out = cdt_put_bytes(out + length, &crc, 4);
        lengths[i - from] = length + 4;
        measured->exact += part.exact;
        measured->lossy += part.lossy;
        if (part.max_error > measured->max_error) measured->max_error = part.max_error;
    }
    cdt_drop(block);
    return status;
}

/* A block to decode: its bytes without their checksum, and where it lies in the box. */
typedef struct {
    const uint8_t *bytes;
    size_t length, origin[CDT_AXES], sides[CDT_AXES];
} placed;

/* All blocks before `to`, one after another; `next` is the index of the next one. */
typedef struct {
    cdt_bytes lengths, in;
    uint64_t next, to;
} walk;

static walk walk_to(const cdt_stream *s, const uint8_t *bytes, size_t length, uint64_t to)
{
    const uint8_t *const first = bytes + s->first;
    return (walk){.lengths = {s->lengths, first, 0}, .in = {first, bytes + length, 0}, .to = to};
}

/* The next block, from `from` on. 0: there is none, and `status` says whether that is how it should be. */
static int next_block(const cdt_stream *s, walk *over, uint64_t from, placed *block, int *status)
{
    while (over->next < over->to && *status == CDT_OK) {
        const size_t length = (size_t)cdt_get_number(&over->lengths);
        block->bytes = cdt_get_bytes(&over->in, length);
        if (!block->bytes) *status = CDT_CORRUPT;
        else if (over->next++ >= from) {
            block->length = length - 4;
            locate(s, over->next - 1, block->origin, block->sides);
            return 1;
        }
    }
    return 0;
}

static int is_damaged(const placed *block)
{
    const uint32_t crc = cdt_crc32c(block->bytes, block->length);
    return memcmp(block->bytes + block->length, &crc, 4) != 0;
}

/* The part of a block that lies in a box at `start`: where it begins in either, and its sides. 0: no part does. */
static int meet(const placed *block, const cdt_array *box, const size_t *start, size_t *in_block, size_t *in_box, size_t *common)
{
    for (unsigned a = 0; a < box->axes; a++) {
        const size_t low = block->origin[a] > start[a] ? block->origin[a] : start[a];
        const size_t end = block->origin[a] + block->sides[a], stop = start[a] + box->shape[a], high = end < stop ? end : stop;
        if (low >= high) return 0;
        in_block[a] = low - block->origin[a];
        in_box[a] = low - start[a];
        common[a] = high - low;
    }
    return 1;
}

/* What of a block lies in the box at `start`. `rooms`: places for a block, of which none may be there yet. */
static int decode_into(const cdt_stream *s, const placed *block, const size_t *start, const cdt_array *box, void *rooms[2])
{
    size_t in_block[CDT_AXES], in_box[CDT_AXES], common[CDT_AXES];
    if (!meet(block, box, start, in_block, in_box, common)) return CDT_OK;
    if (is_damaged(block)) return CDT_CORRUPT;
    const int entire = !memcmp(common, block->sides, box->axes * sizeof *common);
    if (entire && is_slab(box->shape, block->sides, box->axes))
        return cdt_block_decode(&s->coding, block->bytes, block->length, block->sides, box->axes, cdt_place(box, in_box));
    if (entire && cdt_has_rows(block->bytes, block->length))
        return cdt_get_rows(&s->coding, block->bytes, block->length, box, in_box, block->sides);
    for (int i = 0; i < 2 - entire; i++) {
        if (!rooms[i]) rooms[i] = cdt_new(cdt_count(s->block, s->box_axes) * cdt_size_of(box->type));
        if (!rooms[i]) return CDT_NO_MEMORY;
    }
    const int status = cdt_block_decode(&s->coding, block->bytes, block->length, block->sides, box->axes, rooms[0]);
    if (status != CDT_OK) return status;
    if (!entire) {
        const cdt_array all = whole(s, block->sides, rooms[0]);
        cdt_gather(&all, in_block, common, rooms[1]);
    }
    cdt_scatter(box, in_box, common, rooms[!entire]);
    return CDT_OK;
}

int cdt_stream_decode_blocks(const cdt_stream *s, const uint8_t *bytes, size_t length, uint64_t from, uint64_t to,
                             const size_t *start, const size_t *wanted, void *values)
{
    const cdt_array box = whole(s, wanted, values);
    walk over = walk_to(s, bytes, length, to);
    void *rooms[2] = {NULL, NULL};
    placed block;
    int status = CDT_OK;
    while (next_block(s, &over, from, &block, &status)) status = decode_into(s, &block, start, &box, rooms);
    cdt_drop(rooms[0]);
    cdt_drop(rooms[1]);
    return status;
}

/* Every 2^level-th number of a block, `count` of them, the first at `inside`: all of it is decoded first. */
static int decode_apart(const cdt_stream *s, const placed *block, unsigned level, const size_t *inside, const size_t *count,
                        void *points)
{
    static const size_t origin[CDT_AXES];
    void *numbers = cdt_new(cdt_count(block->sides, s->box_axes) * cdt_size_of(s->coding.type));
    if (!numbers) return CDT_NO_MEMORY;
    const int status = cdt_block_decode(&s->coding, block->bytes, block->length, block->sides, s->box_axes, numbers);
    if (status == CDT_OK && cdt_count(count, s->box_axes)) {
        cdt_array some = whole(s, block->sides, numbers);
        some.data = cdt_place(&some, inside);
        for (unsigned a = 0; a < s->box_axes; a++) some.strides[a] *= (ptrdiff_t)1 << level;
        cdt_gather(&some, origin, count, points);
    }
    cdt_drop(numbers);
    return status;
}

/* Every 2^level-th number of the box that lies in a block, by way of `points`. */
static int decode_coarse(const cdt_stream *s, const placed *block, unsigned level, const cdt_array *coarse, void *points)
{
    size_t first[CDT_AXES], inside[CDT_AXES], count[CDT_AXES], off = 0;
    if (is_damaged(block)) return CDT_CORRUPT;
    for (unsigned a = 0; a < s->box_axes; a++) {
        first[a] = (block->origin[a] + ((size_t)1 << level) - 1) >> level;
        inside[a] = (first[a] << level) - block->origin[a];
        count[a] = inside[a] < block->sides[a] ? ((block->sides[a] - 1 - inside[a]) >> level) + 1 : 0;
        off |= inside[a];
    }
    const int status = off ? decode_apart(s, block, level, inside, count, points)
                           : cdt_block_decode_level(&s->coding, block->bytes, block->length, block->sides, s->box_axes, level, points);
    if (status == CDT_OK && cdt_count(count, s->box_axes)) cdt_scatter(coarse, first, count, points);
    return status;
}

int cdt_stream_decode_level(const cdt_stream *s, const uint8_t *bytes, size_t length, uint64_t from, uint64_t to, unsigned level,
                            void *values)
{
    walk over = walk_to(s, bytes, length, to);
    size_t shape[CDT_AXES];
    placed block;
    int status = CDT_OK;
    for (unsigned a = 0; a < s->box_axes; a++) shape[a] = (s->box[a] + ((size_t)1 << level) - 1) >> level;
    const cdt_array coarse = whole(s, shape, values);
    void *points = cdt_new(cdt_count(s->block, s->box_axes) * cdt_size_of(s->coding.type));
    if (!points) return CDT_NO_MEMORY;
    while (next_block(s, &over, from, &block, &status)) status = decode_coarse(s, &block, level, &coarse, points);
    cdt_drop(points);
    return status;
}
