#include "cdt_contexts.h"
#include "cdt_simd.h"
#include "cdt_tables.h"
#include "cdt_memory.h"
#include <string.h>

/* Segments of one kind share their tables: classes of the finest level by their odd axes, the next level, all coarser ones. */
enum { KINDS = 5, BINS = 24, TABLES = KINDS * BINS, TABLE_HEAD = 12, SYMBOL_COST = 5, PLACES_FOR_BIN = 256 };

static unsigned kind_of(const cdt_pyramid *pyramid, const cdt_segment *segment)
{
    if (segment->level == pyramid->levels) return pyramid->levels ? 4 : 0;
    if (segment->level == 0) {
        const unsigned c = segment->class_bits;
        return (c & 1) + (c >> 1 & 1) + (c >> 2) - 1;
    }
    return segment->level == 1 ? 3 : 4;
}

static size_t rows_of(const cdt_segment *segment)
{
    return segment->dim[0] * segment->dim[1] * segment->dim[2];
}

/* Log2 of the states that share a stream, less 2: each takes 4 bytes, and more of them are faster. */
static unsigned lanes_for(uint64_t bytes)
{
    return bytes >= 1 << 12 ? 3 : bytes >= 1 << 10 ? 2 : bytes >= 1 << 8 ? 1 : 0;
}

static size_t points_of(const cdt_pyramid *pyramid)
{
    return pyramid->dim[0][0] * pyramid->dim[0][1] * pyramid->dim[0][2] * pyramid->dim[0][3];
}

static void pad(uint8_t *row, size_t n)
{
    row[-1] = row[0];
    row[n] = row[n + 1] = row[n - 1];
}

/* The rows of tokens around row `index` of a segment. Weights of what is not there go to what is. */
static void neighbours(const cdt_around *near, const cdt_segment *segment, size_t index, const cdt_recipe *recipe,
                       const uint8_t *tokens, cdt_neighbours *from)
{
    const size_t ny = segment->dim[2], stride = segment->dim[3] + CDT_PAD;
    const size_t y = index % ny, plane = index / ny;
    const uint8_t *row = tokens + segment->offset + 1 + index * stride;
    const int has_above = y > 0, has_before = plane > 0, has_around = segment->class_bits != 0;
    unsigned above = recipe->above, before = recipe->before, around = recipe->around;
    if (!has_around) {
        if (has_above || !has_before) above += around;
        else before += around;
        around = 0;
    }
    if (!has_before) {
        if (has_above || !has_around) above += before;
        else around += before;
        before = 0;
    }
    if (!has_above) {
        if (has_around) around += above;
        else if (has_before) before += above;
        above = 0;
    }
    from->above = has_above ? row - stride : row;
    from->second = y > 1 ? row - 2 * stride : from->above;
    from->before = has_before ? row - ny * stride : row;
    from->weights[0] = (uint8_t)above;
    from->weights[1] = (uint8_t)before;
    from->weights[2] = (uint8_t)around;
    from->shift = recipe->shift;
    from->lagged = recipe->lagged;
    from->axes = 0;
    for (int i = 0; i < 6; i++) from->around[i] = row;
    if (has_around) {
        size_t offsets[12];
        const unsigned c = segment->class_bits;
        from->axes = (c & 1) + (c >> 1 & 1) + (c >> 2);
        cdt_around_row(near, index, 4 * from->axes, offsets);
        for (unsigned a = 0; a < from->axes; a++) {
            from->around[2 * a] = tokens + offsets[4 * a];
            from->around[2 * a + 1] = tokens + offsets[4 * a + 1];
        }
    }
}

/* The grid of one level, as one array of tokens, from its classes and the coarser grid. */
static void merge_grid(const cdt_pyramid *pyramid, unsigned level, uint8_t *tokens)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const size_t *dim = pyramid->dim[level];
    const unsigned split = pyramid->split[level];
    const cdt_segment grid = cdt_pyramid_grid(pyramid, level);
    for (size_t b = 0; b < dim[0]; b++)
        for (size_t z = 0; z < dim[1]; z++)
            for (size_t y = 0; y < dim[2]; y++) {
                const unsigned zs = split >> 2, ys = split >> 1 & 1, c = (zs & (unsigned)z) << 2 | (ys & (unsigned)y) << 1;
                const uint8_t *row[2] = {NULL, NULL};
                for (unsigned x = 0; x <= (split & 1); x++) {
                    const cdt_segment from = cdt_pyramid_class(pyramid, level, c | x);
                    row[x] = tokens + cdt_segment_row(&from, b, z >> zs, y >> ys);
                }
                uint8_t *out = tokens + cdt_segment_row(&grid, b, z, y);
                if (split & 1) rows->merge_bytes(row[0], row[1], dim[3], out);
                else memcpy(out, row[0], dim[3]);
                pad(out, dim[3]);
            }
}

