#include "cdt_contexts.h"
#include "cdt_memory.h"
#include "cdt_simd.h"
#include "cdt_status.h"
#include "context_rows.h"
#include <string.h>

/* What a decoder has of the tables and the stream. */
typedef struct {
    cdt_context_head head;
    cdt_rans_reader reader;
    uint32_t *slots, *flag_slots;
    uint8_t table[KINDS][256];
    uint8_t *contexts, *loudness, *loud;    /* of one row; the last two where groups may be silent */
} cdt_context_reading;

static int start_reading(const cdt_pyramid *pyramid, const uint8_t *in, size_t length, unsigned most_tokens, cdt_context_reading *reading)
{
    const size_t cols = pyramid->dim[0][3], groups = cols / GROUP + 1;
    const size_t head = cdt_context_head_get(in, length, most_tokens, &reading->head, &reading->slots);
    if (!head || cdt_rans_open(&reading->reader, in + head, length - head, reading->head.states) != CDT_OK) return CDT_CORRUPT;
    cdt_context_tables(&reading->head, reading->table);
    reading->contexts = cdt_new(cols + CDT_PAD + CDT_SPARE + 2 * groups);
    if (!reading->contexts) return CDT_NO_MEMORY;
    if (!reading->head.has_silence) return CDT_OK;
    reading->loudness = reading->contexts + cols + CDT_PAD + CDT_SPARE;
    reading->loud = reading->loudness + groups;
    uint16_t frequencies[LOUDNESSES][2];
    reading->flag_slots = cdt_new(LOUDNESSES * CDT_SLOTS * sizeof *reading->flag_slots);
    if (!reading->flag_slots) return CDT_NO_MEMORY;
    cdt_silence_tables(&reading->head, frequencies);
    for (unsigned i = 0; i < LOUDNESSES; i++) cdt_rans_slots(frequencies[i], 2, reading->flag_slots + i * CDT_SLOTS);
    return CDT_OK;
}

/* The groups of the next row that are not silent, and the contexts of their places. 0: they have no table. */
static int decode_loud(cdt_context_reading *reading, unsigned kind, const cdt_token_rows *next)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const size_t cols = next->cols, groups = (cols + GROUP - 1) / GROUP;
    kernels->rows.activity(&next->near, cols, reading->contexts);
    kernels->rows.loudness(reading->contexts, cols, reading->loudness);
    kernels->rans.decode_row(&reading->reader, reading->flag_slots, reading->loudness, reading->loud, groups);
    memset(next->row, 0, cols);
    for (size_t from, to = 0; cdt_next_loud(reading->loud, groups, cols, &from, &to);) {
        if (!reading->head.tables[kind]) return 0;
        kernels->rows.look_up(reading->table[kind], reading->contexts + from, to - from);
        kernels->rans.decode_row(&reading->reader, reading->slots, reading->contexts + from, next->row + from, to - from);
    }
    return 1;
}

/* The next rows of a segment of that kind. 0: there is no table. */
static int decode_rows(cdt_context_reading *reading, unsigned kind, cdt_token_rows *next)
{
    if (!reading->head.has_silence) {
        if (!reading->head.tables[kind]) return 0;
        cdt_active_kernels()->contexts.decode_rows(&reading->reader, reading->slots, reading->table[kind], next, reading->contexts);
        return 1;
    }
    for (; next->rows > 0; cdt_token_rows_step(next)) {
        if (!decode_loud(reading, kind, next)) return 0;
        cdt_pad(next->row, next->cols);
    }
    return 1;
}

int cdt_contexts_decode(const cdt_pyramid *pyramid, const uint8_t *in, size_t length, unsigned most_tokens, unsigned level,
                        uint8_t *tokens)
{
    cdt_context_reading reading = {.slots = NULL};
    int status = start_reading(pyramid, in, length, most_tokens, &reading);
    for (unsigned s = 0; s < pyramid->count && status == CDT_OK; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = cdt_rows_of(segment);
        const unsigned kind = cdt_context_kind(pyramid, segment);
        cdt_around around;
        if (s && segment->level < level) break;
        if (segment->class_bits) cdt_pyramid_around(pyramid, segment, &around);
        cdt_context_merge(pyramid, s, tokens);
        for (size_t r = 0, together; r < rows && status == CDT_OK; r += together) {
            cdt_token_rows next = {.cols = segment->dim[3], .stride = segment->stride};
            next.row = tokens + segment->offset + 1 + r * segment->stride;
            next.rows = together = cdt_context_together(&around, segment, r);
            cdt_context_neighbours(&around, segment, r, &reading.head.recipe, tokens, &next.near);
            if (!decode_rows(&reading, kind, &next)) status = CDT_CORRUPT;
        }
    }
    for (unsigned s = 0; s < pyramid->count && status == CDT_OK; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = cdt_rows_of(segment), stride = segment->stride, after = segment->dim[3] + 1;
        uint8_t *row = tokens + segment->offset;
        for (size_t r = 0; r < rows; r++, row += stride) {
            row[0] = 0;
            memset(row + after, 0, stride - after);
        }
    }
    if (status == CDT_OK) status = !level ? cdt_rans_close(&reading.reader) : reading.reader.corrupt ? CDT_CORRUPT : CDT_OK;
    cdt_drop(reading.contexts);
    cdt_drop(reading.slots);
    cdt_drop(reading.flag_slots);
    return status;
}
