#include "cdt_mask.h"
#include "cdt_bytes.h"
#include "cdt_rans.h"
#include "cdt_simd.h"
#include "cdt_tables.h"
#include "cdt_memory.h"
#include <string.h>

enum { SYMBOLS = CDT_TOKENS_4 };
/* Most runs in a set are of the same length: so many tables take turns, for a count not to wait for the one before. */
enum { TURNS = 8 };
/* Beside the lag: a bitmap follows instead of runs. */
enum { BITMAP = 8 };

/* 64 places from place i on; places beyond the bitmap's spare bytes are not read. */
static uint64_t word_at(const uint8_t *bits, size_t i)
{
    uint64_t low;
    memcpy(&low, bits + i / 8, sizeof low);
    return i % 8 ? low >> (i % 8) | (uint64_t)bits[i / 8 + 8] << (64 - i % 8) : low;
}

/* 64 places of the set minus the one a lag before, from place i (a multiple of 64) on; zeros beyond n. */
static uint64_t lagged_word(const uint8_t *bits, size_t n, size_t i, size_t lag)
{
    uint64_t word = word_at(bits, i);
    if (lag) {
        if (i >= lag) word ^= word_at(bits, i - lag);
        else if (i + 64 > lag) word ^= word_at(bits, 0) << (lag - i);
    }
    return n - i < 64 ? word & (((uint64_t)1 << (n - i)) - 1) : word;
}

/* Which of 64 places from place i on (a multiple of 64) are in the lagged set and the one before is not, or the other way round;
 * `before` is the bit of the place before, and becomes that of the last. */
static uint64_t changes_at(const uint8_t *bits, size_t n, size_t i, size_t lag, uint64_t *before)
{
    const uint64_t word = lagged_word(bits, n, i, lag), changes = word ^ (word << 1 | *before);
    *before = word >> 63;
    return n - i < 64 ? changes & (((uint64_t)1 << (n - i)) - 1) : changes;
}

/* How many runs there are, without the last. */
static size_t count_runs(const uint8_t *bits, size_t n, size_t lag)
{
    size_t count = 0;
    uint64_t before = 0, changes[64];
    for (size_t i = 0; i < n;) {
        size_t words = 0;
        for (; words < 64 && i < n; i += 64) changes[words++] = changes_at(bits, n, i, lag, &before);
        count += cdt_active_kernels()->places.count((const uint8_t *)changes, 64 * words);
    }
    return count;
}

/* The runs without the last. */
static void find_runs(const uint8_t *bits, size_t n, size_t lag, uint32_t *runs)
{
    size_t begin = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < n; i += 64)
        for (uint64_t changes = changes_at(bits, n, i, lag, &before); changes; changes &= changes - 1) {
            const size_t place = i + (size_t)__builtin_ctzll(changes);
            *runs++ = (uint32_t)(place - begin);
            begin = place;
        }
}

size_t cdt_mask_bound(size_t n)
{
    return 512 + cdt_rans_bound(n, 32) + 4 * n;
}

static unsigned states_for(size_t runs)
{
    return runs >= 1u << 16 ? 32 : runs >= 1u << 13 ? 16 : 4;
}

/* What each of both tables has of the tokens of runs. */
static void count_tokens(const uint8_t *tokens, size_t count, uint32_t counts[TURNS][SYMBOLS])
{
    memset(counts, 0, TURNS * sizeof *counts);
    for (size_t i = 0; i < count; i++) counts[i % TURNS][tokens[i]]++;
    for (size_t turn = 2; turn < TURNS; turn++)
        for (size_t s = 0; s < SYMBOLS; s++) counts[turn % 2][s] += counts[turn][s];
    if (count == 1) counts[1][0] = 1;
}

