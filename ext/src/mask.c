#include "cdt_mask.h"
#include "cdt_bytes.h"
#include "cdt_rans.h"
#include "cdt_simd.h"
#include "cdt_tables.h"
#include "cdt_memory.h"
#include <string.h>

enum { SYMBOLS = CDT_TOKENS_4 };

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

/* Where places change from out to in and back; `runs` NULL: only count. The last run is not among them. */
static size_t find_runs(const uint8_t *bits, size_t n, size_t lag, uint32_t *runs)
{
    size_t count = 0, begin = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < n; i += 64) {
        const uint64_t word = lagged_word(bits, n, i, lag);
        uint64_t changes = word ^ (word << 1 | before);
        if (n - i < 64) changes &= ((uint64_t)1 << (n - i)) - 1;
        before = word >> 63;
        if (!runs) {
            count += (size_t)__builtin_popcountll(changes);
            continue;
        }
        for (; changes; changes &= changes - 1) {
            const size_t place = i + (size_t)__builtin_ctzll(changes);
            runs[count++] = (uint32_t)(place - begin);
            begin = place;
        }
    }
    return count;
}

size_t cdt_mask_bound(size_t n)
{
    return 512 + cdt_rans_bound(n, 32) + 4 * n;
}

static unsigned lanes_for(size_t runs)
{
    return runs >= 1u << 16 ? 32 : runs >= 1u << 13 ? 16 : 4;
}

size_t cdt_mask_encode(const uint8_t *bits, size_t n, const size_t *lags, unsigned choices, uint8_t *out)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    size_t most = SIZE_MAX, count = 0, size = 0;
    unsigned lag = 0;
    for (unsigned i = 0; i < choices; i++) {
        if (lags[i] && (lags[i] < 64 || lags[i] >= n)) continue;
        count = find_runs(bits, n, lags[i], NULL);
        if (count < most) {
            most = count;
            lag = i;
        }
    }
    count = most;
    uint32_t *runs = cdt_new((count + 1) * sizeof *runs);
    uint8_t *tokens = cdt_new(count + 1), *extra = cdt_new(4 * count + 64);
    uint16_t *places = cdt_new((count + 1) * sizeof *places);
    if (!runs || !tokens || !extra || !places) goto out;
    find_runs(bits, n, lags[lag], runs);
    uint8_t *at = out;
    *at++ = (uint8_t)lag;
    at = cdt_put_number(at, count);
    if (count) {
        uint32_t counts[2][SYMBOLS] = {{0}};
        uint16_t frequencies[SYMBOLS];
        uint8_t lengths[2][CDT_SYMBOLS];
        cdt_rans_entry entries[2 * SYMBOLS];
        cdt_bits_writer writer;
        for (size_t i = 0; i < count; i++) runs[i] = (runs[i] >> 1) ^ (0 - (runs[i] & 1)); /* tokens are of signed numbers */
        cdt_bits_start(&writer, extra);
        kernels->rans.split_4((const int32_t *)runs, count, tokens, &writer);
        const size_t extra_size = (size_t)(cdt_bits_finish(&writer) - extra);
        for (size_t i = 0; i < count; i++) {
            places[i] = (uint16_t)((i & 1) * SYMBOLS + tokens[i]);
            counts[i & 1][tokens[i]]++;
        }
        if (count == 1) counts[1][0] = 1;
        cdt_bits_start(&writer, at);
        for (unsigned t = 0; t < 2; t++) {
            cdt_table_write(counts[t], SYMBOLS, t ? lengths[0] : NULL, lengths[t], &writer);
            cdt_table_received(counts[t], SYMBOLS, frequencies);
            cdt_rans_entries(frequencies, SYMBOLS, entries + t * SYMBOLS);
        }
        at = cdt_bits_finish(&writer);
        at = cdt_put_number(at, extra_size);
        at = cdt_put_bytes(at, extra, extra_size);
        uint8_t *end = out + cdt_mask_bound(n);
        cdt_rans_writer words;
        cdt_rans_start(&words, end, lanes_for(count));
        kernels->rans.encode_row(&words, entries, places, count);
        const uint8_t *begin = cdt_rans_finish(&words);
        const size_t length = (size_t)(end - begin);
        uint8_t head[10];
        const size_t head_size = (size_t)(cdt_put_number(head, length) - head);
        memmove(at + head_size, begin, length);
        memcpy(at, head, head_size);
        at += head_size + length;
    }
    size = (size_t)(at - out);
