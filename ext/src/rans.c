#include "cdt_rans.h"
#include "cdt_status.h"
#include <string.h>

static int is_table(const uint16_t *frequencies, size_t symbols)
{
    uint32_t sum = 0;
    if (symbols > 256) return 0;
    for (size_t i = 0; i < symbols; i++) sum += frequencies[i];
    return sum == CDT_SLOTS;
}

/* The reciprocal is rounded up: exact for x < 2^31 (Granlund and Montgomery 1994, theorem 4.2). */
static cdt_rans_entry entry_of(uint32_t frequency, uint32_t start)
{
    unsigned shift = 0;
    if (frequency == 0) return (cdt_rans_entry){0, 0};
    if (frequency == 1) return (cdt_rans_entry){UINT32_MAX, (start + CDT_SLOTS - 1) | (CDT_SLOTS - 1u) << 20};
    while ((1u << shift) < frequency) shift++;
    const uint32_t reciprocal = (uint32_t)(((UINT64_C(1) << (shift + 31)) + frequency - 1) / frequency);
    return (cdt_rans_entry){reciprocal, start | (shift - 1) << 13 | (CDT_SLOTS - frequency) << 20};
}

int cdt_rans_entries(const uint16_t *frequencies, size_t symbols, cdt_rans_entry *entries)
{
    uint32_t start = 0;
    if (!is_table(frequencies, symbols)) return CDT_BAD_ARGUMENT;
    for (size_t i = 0; i < symbols; start += frequencies[i++]) entries[i] = entry_of(frequencies[i], start);
    return CDT_OK;
}

/* 8 slots at a time: the next symbol writes over those that are too many, where there is room for them. */
int cdt_rans_slots(const uint16_t *frequencies, size_t symbols, uint32_t *slots)
{
    if (!is_table(frequencies, symbols)) return CDT_CORRUPT;
    uint32_t left = CDT_SLOTS;
    for (size_t i = 0; i < symbols; i++) {
        const uint32_t n = frequencies[i], first = (uint32_t)i | (n - 1u) << 20, whole = n + 8 <= left ? n : n / 8 * 8;
        uint32_t k = 0;
        for (; k < whole; k += 8)
            for (uint32_t j = 0; j < 8; j++) slots[k + j] = first | (k + j) << 8;
        for (; k < n; k++) slots[k] = first | k << 8;
        slots += n;
        left -= n;
    }
    return CDT_OK;
}

static int is_count_of_states(unsigned states)
{
    return states == 4 || states == 8 || states == 16 || states == 32 || states == CDT_STATES;
}

size_t cdt_rans_bound(size_t n, unsigned states)
{
    return 2 * n + 4 * (size_t)states + CDT_RANS_SPARE;
}

int cdt_rans_start(cdt_rans_writer *writer, uint8_t *end, unsigned states)
{
    if (!is_count_of_states(states)) return CDT_BAD_ARGUMENT;
    for (unsigned i = 0; i < CDT_STATES; i++) writer->states[i] = CDT_RANS_LOW;
    writer->count = states;
    writer->at = end;
    return CDT_OK;
}

uint8_t *cdt_rans_finish(cdt_rans_writer *writer)
{
    writer->at -= 4 * (size_t)writer->count;
    for (unsigned i = 0; i < 4 * writer->count; i++) writer->at[i] = (uint8_t)(writer->states[i / 4] >> (8 * (i % 4)));
    return writer->at;
}

int cdt_rans_open(cdt_rans_reader *reader, const uint8_t *in, size_t length, unsigned states)
{
    if (!is_count_of_states(states) || length < 4 * (size_t)states || length % 2) return CDT_CORRUPT;
    memset(reader, 0, sizeof *reader);
    for (unsigned i = 0; i < 4 * states; i++) reader->states[i / 4] |= (uint32_t)in[i] << (8 * (i % 4));
    for (unsigned i = 0; i < states; i++)
        if (reader->states[i] < CDT_RANS_LOW || reader->states[i] >> 31) return CDT_CORRUPT;
    reader->count = states;
    reader->at = in + 4 * (size_t)states;
    reader->end = in + length;
    return CDT_OK;
}

int cdt_rans_close(const cdt_rans_reader *reader)
{
    if (reader->corrupt || reader->at != reader->end) return CDT_CORRUPT;
    for (unsigned i = 0; i < reader->count; i++)
        if (reader->states[i] != CDT_RANS_LOW) return CDT_CORRUPT;
    return CDT_OK;
}

void cdt_bits_start(cdt_bits_writer *writer, uint8_t *out)
{
    *writer = (cdt_bits_writer){out, 0, 0};
}

uint8_t *cdt_bits_finish(cdt_bits_writer *writer)
{
    for (unsigned done = 0; done < writer->count; done += 8) *writer->at++ = (uint8_t)(writer->pending >> done);
    writer->pending = writer->count = 0;
    return writer->at;
}

void cdt_bits_open(cdt_bits_reader *reader, const uint8_t *in, size_t length)
{
    *reader = (cdt_bits_reader){in, in + length, 0, 0};
}

int cdt_bits_close(const cdt_bits_reader *reader)
{
    const uint64_t bits = 8 * (uint64_t)(reader->end - reader->begin);
    if (reader->corrupt || bits - reader->position >= 8) return CDT_CORRUPT;
    if (reader->position % 8 && reader->end[-1] >> reader->position % 8) return CDT_CORRUPT;
    return CDT_OK;
}
