#include "context_tables.h"
#include "cdt_memory.h"
#include "cdt_status.h"
#include "cdt_tables.h"
#include <string.h>

/* About what a table takes to send, in bits, and how many places pay for one. */
enum { TABLE_HEAD = 12, SYMBOL_COST = 5, PLACES_FOR_TABLE = 512, WORTH_PART = 2048 };

uint64_t cdt_context_cost(const uint32_t *counts, size_t symbols)
{
    uint64_t bits = 0;
    uint32_t total = 0;
    unsigned used = 0;
    for (size_t i = 0; i < symbols; i++) {
        bits += cdt_n_log_n(counts[i]);
        total += counts[i];
        used += counts[i] > 0;
    }
    return total ? cdt_n_log_n(total) - bits + ((uint64_t)(TABLE_HEAD + SYMBOL_COST * used) << 16) : 0;
}

unsigned cdt_equal_tables(const uint32_t counts[256], uint8_t *first)
{
    uint64_t total = 0, done = 0;
    unsigned tables = 0;
    for (int i = 0; i < 256; i++) total += counts[i];
    /* Few places do not pay for many tables, nor for the time to join them. */
    const uint64_t paid = total / PLACES_FOR_TABLE;
    const unsigned most = paid < 4 ? 4 : paid < KIND_TABLES ? (unsigned)paid : KIND_TABLES;
    for (int i = 0; i < 256; i++) {
        if (!counts[i]) continue;
        if (!tables || done * most >= total * tables) {
            if (tables == most) break;
            first[tables++] = (uint8_t)i;
        }
        done += counts[i];
    }
    if (tables) first[0] = 0;
    return tables;
}

/* The cost of a table and the one after it as one. */
static uint64_t joined_cost(const uint32_t *counts, size_t symbols)
{
    uint32_t sum[CDT_TOKENS_8];
    for (size_t t = 0; t < symbols; t++) sum[t] = counts[t] + counts[symbols + t];
    return cdt_context_cost(sum, symbols);
}

unsigned cdt_join_tables(unsigned tables, uint8_t *first, uint32_t *counts, size_t symbols)
{
    uint64_t cost[KIND_TABLES], joined[KIND_TABLES];
    for (unsigned i = 0; i < tables; i++) cost[i] = cdt_context_cost(counts + i * symbols, symbols);
    for (unsigned i = 0; i + 1 < tables; i++) joined[i] = joined_cost(counts + i * symbols, symbols);
    /* What keeping two tables apart must save: more of them take longer to look up. */
    int64_t worth = 0;
    for (unsigned i = 0; i < tables; i++) worth += (int64_t)(cost[i] / WORTH_PART);
    while (tables > 1) {
        unsigned best = 0;
        int64_t most = 0;
        for (unsigned i = 0; i + 1 < tables; i++) {
            const int64_t saved = (int64_t)(cost[i] + cost[i + 1]) - (int64_t)joined[i] + worth;
            if (saved > most) {
                most = saved;
                best = i;
            }
        }
        if (most == 0) break;
        uint32_t *const here = counts + best * symbols;
        for (size_t t = 0; t < symbols; t++) here[t] += here[symbols + t];
        cost[best] = joined[best];
        memmove(here + symbols, here + 2 * symbols, (tables - best - 2) * symbols * sizeof *counts);
        memmove(cost + best + 1, cost + best + 2, (tables - best - 2) * sizeof *cost);
        memmove(joined + best, joined + best + 1, (tables - best - 2) * sizeof *joined);
        memmove(first + best + 1, first + best + 2, tables - best - 2);
        tables--;
        for (unsigned i = best ? best - 1 : 0; i <= best && i + 1 < tables; i++) joined[i] = joined_cost(counts + i * symbols, symbols);
    }
    return tables;
}

void cdt_context_tables(const cdt_context_head *head, uint8_t table[KINDS][256])
{
    unsigned start = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        for (int i = 0, last = -1; i < 256; i++) {
            while ((unsigned)(last + 1) < head->tables[k] && head->first[k][last + 1] <= i) last++;
            table[k][i] = (uint8_t)(start + (unsigned)(last < 0 ? 0 : last));
        }
        start += head->tables[k];
    }
}

void cdt_silence_tables(const cdt_context_head *head, uint16_t frequencies[LOUDNESSES][2])
{
    for (unsigned i = 0; i < LOUDNESSES; i++) {
        frequencies[i][0] = head->silence[i];
        frequencies[i][1] = (uint16_t)(CDT_SLOTS - head->silence[i]);
    }
}