/* Tokens of runs, by two tables in turn, behind the length that they take. `symbols`: work space. Returns their end. */
static uint8_t *put_words(const uint8_t *tokens, size_t count, const cdt_rans_entry *entries, uint16_t *symbols, uint8_t *at)
{
    uint8_t *const last = at + 10 + cdt_rans_bound(count, 32);
    cdt_rans_writer words;
    for (size_t i = 0; i < count; i++) symbols[i] = (uint16_t)((i & 1) * SYMBOLS + tokens[i]);
    cdt_rans_start(&words, last, states_for(count));
    cdt_active_kernels()->rans.encode_row(&words, entries, symbols, count);
    const uint8_t *const begin = cdt_rans_finish(&words);
    const size_t length = (size_t)(last - begin);
    at = cdt_put_number(at, length);
    memmove(at, begin, length);
    return at + length;
}

/* Runs, of which there is one at least, become numbers with a sign and are put. `extra`, `tokens` and `symbols` are work space. */
static uint8_t *put_coded(uint32_t *runs, size_t count, uint8_t *extra, uint8_t *tokens, uint16_t *symbols, uint8_t *at)
{
    uint32_t counts[TURNS][SYMBOLS];
    uint16_t frequencies[SYMBOLS];
    uint8_t lengths[2][CDT_SYMBOLS];
    cdt_rans_entry entries[2 * SYMBOLS];
    cdt_bits_writer writer;
    for (size_t i = 0; i < count; i++) runs[i] = (runs[i] >> 1) ^ (0 - (runs[i] & 1));
    cdt_bits_start(&writer, extra);
    cdt_active_kernels()->rans.split_4((const int32_t *)runs, count, tokens, &writer);
    const size_t extra_size = (size_t)(cdt_bits_finish(&writer) - extra);
    count_tokens(tokens, count, counts);
    cdt_bits_start(&writer, at);
    for (unsigned t = 0; t < 2; t++) {
        cdt_table_write(counts[t], SYMBOLS, t ? lengths[0] : NULL, lengths[t], &writer);
        cdt_table_received(counts[t], SYMBOLS, frequencies);
        cdt_rans_entries(frequencies, SYMBOLS, entries + t * SYMBOLS);
    }
    at = cdt_bits_finish(&writer);
    at = cdt_put_number(at, extra_size);
    at = cdt_put_bytes(at, extra, extra_size);
    return put_words(tokens, count, entries, symbols, at);
}

/* The runs, of which there are `count`. Returns their end; NULL without memory. */
static uint8_t *put_runs(const uint8_t *bits, size_t n, size_t lag, size_t count, uint8_t *at)
{
    uint32_t *runs = cdt_new((count + 1) * sizeof *runs);
    uint8_t *tokens = cdt_new(count + 1), *extra = cdt_new(4 * count + 64), *end = NULL;
    uint16_t *symbols = cdt_new((count + 1) * sizeof *symbols);
    if (runs && tokens && extra && symbols) {
        find_runs(bits, n, lag, runs);
        end = cdt_put_number(at, count);
        if (count) end = put_coded(runs, count, extra, tokens, symbols, end);
    }
    cdt_drop(runs);
    cdt_drop(tokens);
    cdt_drop(symbols);
    cdt_drop(extra);
    return end;
}

/* How many bytes a map of so many bits has. */
static size_t bytes_of(size_t bits)
{
    return (bits + 7) / 8;
}

/* Which bytes of the bitmap are not 0, in a second map, and which bytes of that, in a third: all of the third, and those bytes of the
 * others. Returns their end; NULL without memory. */
static uint8_t *put_bitmap(const uint8_t *bits, size_t n, size_t lag, uint8_t *at)
{
    const cdt_place_kernels *kernels = &cdt_active_kernels()->places;
    const size_t first = bytes_of(n), second = bytes_of(first), third = bytes_of(second);
    uint8_t *lagged = lag ? cdt_new(first + 8) : NULL, *flags = cdt_new(second), *bytes = cdt_new(first + CDT_SQUEEZE_SPARE);
    uint8_t *end = NULL;
    if (!flags || !bytes || (lag && !lagged)) goto out;
    for (size_t i = 0; lag && i < n; i += 64) {
        const uint64_t word = lagged_word(bits, n, i, lag);
        memcpy(lagged + i / 8, &word, sizeof word);
    }
    const size_t kept = kernels->squeeze(lag ? lagged : bits, first, flags, bytes);
    end = at + third + kernels->squeeze(flags, second, at, at + third);
    end = cdt_put_bytes(end, bytes, kept);
out:
    cdt_drop(lagged);
    cdt_drop(flags);
    cdt_drop(bytes);
    return end;
}