size_t cdt_contexts_bound(const cdt_pyramid *pyramid)
{
    return 64 + TABLES * 200 + cdt_rans_bound(points_of(pyramid), 32);
}

/* n log2 n in 1/65536 bits, from a table: the same on every machine. */
static uint64_t n_log_n(uint32_t n)
{
    static const uint16_t fraction[65] = {
        0,     1466,  2909,  4331,  5732,  7112,  8473,  9814,  11136, 12440, 13727, 14996, 16248, 17484, 18704, 19909, 21098,
        22272, 23433, 24579, 25711, 26830, 27936, 29029, 30109, 31178, 32234, 33279, 34312, 35334, 36346, 37346, 38336, 39316,
        40286, 41246, 42196, 43137, 44068, 44990, 45904, 46809, 47705, 48593, 49472, 50344, 51207, 52063, 52911, 53751, 54584,
        55410, 56229, 57040, 57845, 58643, 59434, 60219, 60997, 61769, 62534, 63294, 64047, 64794, 65535};
    if (n < 2) return 0;
    const unsigned e = 31u - (unsigned)__builtin_clz(n);
    const uint32_t top = e >= 12 ? n >> (e - 12) : n << (12 - e), i = (top >> 6) & 63, within = top & 63;
    const uint32_t log = fraction[i] + ((fraction[i + 1] - fraction[i]) * within >> 6);
    return (uint64_t)n * (((uint64_t)e << 16) + log);
}

typedef uint32_t counts_t[CDT_TOKENS_8];

/* Bits (in 1/65536) that the tokens of one table take, and the table. */
static uint64_t cost_of(const uint32_t *counts, unsigned symbols)
{
    uint64_t bits = 0;
    uint32_t total = 0;
    unsigned used = 0;
    for (unsigned i = 0; i < symbols; i++) {
        bits += n_log_n(counts[i]);
        total += counts[i];
        used += counts[i] > 0;
    }
    return total ? n_log_n(total) - bits + ((uint64_t)(TABLE_HEAD + SYMBOL_COST * used) << 16) : 0;
}

/* Limits of at most BINS bins of activities that hold about as many places each. Returns how many. */
static unsigned equal_bins(const uint32_t counts[256], uint8_t *first)
{
    uint64_t total = 0, done = 0;
    unsigned bins = 0;
    for (int i = 0; i < 256; i++) total += counts[i];
    /* Few places do not pay for many tables, nor for the time to join them. */
    const unsigned most = total / PLACES_FOR_BIN < 4 ? 4 : total / PLACES_FOR_BIN < BINS ? (unsigned)(total / PLACES_FOR_BIN) : BINS;
    for (int i = 0; i < 256; i++) {
        if (!counts[i]) continue;
        if (!bins || done * most >= total * bins) {
            if (bins == most) break;
            first[bins++] = (uint8_t)i;
        }
        done += counts[i];
    }
    if (bins) first[0] = 0;
    return bins;
}

/* Join neighbouring bins while that saves bits. `first` and `counts` of the joined ones move up. Returns how many are left. */
static unsigned join_bins(unsigned bins, uint8_t *first, counts_t *counts, unsigned symbols)
{
    uint64_t cost[BINS], joined[BINS];
    counts_t sum;
    for (unsigned i = 0; i < bins; i++) cost[i] = cost_of(counts[i], symbols);
    for (unsigned i = 0; i + 1 < bins; i++) {
        for (unsigned t = 0; t < symbols; t++) sum[t] = counts[i][t] + counts[i + 1][t];
        joined[i] = cost_of(sum, symbols);
    }
    while (bins > 1) {
        unsigned best = 0;
        int64_t most = 0;
        for (unsigned i = 0; i + 1 < bins; i++) {
            const int64_t saved = (int64_t)(cost[i] + cost[i + 1]) - (int64_t)joined[i];
            if (saved > most) {
                most = saved;
                best = i;
            }
        }
        if (most == 0) break;
        for (unsigned t = 0; t < symbols; t++) counts[best][t] += counts[best + 1][t];
        cost[best] = joined[best];
        memmove(counts + best + 1, counts + best + 2, (bins - best - 2) * sizeof *counts);
        memmove(cost + best + 1, cost + best + 2, (bins - best - 2) * sizeof *cost);
        memmove(joined + best, joined + best + 1, (bins - best - 2) * sizeof *joined);
        memmove(first + best + 1, first + best + 2, bins - best - 2);
        bins--;
        for (unsigned i = best ? best - 1 : 0; i <= best && i + 1 < bins; i++) {
            for (unsigned t = 0; t < symbols; t++) sum[t] = counts[i][t] + counts[i + 1][t];
            joined[i] = cost_of(sum, symbols);
        }
    }
    return bins;
}