size_t cdt_context_head_put(const cdt_context_head *head, const uint32_t *counts, uint8_t *out, cdt_rans_entry *entries)
{
    cdt_bits_writer bits;
    uint8_t lengths[2][CDT_SYMBOLS];
    uint16_t frequencies[CDT_SYMBOLS];
    cdt_bits_start(&bits, out);
    cdt_bits_put(&bits, head->recipe.above, 4);
    cdt_bits_put(&bits, head->recipe.before, 4);
    cdt_bits_put(&bits, head->recipe.shift, 3);
    cdt_bits_put(&bits, head->recipe.lagged, 1);
    cdt_bits_put(&bits, (unsigned)__builtin_ctz(head->states) - 2, 3);
    cdt_bits_put(&bits, head->symbols, 8);
    cdt_bits_put(&bits, (unsigned)head->has_silence, 1);
    for (unsigned i = 0; head->has_silence && i < LOUDNESSES; i++) cdt_bits_put(&bits, head->silence[i], CDT_RANS_BITS);
    for (unsigned k = 0; k < KINDS; k++) cdt_bits_put(&bits, head->tables[k], 5);
    unsigned t = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        for (unsigned i = 0; i < head->tables[k]; i++, t++) {
            if (i) cdt_bits_put(&bits, head->first[k][i], 8);
            cdt_table_write(counts + t * head->symbols, head->symbols, t ? lengths[(t + 1) & 1] : NULL, lengths[t & 1], &bits);
            cdt_table_received(counts + t * head->symbols, head->symbols, frequencies);
            cdt_rans_entries(frequencies, head->symbols, entries + t * head->symbols);
        }
    }
    return (size_t)(cdt_bits_finish(&bits) - out);
}

/* All before the tables. 0 when it is damaged. */
static int get_plain(cdt_bits_reader *bits, unsigned most, cdt_context_head *head)
{
    cdt_recipe *recipe = &head->recipe;
    recipe->above = (uint8_t)cdt_bits_get(bits, 4);
    recipe->before = (uint8_t)cdt_bits_get(bits, 4);
    recipe->shift = (uint8_t)cdt_bits_get(bits, 3);
    recipe->lagged = (uint8_t)cdt_bits_get(bits, 1);
    head->states = 4u << cdt_bits_get(bits, 3);
    head->symbols = (unsigned)cdt_bits_get(bits, 8);
    head->has_silence = (int)cdt_bits_get(bits, 1);
    for (unsigned i = 0; head->has_silence && i < LOUDNESSES; i++) {
        head->silence[i] = (uint16_t)cdt_bits_get(bits, CDT_RANS_BITS);
        if (!head->silence[i]) return 0;
    }
    for (unsigned k = 0; k < KINDS; k++) {
        head->tables[k] = (unsigned)cdt_bits_get(bits, 5);
        if (head->tables[k] > KIND_TABLES) return 0;
    }
    if (bits->corrupt || head->states > CDT_STATES || recipe->above + recipe->before > 8 || head->symbols > most) return 0;
    recipe->around = (uint8_t)(8 - recipe->above - recipe->before);
    return 1;
}

size_t cdt_context_head_get(const uint8_t *in, size_t length, unsigned most, cdt_context_head *head, uint32_t **slots)
{
    cdt_bits_reader bits;
    uint8_t lengths[2][CDT_SYMBOLS];
    uint16_t frequencies[CDT_SYMBOLS];
    unsigned t = 0, all = 0;
    cdt_bits_open(&bits, in, length);
    if (!get_plain(&bits, most, head)) return 0;
    for (unsigned k = 0; k < KINDS; k++) all += head->tables[k];
    if (!all && !head->has_silence) return 0;
    *slots = cdt_new((size_t)(all + 1) * CDT_SLOTS * sizeof **slots);
    if (!*slots) return 0;
    for (unsigned k = 0; k < KINDS; k++) {
        for (unsigned i = 0; i < head->tables[k]; i++, t++) {
            head->first[k][i] = i ? (uint8_t)cdt_bits_get(&bits, 8) : 0;
            if (i && head->first[k][i] <= head->first[k][i - 1]) return 0;
            if (cdt_table_read(&bits, head->symbols, t ? lengths[(t + 1) & 1] : NULL, lengths[t & 1], frequencies) != CDT_OK ||
                cdt_rans_slots(frequencies, head->symbols, *slots + (size_t)t * CDT_SLOTS) != CDT_OK)
                return 0;
        }
    }
    return bits.corrupt || !cdt_bits_are_spare(&bits) ? 0 : (size_t)((bits.position + 7) / 8);
}