size_t cdt_mask_encode(const uint8_t *bits, size_t n, const size_t *lags, unsigned choices, int quick, uint8_t *out)
{
    size_t runs = SIZE_MAX;
    unsigned lag = 0;
    for (unsigned i = 0; i < choices; i++) {
        if (lags[i] && (lags[i] < 64 || lags[i] >= n)) continue;
        const size_t count = count_runs(bits, n, lags[i]);
        if (count < runs) {
            runs = count;
            lag = i;
        }
    }
    uint8_t *end;
    if (quick) {
        *out = (uint8_t)(lag | BITMAP);
        end = put_bitmap(bits, n, lags[lag], out + 1);
        /* Runs take about half a byte each, and their tables far more time than anything here. */
        if (!end || (size_t)(end - out) <= 64 + runs) return end ? (size_t)(end - out) : 0;
    }
    *out = (uint8_t)lag;
    end = put_runs(bits, n, lags[lag], runs, out + 1);
    return end ? (size_t)(end - out) : 0;
}

/* From places where runs end to those of every other run: each bit becomes the sum of those up to it. */
static void fill_between(uint8_t *bits, size_t n)
{
    uint64_t inside = 0;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t word;
        memcpy(&word, bits + i / 8, sizeof word);
        for (unsigned shift = 1; shift < 64; shift *= 2) word ^= word << shift;
        word ^= inside;
        inside = 0 - (word >> 63);
        if (n - i < 64) word &= ((uint64_t)1 << (n - i)) - 1;
        memcpy(bits + i / 8, &word, sizeof word);
    }
}

/* Add the set a lag before, 64 places at a time from the first on (lags are at least 64). */
static void add_lagged(uint8_t *bits, size_t n, size_t lag)
{
    for (size_t i = lag / 64 * 64; i < n; i += 64) {
        const uint64_t word = lagged_word(bits, n, i, lag);
        const size_t left = (n - i + 7) / 8;
        memcpy(bits + i / 8, &word, left < 8 ? left : 8);
    }
}

/* Whether a map's last byte has ones beyond its bits. */
static int has_spare_ones(const uint8_t *map, size_t bits)
{
    return bits % 8 && map[bits / 8] >> (bits % 8);
}

static int get_bitmap(cdt_bytes *from, size_t n, uint8_t *bits)
{
    const cdt_place_kernels *kernels = &cdt_active_kernels()->places;
    const size_t first = bytes_of(n), second = bytes_of(first), third = bytes_of(second);
    const uint8_t *map = cdt_get_bytes(from, third);
    if (!map || has_spare_ones(map, second)) return CDT_CORRUPT;
    size_t length = kernels->count(map, second);
    const uint8_t *bytes = cdt_get_bytes(from, length);
    if (!bytes) return CDT_CORRUPT;
    uint8_t *flags = cdt_new(second);
    if (!flags) return CDT_NO_MEMORY;
    kernels->expand(map, second, bytes, length, flags);
    length = kernels->count(flags, first);
    bytes = has_spare_ones(flags, first) ? NULL : cdt_get_bytes(from, length);
    if (bytes) kernels->expand(flags, first, bytes, length, bits);
    cdt_drop(flags);
    return bytes && !has_spare_ones(bits, n) ? CDT_OK : CDT_CORRUPT;
}

