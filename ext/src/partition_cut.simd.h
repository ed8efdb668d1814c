/* Mondrian cuts of a table of CODE (LeFevre et al. 2006), for one level and type; NAME(x) is the level's and type's name of x. */

#define WIDTH 8

/* Least and greatest code of each column. */
static void NAME(bounds)(const CODE *rows, size_t n, size_t stride, CODE *low, CODE *high, cdt_pause *pause)
{
    for (size_t c = 0; c < stride; c += WIDTH) {
        CODE least[WIDTH], most[WIDTH];
        memcpy(least, rows + c, sizeof least);
        memcpy(most, rows + c, sizeof most);
        CDT_IN_PIECES(i, n - 1, 1, pause) {
            const CODE *row = rows + (i + 1) * stride + c;
#pragma omp simd
            for (int j = 0; j < WIDTH; j++) {
                least[j] = row[j] < least[j] ? row[j] : least[j];
                most[j] = row[j] > most[j] ? row[j] : most[j];
            }
        }
        memcpy(low + c, least, sizeof least);
        memcpy(high + c, most, sizeof most);
    }
}

/* Runs of a column, as cdt_partition_runs. */
static size_t NAME(column_runs)(const CODE *column, size_t n, size_t stride, CODE low, CODE high, cdt_partition_work work)
{
    size_t range = (size_t)(high - low) + 1, runs;
    if (range > 4 * n + 64) {
        CDT_IN_PIECES(i, n, 1, work.pause) work.left[i] = column[i * stride];
        return cdt_partition_runs(work.left, n, low, high, work);
    }
    uint32_t *tally = work.tally;
    CDT_IN_PIECES(i, n, 1, work.pause) tally[column[i * stride] - low]++;
    runs = cdt_partition_tallied(tally, range, work);
    for (size_t r = 0; r < runs; r++) work.values[r] += low;
    return runs;
}

/* A cut: rows with codes up to `code` are on the left, of those equal to it only the first `equal`; `left` in all. */
typedef struct {
    uint32_t code;
    size_t equal, left;
} NAME(cut);

/* 1 where a row is on the left of a cut; *equal counts rows of its code. */
static inline int NAME(is_left)(CODE code, NAME(cut) cut, size_t *equal)
{
    int is_equal = code == cut.code, is_left = (code < cut.code) | (is_equal & (*equal < cut.equal));
    *equal += (size_t)is_equal;
    return is_left;
}

/* Codes of a sensitive column on either side of a cut: where they are few, 1 if both sides keep what is demanded. */
static int NAME(few_kept)(const cdt_partition_table *table, const cdt_sensitive *s, size_t start, size_t n, size_t column, NAME(cut) cut,
                          cdt_partition_work work)
{
    const CODE *rows = (const CODE *)table->codes + start * table->stride + column;
    const uint32_t *order = table->order + start;
    uint32_t *right = work.tally, *left = work.tally + s->size;
    size_t equal = 0, size = s->size;
    CDT_IN_PIECES(i, n, 1, work.pause) {
        size_t side = (size_t)NAME(is_left)(rows[i * table->stride], cut, &equal) * size;
        work.tally[side + s->codes[order[i]]]++;
    }
    int kept = cdt_partition_keeps_runs(s, cdt_partition_tallied(left, size, work), cut.left, work);
    /* The tally of the right is emptied in any case. */
    size_t runs = cdt_partition_tallied(right, size, work);
    return kept && cdt_partition_keeps_runs(s, runs, n - cut.left, work);
}

/* Codes of a sensitive column on either side of a cut, into work.left and work.right. */
static void NAME(sides)(const cdt_partition_table *table, const uint32_t *codes, size_t start, size_t n, size_t column, NAME(cut) cut,
                        cdt_partition_work work)
{
    const CODE *rows = (const CODE *)table->codes + start * table->stride + column;
    const uint32_t *order = table->order + start;
    size_t left = 0, right = 0, equal = 0;
    CDT_IN_PIECES(i, n, 1, work.pause) {
        uint32_t value = codes[order[i]];
        int is_left = NAME(is_left)(rows[i * table->stride], cut, &equal);
        work.left[left] = value;
        work.right[right] = value;
        left += (size_t)is_left;
        right += (size_t)!is_left;
    }
}