/* How far activities are shifted, so that usual ones keep to one byte. */
static unsigned shift_for(const cdt_pyramid *pyramid, const uint8_t *tokens)
{
    uint64_t sum = 0, points = 0;
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = rows_of(segment), every = 1 + rows / 64, cols = segment->dim[3];
        for (size_t r = 0; r < rows; r += every) {
            const uint8_t *row = tokens + segment->offset + 1 + r * (cols + CDT_PAD);
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

typedef struct {
    unsigned bins[KINDS];
    uint8_t first[KINDS][BINS];
} cuts;

static void look_up_all(const cdt_pyramid *pyramid, const cuts *cut, uint8_t *activity)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    uint8_t table[KINDS][256];
    unsigned start = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        for (int i = 0, bin = -1; i < 256; i++) {
            while ((unsigned)(bin + 1) < cut->bins[k] && cut->first[k][bin + 1] <= i) bin++;
            table[k][i] = (uint8_t)(start + (unsigned)(bin < 0 ? 0 : bin));
        }
        start += cut->bins[k];
    }
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        rows->look_up(table[kind_of(pyramid, segment)], activity + segment->offset,
                      rows_of(segment) * (segment->dim[3] + CDT_PAD));
    }
}

static size_t send(const cuts *cut, const cdt_recipe *recipe, unsigned lanes, counts_t *counts, unsigned symbols, uint8_t *out,
                   cdt_rans_entry *entries)
{
    cdt_bits_writer bits;
    uint8_t lengths[2][CDT_SYMBOLS];
    uint16_t frequencies[CDT_SYMBOLS];
    cdt_bits_start(&bits, out);
    cdt_bits_put(&bits, recipe->above, 4);
    cdt_bits_put(&bits, recipe->before, 4);
    cdt_bits_put(&bits, recipe->shift, 3);
    cdt_bits_put(&bits, recipe->lagged, 1);
    cdt_bits_put(&bits, lanes, 2);
    cdt_bits_put(&bits, symbols, 8);
    unsigned t = 0;
    for (unsigned k = 0; k < KINDS; k++) cdt_bits_put(&bits, cut->bins[k], 5);
    for (unsigned k = 0; k < KINDS; k++) {
        for (unsigned i = 0; i < cut->bins[k]; i++, t++) {
            if (i) cdt_bits_put(&bits, cut->first[k][i], 8);
            cdt_table_write(counts[t], symbols, t ? lengths[(t + 1) & 1] : NULL, lengths[t & 1], &bits);
            cdt_table_received(counts[t], symbols, frequencies);
            cdt_rans_entries(frequencies, symbols, entries + t * symbols);
        }
    }
    return (size_t)(cdt_bits_finish(&bits) - out);
}

