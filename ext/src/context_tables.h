/* Tables of tokens by context, as they are made, sent and received. */
#ifndef CDT_CONTEXT_TABLES_H
#define CDT_CONTEXT_TABLES_H
#include "cdt_contexts.h"
#include "cdt_rans.h"

/* Segments of one kind share their tables: classes of the finest level by their odd axes, the next level, all coarser ones. */
enum { KINDS = 5, KIND_TABLES = 24, TABLES = KINDS * KIND_TABLES };
/* Tokens of a group, which may be silent, and how loud what is around it can be. */
enum { GROUP = 64, LOUDNESSES = 4 };

/* What is sent before the tokens, the tables themselves aside. */
typedef struct {
    cdt_recipe recipe;
    unsigned states, symbols;
    unsigned tables[KINDS];             /* how many each kind has */
    uint8_t first[KINDS][KIND_TABLES];  /* the first activity of each */
    int has_silence;                    /* whether groups may be silent */
    uint16_t silence[LOUDNESSES];       /* frequencies of silent groups */
} cdt_context_head;

/* The first activities of at most KIND_TABLES tables with about as many places each. Returns how many. */
unsigned cdt_equal_tables(const uint32_t counts[256], uint8_t *first);

/* Join neighbouring tables while that saves bits, or costs next to none. `first` and the `symbols` counts of the joined ones move up.
 * Returns how many are left. */
unsigned cdt_join_tables(unsigned tables, uint8_t *first, uint32_t *counts, size_t symbols);

/* Bits (in 1/65536) that the tokens of one table take, and the table. */
uint64_t cdt_context_cost(const uint32_t *counts, size_t symbols);

/* table[k][i]: the table, of all kinds together, of activity i in kind k. */
void cdt_context_tables(const cdt_context_head *head, uint8_t table[KINDS][256]);

/* Frequencies of silent and of other groups, by how loud what is around them is. */
void cdt_silence_tables(const cdt_context_head *head, uint16_t frequencies[LOUDNESSES][2]);

/* At most CDT_CONTEXT_HEAD bytes; `entries` has room for the symbols of all tables. */
#define CDT_CONTEXT_HEAD (64 + TABLES * 200)
size_t cdt_context_head_put(const cdt_context_head *head, const uint32_t *counts, uint8_t *out, cdt_rans_entry *entries);

/* Returns its length in bytes, 0 when it is damaged or there is no memory; `slots` receives a new array. */
size_t cdt_context_head_get(const uint8_t *in, size_t length, unsigned most, cdt_context_head *head, uint32_t **slots);

#endif
