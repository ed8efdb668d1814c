/* A tile: CDT_ROBUST_TILE bytes of every row, as vectors of numbers side by side. */
enum { ROBUST(columns) = CDT_ROBUST_TILE / sizeof(NUMBER), ROBUST(vectors) = ROBUST(columns) / LANES };

/* A number for each column of a tile. */
typedef union {
    BITS bits[ROBUST(vectors)];
    NUMBER numbers[ROBUST(columns)];
} ROBUST(numbers);

/* Rows to be sorted lie in blocks of 32 slots, of which the first `count` hold rows and the others the largest number; rows to be
 * counted, one after the other. */
typedef struct {
    const void *const *rows;
    size_t n, columns, at, blocks, count[4];
    BITS wrong;              /* not 0 where a number was not finite */
    const NUMBER **here;     /* where each slot has its numbers of the tile at column `at`; all of them can be read */
    ROBUST(numbers) *ends;   /* of each slot, where the tile is wider than what is left */
    ROBUST(numbers) *largest;
    KEY *keys;               /* room for a tile of keys, for 128 slots at least */
} ROBUST(tile);

static void ROBUST(lay_out)(ROBUST(tile) *tile, int in_blocks)
{
    const size_t n = tile->n, half = n / 2;
    if (n <= 32 || !in_blocks) {
        tile->blocks = 1;
        tile->count[0] = n;
    } else if (n <= 64) {
        tile->blocks = 2;
        tile->count[0] = n - half;
        tile->count[1] = half;
    } else {
        tile->blocks = 4;
        tile->count[0] = tile->count[2] = 32;
        tile->count[1] = n - half - 32;
        tile->count[3] = half - 32;
    }
}

/* Before the first tile, of up to CDT_ROBUST_NETWORK rows in blocks if so; `work` as cdt_robust_work says. */
static ROBUST(tile) ROBUST(start)(const void *const *rows, size_t n, size_t columns, void *work, int in_blocks)
{
    ROBUST(tile) tile = {.rows = rows, .n = n, .columns = columns, .largest = work};
    const size_t slots = n < CDT_ROBUST_NETWORK ? CDT_ROBUST_NETWORK : n;
    tile.ends = tile.largest + 1;
    tile.keys = (KEY *)(tile.ends + slots);
    tile.here = (const NUMBER **)(tile.keys + ROBUST(vectors) * slots);
    ROBUST(lay_out)(&tile, in_blocks && n <= CDT_ROBUST_NETWORK);
    for (size_t j = 0; j < ROBUST(columns); j++) tile.largest->numbers[j] = LARGEST;
    for (size_t i = 0; i < slots; i++) tile.here[i] = tile.largest->numbers;
    return tile;
}

/* To the rows' numbers of the tile at column `at`. */
static void ROBUST(find_rows)(ROBUST(tile) *tile)
{
    const size_t left = tile->columns - tile->at;
    const void *const *row = tile->rows;
    for (size_t block = 0; block < tile->blocks; block++)
        for (size_t i = 0; i < tile->count[block]; i++, row++) {
            const size_t slot = 32 * block + i;
            tile->here[slot] = (const NUMBER *)*row + tile->at;
            if (left >= ROBUST(columns)) continue;
            memset(&tile->ends[slot], 0, sizeof *tile->ends);
            memcpy(&tile->ends[slot], tile->here[slot], left * sizeof(NUMBER));
            tile->here[slot] = tile->ends[slot].numbers;
        }
}

/* A vector of a row, as bits. */
INLINE BITS ROBUST(take)(const NUMBER *row, size_t vector, BITS *wrong)
{
    const BITS bits = *(const BITS_ANY *)(row + vector * LANES);
    const FLOATS x = (FLOATS)bits;
    *wrong |= (BITS)(x - x);
    return bits;
}

/* A share of what the next tile will need of some rows, all of one row after all of another: so many lines as four vectors have, for
 * every fourth row whose vector is read. Rows are far apart: tiles that are too narrow, or rows in turn, wait for memory. */
INLINE void ROBUST(fetch)(const NUMBER *const *here, size_t share)
{
    const size_t in_row = ROBUST(vectors) / 4;
    const char *next = (const char *)here[share / in_row] + CDT_ROBUST_TILE + share % in_row * 4 * VECTOR_BYTES;
UNROLL
    for (size_t i = 0; i < 4 * VECTOR_BYTES; i += 64) PREFETCH(next + i);
}

INLINE int ROBUST(any)(BITS mask)
{
    uint64_t words[VECTOR_BYTES / 8], any = 0;
    memcpy(words, &mask, sizeof mask);
    for (size_t i = 0; i < VECTOR_BYTES / 8; i++) any |= words[i];
    return any != 0;
}

/* Rows in one block as keys: vector k of row i at keys[k * n + i]. Whether all are finite. */
static int ROBUST(pack)(ROBUST(tile) *tile)
{
    const size_t n = tile->n;
    for (size_t i = 0; i < n; i++) {
UNROLL
        for (size_t k = 0; k < ROBUST(vectors); k++) tile->keys[k * n + i] = ENCODE(ROBUST(take)(tile->here[i], k, &tile->wrong));
    }
    return !ROBUST(any)(tile->wrong);
}
