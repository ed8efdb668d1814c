#include "cdt_contexts.h"
#include "cdt_memory.h"
#include "cdt_simd.h"
#include "cdt_status.h"
#include "context_rows.h"
#include <string.h>

/* States that share a stream: each takes 4 bytes, and more of them are faster. */
static unsigned states_for(uint64_t bytes)
{
    return bytes >= 1 << 15 ? 64 : bytes >= 1 << 12 ? 32 : bytes >= 1 << 10 ? 16 : bytes >= 1 << 8 ? 8 : 4;
}

static size_t points_of(const cdt_pyramid *pyramid)
{
    return pyramid->dim[0][0] * pyramid->dim[0][1] * pyramid->dim[0][2] * pyramid->dim[0][3];
}

size_t cdt_contexts_bound(const cdt_pyramid *pyramid)
{
    return CDT_CONTEXT_HEAD + cdt_rans_bound(2 * points_of(pyramid), CDT_STATES);
}

/* How far activities are shifted, so that usual ones keep to one byte. */
static unsigned shift_for(const cdt_pyramid *pyramid, const uint8_t *tokens)
{
    uint64_t sum = 0, points = 0;
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = cdt_rows_of(segment), every = 1 + rows / 64, cols = segment->dim[3];
        for (size_t r = 0; r < rows; r += every) {
            const uint8_t *row = tokens + segment->offset + 1 + r * segment->stride;
            uint32_t part = 0;
            for (size_t i = 0; i < cols; i++) part += row[i];
            sum += (uint64_t)part * every;
            points += cols * every;
        }
    }
    unsigned shift = 0;
    while (shift < 4 && (32 * sum >> shift) > 96 * points) shift++;
    return shift;
}

/* What an encoder finds out before it sends. */
typedef struct {
    cdt_context_head head;
    uint8_t *tokens, *activity;
    uint8_t *loud, *loudness;           /* of each group in order: not silent; of its places */
    uint16_t *indices, *flags;          /* of each token and of each group: table * symbols + symbol */
    size_t groups;
    uint32_t *counts;                   /* of indices */
    uint32_t (*activities)[256];
} cdt_context_work;

/* The same backwards: the last ones before `*from`. */
static int last_loud(const uint8_t *loud, size_t cols, size_t *from, size_t *to)
{
    size_t g = (*from + GROUP - 1) / GROUP;
    while (g > 0 && !loud[g - 1]) g--;
    if (!g) return 0;
    *to = g * GROUP < cols ? g * GROUP : cols;
    while (g > 0 && loud[g - 1]) g--;
    *from = g * GROUP;
    return 1;
}

/* Which groups are silent, where that is worth its flags: where a quarter of all places are in such groups. And the largest token. */
static int find_silence(const cdt_pyramid *pyramid, cdt_context_work *work)
{
    const cdt_row_kernels *kernels = &cdt_active_kernels()->rows;
    size_t silent = 0, groups = 0;
    uint8_t most = 0;
    for (unsigned s = 0; s < pyramid->count; s++) groups += cdt_rows_of(&pyramid->segments[s]) * cdt_groups_of(&pyramid->segments[s]);
    work->groups = groups;
    work->loud = cdt_new(2 * groups);
    work->flags = cdt_new(groups * sizeof *work->flags);
    if (!work->loud || !work->flags) return CDT_NO_MEMORY;
    work->loudness = work->loud + groups;
    uint8_t *loud = work->loud;
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = cdt_rows_of(segment), cols = segment->dim[3], n = cdt_groups_of(segment);
        const uint8_t *row = work->tokens + segment->offset + 1;
        for (size_t r = 0; r < rows; r++, row += segment->stride, loud += n) {
            kernels->loudness(row, cols, loud);
            for (size_t i = 0; i < cols; i++) most = row[i] > most ? row[i] : most;
            for (size_t g = 0; g < n; g++)
                if (!loud[g]) silent += cols - g * GROUP < GROUP ? cols - g * GROUP : GROUP;
        }
    }
    work->head.symbols = most + 1u;
    work->head.has_silence = 4 * silent >= points_of(pyramid) && 8 * groups <= points_of(pyramid);
    if (work->head.has_silence)
        for (size_t g = 0; g < groups; g++) work->loud[g] = work->loud[g] > 0;
    else memset(work->loud, 1, groups);
    return CDT_OK;
}