size_t cdt_contexts_encode(const cdt_pyramid *pyramid, const cdt_recipe *asked, uint8_t *tokens, uint8_t *activity, uint8_t *out)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    cdt_recipe recipe = *asked;
    uint32_t(*activities)[256] = cdt_new_zeros(KINDS * sizeof *activities);
    counts_t *counts = cdt_new_zeros(TABLES * sizeof *counts);
    cdt_rans_entry *entries = NULL;
    size_t size = 0;
    unsigned symbols = 0;
    if (!activities || !counts) goto out;
    recipe.shift = (uint8_t)shift_for(pyramid, tokens);
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = rows_of(segment), cols = segment->dim[3];
        uint32_t *count = activities[kind_of(pyramid, segment)];
        cdt_around near;
        if (segment->class_bits) cdt_pyramid_around(pyramid, segment, &near);
        if (s && pyramid->segments[s - 1].level != segment->level && pyramid->segments[s - 1].level < pyramid->levels)
            merge_grid(pyramid, pyramid->segments[s - 1].level, tokens);
        for (size_t r = 0; r < rows; r++) pad(tokens + segment->offset + 1 + r * (cols + CDT_PAD), cols);
        for (size_t r = 0; r < rows; r++) {
            cdt_neighbours from;
            uint8_t *row = activity + segment->offset + 1 + r * (cols + CDT_PAD);
            neighbours(&near, segment, r, &recipe, tokens, &from);
            kernels->rows.activity(&from, cols, row);
            if (rows < 256 || r % 4 == 0)
                for (size_t i = 0; i < cols; i++) count[row[i]]++;
        }
    }
    cuts cut;
    for (unsigned k = 0; k < KINDS; k++) cut.bins[k] = equal_bins(activities[k], cut.first[k]);
    look_up_all(pyramid, &cut, activity);
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = rows_of(segment), cols = segment->dim[3];
        for (size_t r = 0; r < rows; r++) {
            const size_t at = segment->offset + 1 + r * (cols + CDT_PAD);
            for (size_t i = 0; i < cols; i++) counts[activity[at + i]][tokens[at + i]]++;
        }
    }
    unsigned all = 0;
    for (unsigned k = 0; k < KINDS; k++) all += cut.bins[k];
    for (unsigned t = 0; t < all; t++)
        for (unsigned i = 0; i < CDT_TOKENS_8; i++)
            if (counts[t][i] && i >= symbols) symbols = i + 1;
    uint8_t to_table[256];
    unsigned table = 0, bin = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        uint8_t before[BINS];
        const unsigned bins = cut.bins[k];
        memcpy(before, cut.first[k], sizeof before);
        memmove(counts + table, counts + bin, bins * sizeof *counts);
        cut.bins[k] = join_bins(bins, cut.first[k], counts + table, symbols);
        for (unsigned i = 0, j = 0; i < bins; i++) {
            while (j + 1 < cut.bins[k] && cut.first[k][j + 1] <= before[i]) j++;
            to_table[bin + i] = (uint8_t)(table + j);
        }
        table += cut.bins[k];
        bin += bins;
    }
    entries = cdt_new(table * symbols * sizeof *entries);
    if (!entries) goto out;
    uint64_t bits = 0;
    for (unsigned t = 0; t < table; t++) bits += cost_of(counts[t], symbols) >> 16;
    const unsigned lanes = lanes_for(bits / 8);
    const size_t head = send(&cut, &recipe, lanes, counts, symbols, out, entries);
    uint8_t *end = out + cdt_contexts_bound(pyramid);
    cdt_rans_writer writer;
    cdt_rans_start(&writer, end, 4u << lanes);
    for (unsigned s = pyramid->count; s-- > 0;) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t cols = segment->dim[3];
        for (size_t r = rows_of(segment); r-- > 0;) {
            const size_t at = segment->offset + 1 + r * (cols + CDT_PAD);
            kernels->rows.look_up(to_table, activity + at, cols);
            kernels->rans.encode_row(&writer, entries, symbols, activity + at, tokens + at, cols);
        }
    }
    const uint8_t *begin = cdt_rans_finish(&writer);
    memmove(out + head, begin, (size_t)(end - begin));
    size = head + (size_t)(end - begin);
out:
    cdt_drop(activities);
    cdt_drop(counts);
    cdt_drop(entries);
    return size;
}