/* Both sides keep what is demanded of sensitive codes. `runs` of the column must not be in work: they are overwritten. */
static int NAME(is_kept)(const cdt_partition_table *table, const cdt_partition_rule *rule, size_t start, size_t n, size_t column, NAME(cut) cut,
                         cdt_partition_work work)
{
    for (size_t s = 0; s < rule->sensitive_count; s++) {
        const cdt_sensitive *one = &rule->sensitive[s];
        cdt_spend(work.pause, n);
        if (one->size <= 2 * n) {
            if (!NAME(few_kept)(table, one, start, n, column, cut, work)) return 0;
            continue;
        }
        NAME(sides)(table, one->codes, start, n, column, cut, work);
        if (!cdt_partition_keeps(one, work.left, cut.left, work)) return 0;
        if (!cdt_partition_keeps(one, work.right, n - cut.left, work)) return 0;
    }
    return 1;
}

#define MOST_CUTS 64

/* Cuts of a column from the median outwards, of those with at least k rows on both sides; ties: the lower code first. */
static size_t NAME(candidates)(const cdt_partition_rule *rule, size_t n, size_t runs, cdt_partition_work work, NAME(cut) *found)
{
    size_t most = rule->sensitive_count ? rule->cuts : 1, count = 0, k = rule->least, below = 0, at = 0;
    /* Up to run `at`, without it, are `below` rows, at most half; with it more than half. */
    while (2 * (below + work.counts[at]) <= n) below += work.counts[at++];
    if (rule->relaxed && n / 2 > below && n / 2 >= k) {
        NAME(cut) median = {work.values[at], n / 2 - below, n / 2};
        found[count++] = median;
    }
    size_t above = below + work.counts[at], low = at, high = at;
    while (count < most) {
        int has_low = low > 0 && below >= k, has_high = high + 1 < runs && n - above >= k;
        if (!has_low && !has_high) break;
        if (has_low && (!has_high || n - 2 * below <= 2 * above - n)) {
            NAME(cut) cut = {work.values[--low], work.counts[low], below};
            below -= work.counts[low];
            found[count++] = cut;
        } else {
            NAME(cut) cut = {work.values[high], work.counts[high], above};
            above += work.counts[++high];
            found[count++] = cut;
        }
    }
    return count;
}

static int NAME(find_cut)(const cdt_partition_table *table, const cdt_partition_rule *rule, size_t start, size_t n, size_t column,
                          const CODE *bounds, cdt_partition_work work, NAME(cut) *cut)
{
    NAME(cut) found[MOST_CUTS];
    const CODE *rows = (const CODE *)table->codes + start * table->stride + column;
    cdt_spend(work.pause, 2 * n);
    size_t runs = NAME(column_runs)(rows, n, table->stride, bounds[column], bounds[table->stride + column], work);
    if (work.pause->ended) return 0;
    size_t count = NAME(candidates)(rule, n, runs, work, found);
    for (size_t i = 0; i < count; i++) {
        if (rule->sensitive_count && !NAME(is_kept)(table, rule, start, n, column, found[i], work)) continue;
        *cut = found[i];
        return 1;
    }
    return 0;
}

/* The column whose range is widest, of those that are not tried; ties: the first. -1: none has a range. */
static ptrdiff_t NAME(widest)(const cdt_partition_table *table, const CODE *bounds, const uint8_t *tried)
{
    ptrdiff_t found = -1;
    double most = 0;
    for (size_t c = 0; c < table->columns; c++) {
        const double *places = table->places + table->first[c];
        if (tried[c] || bounds[c] == bounds[table->stride + c]) continue;
        double width = places[bounds[table->stride + c]] - places[bounds[c]];
        if (found >= 0 && width <= most) continue;
        most = width;
        found = (ptrdiff_t)c;
    }
    return found;
}