/* Activities of all places; those of places that are not silent are counted, in long segments those of one row in four. */
static void find_activities(const cdt_pyramid *pyramid, cdt_context_work *work)
{
    const cdt_row_kernels *kernels = &cdt_active_kernels()->rows;
    uint8_t *loud = work->loud, *loudness = work->loudness;
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = cdt_rows_of(segment), cols = segment->dim[3], groups = cdt_groups_of(segment);
        const size_t stride = segment->stride;
        uint32_t *count = work->activities[cdt_context_kind(pyramid, segment)];
        cdt_around near;
        if (segment->class_bits) cdt_pyramid_around(pyramid, segment, &near);
        cdt_context_merge(pyramid, s, work->tokens);
        for (size_t r = 0; r < rows; r++) cdt_pad(work->tokens + segment->offset + 1 + r * stride, cols);
        for (size_t r = 0; r < rows;) {
            cdt_neighbours around;
            const size_t together = cdt_context_together(&near, segment, r);
            cdt_context_neighbours(&near, segment, r, &work->head.recipe, work->tokens, &around);
            kernels->activity(&around, (together - 1) * stride + cols, work->activity + segment->offset + 1 + r * stride);
            r += together;
        }
        for (size_t r = 0; r < rows; r++, loud += groups, loudness += groups) {
            const uint8_t *row = work->activity + segment->offset + 1 + r * stride;
            if (work->head.has_silence) kernels->loudness(row, cols, loudness);
            for (size_t from, to = 0; cdt_next_loud(loud, groups, cols, &from, &to);) {
                const size_t end = rows < 256 || r % 4 == 0 ? to : from + 1;
                for (size_t i = from; i < end; i++) count[row[i]]++;
            }
        }
    }
}

/* The index of each token: its table and symbol. */
static int index_tokens(const cdt_pyramid *pyramid, cdt_context_work *work)
{
    uint8_t table[KINDS][256];
    work->indices = cdt_new(pyramid->values * sizeof *work->indices);
    if (!work->indices) return CDT_NO_MEMORY;
    cdt_context_tables(&work->head, table);
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t at = segment->offset, n = cdt_rows_of(segment) * segment->stride;
        cdt_active_kernels()->rows.index_tokens(table[cdt_context_kind(pyramid, segment)], work->activity + at, work->tokens + at,
                                          work->head.symbols, n, work->indices + at);
    }
    return CDT_OK;
}

/* Counted in two arrays in turn: the same counter twice in a row would wait for itself. */
static void count_run(const uint16_t *indices, size_t n, uint32_t *restrict even, uint32_t *restrict odd)
{
    for (; n >= 4; n -= 4, indices += 4) {
        uint64_t four;
        memcpy(&four, indices, sizeof four);
        even[four & 0xFFFF]++;
        odd[four >> 16 & 0xFFFF]++;
        even[four >> 32 & 0xFFFF]++;
        odd[four >> 48]++;
    }
    for (; n > 0; n--) even[*indices++]++;
}

static int count_tokens(const cdt_pyramid *pyramid, cdt_context_work *work, size_t all)
{
    const uint8_t *loud = work->loud;
    uint32_t *odd = cdt_new_zeros(all * sizeof *odd);
    work->counts = cdt_new_zeros((all + 1) * sizeof *work->counts);
    if (!odd || !work->counts) {
        cdt_drop(odd);
        return CDT_NO_MEMORY;
    }
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = cdt_rows_of(segment), cols = segment->dim[3], groups = cdt_groups_of(segment);
        for (size_t r = 0; r < rows; r++, loud += groups) {
            const uint16_t *const indices = work->indices + segment->offset + 1 + r * segment->stride;
            for (size_t from, to = 0; cdt_next_loud(loud, groups, cols, &from, &to);)
                count_run(indices + from, to - from, work->counts, odd);
        }
    }
    for (size_t i = 0; i < all; i++) work->counts[i] += odd[i];
    cdt_drop(odd);
    return CDT_OK;
}

/* Frequencies of silent groups; returns the bits that all flags take, about. */
static uint64_t count_silence(cdt_context_work *work)
{
    uint32_t counts[LOUDNESSES][2] = {{0}};
    uint64_t bits = 0;
    if (!work->head.has_silence) return 0;
    for (size_t g = 0; g < work->groups; g++) {
        counts[work->loudness[g]][work->loud[g]]++;
        work->flags[g] = (uint16_t)(2 * work->loudness[g] + work->loud[g]);
    }
    for (unsigned i = 0; i < LOUDNESSES; i++) {
        const uint32_t silent = counts[i][0], all = silent + counts[i][1];
        const uint32_t share = all ? (uint32_t)((uint64_t)silent * CDT_SLOTS / all) : CDT_SLOTS / 2;
        work->head.silence[i] = (uint16_t)(share < 1 ? 1 : share > CDT_SLOTS - 1 ? CDT_SLOTS - 1 : share);
        bits += cdt_context_cost(counts[i], 2) >> 16;
    }
    return bits;
}