/* What `send` wrote. Returns its length in bytes, 0 when it is damaged; `slots` receives a new array. */
static size_t receive(const uint8_t *in, size_t length, unsigned most, cuts *cut, cdt_recipe *recipe, unsigned *lanes,
                      uint32_t **slots)
{
    cdt_bits_reader bits;
    uint8_t lengths[2][CDT_SYMBOLS];
    uint16_t frequencies[CDT_SYMBOLS];
    unsigned t = 0;
    cdt_bits_open(&bits, in, length);
    recipe->above = (uint8_t)cdt_bits_get(&bits, 4);
    recipe->before = (uint8_t)cdt_bits_get(&bits, 4);
    recipe->shift = (uint8_t)cdt_bits_get(&bits, 3);
    recipe->lagged = (uint8_t)cdt_bits_get(&bits, 1);
    *lanes = 4u << cdt_bits_get(&bits, 2);
    const unsigned symbols = (unsigned)cdt_bits_get(&bits, 8);
    if (bits.corrupt || recipe->above + recipe->before > 8 || symbols > most) return 0;
    recipe->around = (uint8_t)(8 - recipe->above - recipe->before);
    unsigned all = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        cut->bins[k] = (unsigned)cdt_bits_get(&bits, 5);
        if (cut->bins[k] > BINS) return 0;
        all += cut->bins[k];
    }
    *slots = cdt_new((size_t)all * CDT_SLOTS * sizeof **slots);
    if (!all || !*slots) return 0;
    for (unsigned k = 0; k < KINDS; k++) {
        for (unsigned i = 0; i < cut->bins[k]; i++, t++) {
            cut->first[k][i] = i ? (uint8_t)cdt_bits_get(&bits, 8) : 0;
            if (i && cut->first[k][i] <= cut->first[k][i - 1]) return 0;
            if (cdt_table_read(&bits, symbols, t ? lengths[(t + 1) & 1] : NULL, lengths[t & 1], frequencies) != CDT_OK ||
                cdt_rans_slots(frequencies, symbols, *slots + (size_t)t * CDT_SLOTS) != CDT_OK)
                return 0;
        }
    }
    return bits.corrupt || !t || !cdt_bits_are_spare(&bits) ? 0 : (size_t)((bits.position + 7) / 8);
}

int cdt_contexts_decode(const cdt_pyramid *pyramid, const uint8_t *in, size_t length, unsigned most_tokens, unsigned level,
                        uint8_t *tokens)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    uint32_t *slots = NULL;
    cuts cut;
    cdt_recipe recipe;
    int status = CDT_CORRUPT;
    uint8_t table[KINDS][256], *contexts = NULL;
    unsigned lanes;
    const size_t head = receive(in, length, most_tokens, &cut, &recipe, &lanes, &slots);
    if (!head) goto out;
    unsigned start = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        for (int i = 0, bin = -1; i < 256; i++) {
            while ((unsigned)(bin + 1) < cut.bins[k] && cut.first[k][bin + 1] <= i) bin++;
            table[k][i] = (uint8_t)(start + (unsigned)(bin < 0 ? 0 : bin));
        }
        start += cut.bins[k];
    }
    cdt_rans_reader reader;
    if (cdt_rans_open(&reader, in + head, length - head, lanes) != CDT_OK) goto out;
    contexts = cdt_new(pyramid->dim[0][3] + CDT_PAD + CDT_SPARE);
    if (!contexts) {
        status = CDT_NO_MEMORY;
        goto out;
    }
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = rows_of(segment), cols = segment->dim[3];
        const unsigned kind = kind_of(pyramid, segment);
        cdt_around near;
        if (segment->class_bits) cdt_pyramid_around(pyramid, segment, &near);
        if (!cut.bins[kind]) goto out;
        if (s && segment->level < level) break;
        if (s && pyramid->segments[s - 1].level != segment->level && pyramid->segments[s - 1].level < pyramid->levels)
            merge_grid(pyramid, pyramid->segments[s - 1].level, tokens);
        for (size_t r = 0; r < rows; r++) {
            cdt_neighbours from;
            uint8_t *row = tokens + segment->offset + 1 + r * (cols + CDT_PAD);
            neighbours(&near, segment, r, &recipe, tokens, &from);
            kernels->rows.activity(&from, cols, contexts);
            kernels->rows.look_up(table[kind], contexts, cols);
            kernels->rans.decode_row(&reader, slots, contexts, row, cols);
            pad(row, cols);
        }
    }
    for (unsigned s = 0; s < pyramid->count; s++) {
        const cdt_segment *segment = &pyramid->segments[s];
        const size_t rows = rows_of(segment), stride = segment->dim[3] + CDT_PAD;
        uint8_t *row = tokens + segment->offset;
        for (size_t r = 0; r < rows; r++, row += stride) row[0] = row[stride - 2] = row[stride - 1] = 0;
    }
    status = level ? (reader.corrupt ? CDT_CORRUPT : CDT_OK) : cdt_rans_close(&reader);
out:
    cdt_drop(contexts);
    cdt_drop(slots);
    return status;
}
