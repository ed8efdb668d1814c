/* A libFuzzer target on the decoder of streams, for AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 * An input is a stream whose checksums are repaired, or (another first byte than a signature's) what one is made of: a length and
 * a head up to the lengths of blocks, and blocks, each behind a length of two bytes that ends at the input's end. All instruction
 * sets must give the same status and the same numbers, boxes and levels the numbers of the whole; memory is filled with other
 * bytes each time, so that a number that nobody wrote differs.
 */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
#include "cdt_bytes.h"
#include "cdt_memory.h"
#include "cdt_simd.h"
#include "cdt_status.h"
#include "cdt_stream.h"
#include <stdlib.h>

#define REQUIRE(fact) do { if (!(fact)) __builtin_trap(); } while (0)

enum { MOST_NUMBERS = 1 << 20, MOST_BLOCKS = 1 << 10, SIGNATURE = 0x93 };

static const char *const levels[] = {"baseline", "avx2", "avx512"};
static int filling;

/* In the place of memory.c: exact sizes, so that the sanitizer sees each byte too far. */
void *cdt_new(size_t size)
{
    void *memory = NULL;
    if (size > ((size_t)1 << 30) || posix_memalign(&memory, 64, size ? size : 1)) return NULL;
    return memset(memory, filling, size);
}

void *cdt_new_zeros(size_t size)
{
    void *memory = cdt_new(size);
    return memory ? memset(memory, 0, size) : NULL;
}

void cdt_drop(void *memory)
{
    free(memory);
}

static void *copy_of(const void *bytes, size_t length)
{
    void *copy = malloc(length ? length : 1);
    REQUIRE(copy);
    return memcpy(copy, bytes, length);
}

static void seal(uint8_t *bytes, size_t length)
{
    const uint32_t crc = cdt_crc32c(bytes, length);
    memcpy(bytes + length, &crc, 4);
}

/* Put right the checksum of the head: it is where the bytes say, or nowhere. */
static int open_sealed(uint8_t *bytes, size_t length, int whole, cdt_stream *stream)
{
    unsigned version;
    if (cdt_stream_open(bytes, length, whole, stream, &version) == CDT_OK) return CDT_OK;
    if (!stream->lengths) return CDT_CORRUPT;
    cdt_bytes in = {stream->lengths, bytes + length, 0};
    for (uint64_t i = 0; i < stream->blocks; i++) cdt_get_number(&in);
    if (in.corrupt || in.end - in.at < 4) return CDT_CORRUPT;
    seal(bytes, (size_t)(in.at - bytes));
    return cdt_stream_open(bytes, length, whole, stream, &version);
}

static void seal_blocks(const cdt_stream *stream, uint8_t *bytes, size_t length)
{
    cdt_bytes index = {stream->lengths, bytes + stream->first, 0};
    size_t at = stream->first;
    for (uint64_t i = 0; i < stream->blocks; i++) {
        const size_t size = (size_t)cdt_get_number(&index);
        if (size > length - at) return;
        seal(bytes + at, size - 4);
        at += size;
    }
}

/* A stream of a head and blocks, with lengths and room for checksums. */
static uint8_t *join(const uint8_t *input, size_t size, size_t *length)
{
    const size_t head = input[0] < size ? input[0] : size - 1;
    cdt_bytes in = {input + 1 + head, input + size, 0};
    uint8_t *bytes = calloc(8, size + 8), *at = cdt_put_bytes(bytes, input + 1, head);
    REQUIRE(bytes);
    for (int pass = 0; pass < 2; pass++) {
        for (in.at = input + 1 + head; in.end - in.at > 2;) {
            const size_t said = in.at[0] | (size_t)in.at[1] << 8, left = (size_t)(in.end - in.at) - 2;
            const size_t one = said < left ? said : left;
            if (one && pass == 0) at = cdt_put_number(at, one + 4);
            else if (one) at = cdt_put_bytes(at, in.at + 2, one) + 4;
            in.at += 2 + one;
        }
        if (pass == 0) at += 4;
    }
    *length = (size_t)(at - bytes);
    uint8_t *exact = copy_of(bytes, *length);
    free(bytes);
    return exact;
}