/* Join tables; to_table receives the new number of each. Returns how many there are. */
static unsigned join_tables(cdt_context_work *work, uint8_t to_table[256])
{
    const size_t symbols = work->head.symbols;
    unsigned joined = 0, all = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        cdt_context_head *head = &work->head;
        uint8_t before[KIND_TABLES];
        const unsigned tables = head->tables[k];
        memcpy(before, head->first[k], sizeof before);
        memmove(work->counts + joined * symbols, work->counts + all * symbols, tables * symbols * sizeof *work->counts);
        head->tables[k] = cdt_join_tables(tables, head->first[k], work->counts + joined * symbols, head->symbols);
        for (unsigned i = 0, j = 0; i < tables; i++) {
            while (j + 1 < head->tables[k] && head->first[k][j + 1] <= before[i]) j++;
            to_table[all + i] = (uint8_t)(joined + j);
        }
        joined += head->tables[k];
        all += tables;
    }
    return joined;
}

/* All rows from the last to the first, as rANS wants it: the groups that are not silent, and before them which those are. */
static void encode_rows(const cdt_pyramid *pyramid, const cdt_context_work *work, const cdt_rans_entry *entries, cdt_rans_writer *writer)
{
    const cdt_rans_kernels *kernels = &cdt_active_kernels()->rans;
    cdt_rans_entry flags[2 * LOUDNESSES];
    uint16_t frequencies[LOUDNESSES][2];
    size_t group = work->groups;
    cdt_silence_tables(&work->head, frequencies);
    for (unsigned i = 0; work->head.has_silence && i < LOUDNESSES; i++) cdt_rans_entries(frequencies[i], 2, flags + 2 * i);
    for (unsigned s = pyramid->count; s-- > 0;) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t cols = segment->dim[3], groups = cdt_groups_of(segment);
        for (size_t r = cdt_rows_of(segment); r-- > 0;) {
            const uint16_t *const indices = work->indices + segment->offset + 1 + r * segment->stride;
            group -= groups;
            for (size_t from = cols, to; last_loud(work->loud + group, cols, &from, &to);)
                kernels->encode_row(writer, entries, indices + from, to - from);
            if (work->head.has_silence) kernels->encode_row(writer, flags, work->flags + group, groups);
        }
    }
}

/* Entries for all tables as they were before they were joined. Returns the bytes written to `out`. */
static size_t send(const cdt_context_work *work, unsigned tables, const uint8_t to_table[256], uint8_t *out, cdt_rans_entry *entries)
{
    const size_t symbols = work->head.symbols;
    cdt_rans_entry *joined = cdt_new((tables * symbols + 1) * sizeof *joined);
    if (!joined) return 0;
    const size_t size = cdt_context_head_put(&work->head, work->counts, out, joined);
    for (unsigned t = 0; t < tables; t++) memcpy(entries + t * symbols, joined + to_table[t] * symbols, symbols * sizeof *joined);
    cdt_drop(joined);
    return size;
}

size_t cdt_contexts_encode(const cdt_pyramid *pyramid, const cdt_recipe *recipe, uint8_t *tokens, uint8_t *activity, uint8_t *out)
{
    cdt_context_work work = {.head = {.recipe = *recipe}, .tokens = tokens, .activity = activity};
    cdt_context_head *head = &work.head;
    cdt_rans_entry *entries = NULL;
    uint8_t to_table[256];
    size_t size = 0;
    unsigned tables = 0;
    work.activities = cdt_new_zeros(KINDS * sizeof *work.activities);
    if (!work.activities || find_silence(pyramid, &work) != CDT_OK) goto out;
    head->recipe.shift = (uint8_t)shift_for(pyramid, tokens);
    find_activities(pyramid, &work);
    for (unsigned k = 0; k < KINDS; k++) tables += head->tables[k] = cdt_equal_tables(work.activities[k], head->first[k]);
    if (index_tokens(pyramid, &work) != CDT_OK || count_tokens(pyramid, &work, tables * head->symbols) != CDT_OK) goto out;
    uint64_t bits = count_silence(&work);
    const unsigned joined = join_tables(&work, to_table);
    for (unsigned t = 0; t < joined; t++) bits += cdt_context_cost(work.counts + t * head->symbols, head->symbols) >> 16;
    head->states = states_for(bits / 8);
    entries = cdt_new((tables * head->symbols + 1) * sizeof *entries);
    if (!entries) goto out;
    const size_t head_size = send(&work, tables, to_table, out, entries);
    if (!head_size) goto out;
    uint8_t *end = out + cdt_contexts_bound(pyramid);
    cdt_rans_writer writer;
    cdt_rans_start(&writer, end, head->states);
    encode_rows(pyramid, &work, entries, &writer);
    const uint8_t *begin = cdt_rans_finish(&writer);
    memmove(out + head_size, begin, (size_t)(end - begin));
    size = head_size + (size_t)(end - begin);
out:
    cdt_drop(work.activities);
    cdt_drop(work.counts);
    cdt_drop(work.loud);
    cdt_drop(work.flags);
    cdt_drop(work.indices);
    cdt_drop(entries);
    return size;
}