out:
    cdt_drop(runs);
    cdt_drop(tokens);
    cdt_drop(places);
    cdt_drop(extra);
    return size;
}

static void set_places(uint8_t *bits, size_t from, size_t to)
{
    for (; from < to && from % 8; from++) bits[from / 8] = (uint8_t)(bits[from / 8] | 1u << (from % 8));
    if (to > from) {
        memset(bits + from / 8, 0xFF, (to - from) / 8);
        for (from += (to - from) / 8 * 8; from < to; from++) bits[from / 8] = (uint8_t)(bits[from / 8] | 1u << (from % 8));
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

size_t cdt_mask_decode(const uint8_t *in, size_t length, size_t n, const size_t *lags, unsigned choices, uint8_t *bits)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    cdt_bytes from = {in, in + length, 0};
    const uint8_t *first = cdt_get_bytes(&from, 1);
    const size_t count = (size_t)cdt_get_number(&from);
    uint32_t *slots = NULL;
    int32_t *runs = NULL;
    uint8_t *tokens = NULL;
    size_t used = 0;
    if (from.corrupt || *first >= choices || count > n) return 0;
    const size_t lag = lags[*first];
    if (lag && (lag < 64 || lag >= n)) return 0;
    memset(bits, 0, (n + 7) / 8);
    if (count) {
        uint8_t lengths[2][CDT_SYMBOLS];
        uint16_t frequencies[SYMBOLS];
        cdt_bits_reader reader;
        slots = cdt_new(2 * CDT_SLOTS * sizeof *slots);
        runs = cdt_new(count * sizeof *runs);
        tokens = cdt_new(2 * count);
        if (!slots || !runs || !tokens) goto out;
        cdt_bits_open(&reader, from.at, (size_t)(from.end - from.at));
        for (unsigned t = 0; t < 2; t++)
            if (cdt_table_read(&reader, SYMBOLS, t ? lengths[0] : NULL, lengths[t], frequencies) != CDT_OK ||
                cdt_rans_slots(frequencies, SYMBOLS, slots + t * CDT_SLOTS) != CDT_OK)
                goto out;
        if (!cdt_bits_are_spare(&reader)) goto out;
        cdt_get_bytes(&from, (reader.position + 7) / 8);
        const size_t extra_size = (size_t)cdt_get_number(&from);
        const uint8_t *extra = cdt_get_bytes(&from, extra_size);
        const size_t words_size = (size_t)cdt_get_number(&from);
        const uint8_t *words = cdt_get_bytes(&from, words_size);
        cdt_rans_reader states;
        if (from.corrupt || cdt_rans_open(&states, words, words_size, lanes_for(count)) != CDT_OK) goto out;
        uint8_t *contexts = tokens + count;
        for (size_t i = 0; i < count; i++) contexts[i] = i & 1;
        kernels->rans.decode_row(&states, slots, contexts, tokens, count);
        if (cdt_rans_close(&states) != CDT_OK) goto out;
        cdt_bits_open(&reader, extra, extra_size);
        kernels->rans.join_4(tokens, count, &reader, runs);
        if (cdt_bits_close(&reader) != CDT_OK) goto out;
        size_t place = 0;
        for (size_t i = 0; i < count; i++) {
            const uint32_t run = (uint32_t)runs[i] << 1 ^ (uint32_t)(runs[i] >> 31);
            if (run >= n - place) goto out;
            if (i & 1) set_places(bits, place, place + run);
            place += run;
        }
        if (count & 1) set_places(bits, place, n);
    }
    if (lag) add_lagged(bits, n, lag);
    used = (size_t)(from.at - in);
out:
    cdt_drop(slots);
    cdt_drop(runs);
    cdt_drop(tokens);
    return used;
}