/* Numbers of a box, or of a level, decoded with one instruction set. */
typedef struct {
    const cdt_stream *stream;
    const uint8_t *bytes;
    size_t length;
    size_t start[CDT_AXES], sides[CDT_AXES];
    unsigned level;
} request;

static int decode(const request *asked, int with, uint8_t *values, size_t room)
{
    const cdt_stream *s = asked->stream;
    filling = 0x35 + 0x4A * with;
    memset(values, filling, room);
    REQUIRE(cdt_use_kernels(levels[with]) == CDT_OK);
    if (asked->level) return cdt_stream_decode_level(s, asked->bytes, asked->length, 0, s->blocks, asked->level, values);
    return cdt_stream_decode_blocks(s, asked->bytes, asked->length, 0, s->blocks, asked->start, asked->sides, values);
}

/* The numbers, the same with all instruction sets of this machine; NULL where all refuse. */
static uint8_t *decode_alike(const request *asked)
{
    const size_t room = cdt_count(asked->sides, asked->stream->box_axes) * cdt_size_of(asked->stream->coding.type);
    uint8_t *first = malloc(room ? room : 1), *other = malloc(room ? room : 1);
    REQUIRE(first && other);
    const int status = decode(asked, 0, first, room);
    for (int with = 1; with < 3; with++) {
        if (cdt_use_kernels(levels[with]) != CDT_OK) continue;
        REQUIRE(decode(asked, with, other, room) == status);
        REQUIRE(status != CDT_OK || !memcmp(first, other, room));
    }
    free(other);
    if (status == CDT_OK) return first;
    free(first);
    return NULL;
}

/* What every 2^level-th number of a box of the whole array is must be what was decoded of it alone. */
static void compare(const request *asked, uint8_t *all)
{
    const cdt_stream *s = asked->stream;
    const size_t size = cdt_size_of(s->coding.type), origin[CDT_AXES] = {0};
    uint8_t *part = decode_alike(asked);
    REQUIRE(part || !all);
    if (all) {
        cdt_array from = {.data = all, .type = s->coding.type, .axes = s->box_axes};
        ptrdiff_t step = (ptrdiff_t)size;
        for (unsigned a = s->box_axes; a-- > 0;) {
            from.data += (ptrdiff_t)asked->start[a] * step;
            from.shape[a] = asked->sides[a];
            from.strides[a] = step << asked->level;
            step *= (ptrdiff_t)s->box[a];
        }
        const size_t room = cdt_count(asked->sides, s->box_axes) * size;
        uint8_t *wanted = malloc(room ? room : 1);
        REQUIRE(wanted);
        cdt_gather(&from, origin, asked->sides, wanted);
        REQUIRE(!memcmp(wanted, part, room));
        free(wanted);
    }
    free(part);
}

static void read_stream(const cdt_stream *s, const uint8_t *bytes, size_t length)
{
    request whole = {s, bytes, length, {0}, {0}, 0}, box = whole, level = whole;
    level.level = 1 + bytes[length - 1] % 4;
    for (unsigned a = 0; a < s->box_axes; a++) {
        whole.sides[a] = s->box[a];
        box.start[a] = s->box[a] / 3;
        box.sides[a] = s->box[a] / 2 + 1 - box.start[a];
        level.sides[a] = ((s->box[a] - 1) >> level.level) + 1;
    }
    uint8_t *all = decode_alike(&whole);
    compare(&box, all);
    compare(&level, all);
    free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    cdt_stream stream;
    size_t length = size;
    if (size < 8) return 0;
    uint8_t *bytes = input[0] == SIGNATURE ? copy_of(input, size) : join(input, size, &length);
    if (open_sealed(bytes, length, 0, &stream) == CDT_OK) {
        const size_t numbers = cdt_count(stream.box, stream.box_axes);
        seal_blocks(&stream, bytes, length);
        if (numbers && numbers <= MOST_NUMBERS && stream.blocks <= MOST_BLOCKS)
            read_stream(&stream, bytes, length);
    }
    free(bytes);
    return 0;
}