/* Tokens of runs, by two tables in turn, and their extra bits. `slots` has room for both tables, `tokens` for two bytes a run. */
static int get_coded(cdt_bytes *from, size_t count, uint32_t *slots, uint8_t *tokens, int32_t *runs)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    uint8_t lengths[2][CDT_SYMBOLS], *const turns = tokens + count;
    uint16_t frequencies[SYMBOLS];
    cdt_bits_reader reader;
    cdt_rans_reader states;
    cdt_bits_open(&reader, from->at, (size_t)(from->end - from->at));
    for (unsigned t = 0; t < 2; t++)
        if (cdt_table_read(&reader, SYMBOLS, t ? lengths[0] : NULL, lengths[t], frequencies) != CDT_OK ||
            cdt_rans_slots(frequencies, SYMBOLS, slots + t * CDT_SLOTS) != CDT_OK)
            return CDT_CORRUPT;
    if (!cdt_bits_are_spare(&reader)) return CDT_CORRUPT;
    cdt_get_bytes(from, (reader.position + 7) / 8);
    const size_t extra_size = (size_t)cdt_get_number(from);
    const uint8_t *extra = cdt_get_bytes(from, extra_size);
    const size_t words_size = (size_t)cdt_get_number(from);
    const uint8_t *words = cdt_get_bytes(from, words_size);
    if (from->corrupt || cdt_rans_open(&states, words, words_size, states_for(count)) != CDT_OK) return CDT_CORRUPT;
    for (size_t i = 0; i < count; i++) turns[i] = i & 1;
    kernels->rans.decode_row(&states, slots, turns, tokens, count);
    if (cdt_rans_close(&states) != CDT_OK) return CDT_CORRUPT;
    cdt_bits_open(&reader, extra, extra_size);
    kernels->rans.join_4(tokens, count, &reader, runs);
    return cdt_bits_close(&reader);
}

/* Where runs end, one byte for each of n places (zeros before): 1 where an odd number of them do. */
static int mark_ends(const int32_t *runs, size_t count, size_t n, uint8_t *ends)
{
    size_t place = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t run = (uint32_t)runs[i] << 1 ^ (uint32_t)(runs[i] >> 31);
        if (run >= n - place) return CDT_CORRUPT;
        place += run;
        ends[place] ^= 1;
    }
    return CDT_OK;
}

static int get_runs(cdt_bytes *from, size_t n, uint8_t *bits)
{
    const size_t count = (size_t)cdt_get_number(from);
    if (from->corrupt || count > n) return CDT_CORRUPT;
    memset(bits, 0, n / 8 + 8);
    if (!count) return CDT_OK;
    uint32_t *slots = cdt_new(2 * CDT_SLOTS * sizeof *slots);
    int32_t *runs = cdt_new(count * sizeof *runs);
    uint8_t *tokens = cdt_new(2 * count), *ends = cdt_new_zeros(n);
    int status = slots && runs && tokens && ends ? CDT_OK : CDT_NO_MEMORY;
    if (status == CDT_OK) status = get_coded(from, count, slots, tokens, runs);
    if (status == CDT_OK) status = mark_ends(runs, count, n, ends);
    if (status == CDT_OK) {
        cdt_active_kernels()->places.pack(ends, n, bits);
        fill_between(bits, n);
    }
    cdt_drop(slots);
    cdt_drop(runs);
    cdt_drop(tokens);
    cdt_drop(ends);
    return status;
}

size_t cdt_mask_decode(const uint8_t *in, size_t length, size_t n, const size_t *lags, unsigned choices, uint8_t *bits)
{
    cdt_bytes from = {in, in + length, 0};
    const uint8_t *first = cdt_get_bytes(&from, 1);
    if (!first || (*first & ~(unsigned)BITMAP) >= choices) return 0;
    const size_t lag = lags[*first & ~(unsigned)BITMAP];
    if (lag && (lag < 64 || lag >= n)) return 0;
    if ((*first & BITMAP ? get_bitmap(&from, n, bits) : get_runs(&from, n, bits)) != CDT_OK) return 0;
    if (lag) add_lagged(bits, n, lag);
    return (size_t)(from.at - in);
}