/* Rows on the left of a cut first, both sides in their order. */
static inline __attribute__((always_inline)) void NAME(part_rows)(const cdt_partition_table *table, size_t start, size_t n, size_t column,
                                                                   NAME(cut) cut, size_t stride, cdt_pause *pause)
{
    CODE *rows = (CODE *)table->codes + start * stride, *spare = table->spare;
    uint32_t *order = table->order + start, *spare_order = table->spare_order;
    size_t left = 0, right = 0, equal = 0, bytes = stride * sizeof(CODE);
    CDT_IN_PIECES(i, n, stride / WIDTH, pause) {
        const CODE *row = rows + i * stride;
        uint32_t number = order[i];
        int is_left = NAME(is_left)(row[column], cut, &equal);
        memcpy(spare + right * stride, row, bytes);
        spare_order[right] = number;
        /* left <= i: what is overwritten was read. */
        memmove(rows + left * stride, row, bytes);
        order[left] = number;
        left += (size_t)is_left;
        right += (size_t)!is_left;
    }
    for (size_t i = 0, end; i < right && (end = cdt_piece(pause, i, right, stride / WIDTH)) > i; i = end) {
        memcpy(rows + (left + i) * stride, spare + i * stride, (end - i) * bytes);
        memcpy(order + left + i, spare_order + i, (end - i) * sizeof *order);
    }
}

static void NAME(part)(const cdt_partition_table *table, size_t start, size_t n, size_t column, NAME(cut) cut, cdt_pause *pause)
{
    if (table->stride == WIDTH)
        NAME(part_rows)(table, start, n, column, cut, WIDTH, pause);
    else if (table->stride == 2 * WIDTH)
        NAME(part_rows)(table, start, n, column, cut, 2 * WIDTH, pause);
    else
        NAME(part_rows)(table, start, n, column, cut, table->stride, pause);
}

static void NAME(finish)(const cdt_partition_table *table, cdt_partition_course *course, size_t start, size_t stop, const CODE *bounds,
                         cdt_pause *pause)
{
    size_t class = course->done++;
    const uint32_t *order = table->order + start;
    for (size_t c = 0; c < table->columns; c++) {
        course->lows[class * table->columns + c] = bounds[c];
        course->highs[class * table->columns + c] = bounds[table->stride + c];
    }
    CDT_IN_PIECES(i, stop - start, 1, pause) course->classes[order[i]] = (uint32_t)class;
    course->starts[class + 1] = stop;
}

/* Cut one part in two, or say that it is a class. `bounds` (2 x stride) and `tried` (columns) are for its own use. */
static void NAME(visit)(const cdt_partition_table *table, const cdt_partition_rule *rule, cdt_partition_work work, cdt_partition_course *course,
                        CODE *bounds, uint8_t *tried)
{
    size_t start = course->stack[2 * --course->waiting], stop = course->stack[2 * course->waiting + 1], n = stop - start;
    ptrdiff_t column;
    cdt_spend(work.pause, n);
    NAME(bounds)((const CODE *)table->codes + start * table->stride, n, table->stride, bounds, bounds + table->stride, work.pause);
    memset(tried, 0, table->columns);
    while (n >= 2 * rule->least && (column = NAME(widest)(table, bounds, tried)) >= 0) {
        NAME(cut) cut;
        tried[column] = 1;
        if (!NAME(find_cut)(table, rule, start, n, (size_t)column, bounds, work, &cut)) continue;
        NAME(part)(table, start, n, (size_t)column, cut, work.pause);
        uint64_t *top = course->stack + 2 * course->waiting;
        top[0] = start + cut.left, top[1] = stop;
        top[2] = start, top[3] = start + cut.left;
        course->waiting += 2;
        return;
    }
    NAME(finish)(table, course, start, stop, bounds, work.pause);
}

int NAME(cut_all)(const cdt_partition_table *table, const cdt_partition_rule *rule, cdt_partition_work work, cdt_partition_course *course);
int NAME(cut_all)(const cdt_partition_table *table, const cdt_partition_rule *rule, cdt_partition_work work, cdt_partition_course *course)
{
    CODE *bounds = course->scratch;
    uint8_t *tried = (uint8_t *)(bounds + 2 * table->stride);
    while (course->waiting && !work.pause->ended) NAME(visit)(table, rule, work, course, bounds, tried);
    return work.pause->ended ? -1 : 0;
}
