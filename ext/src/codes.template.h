/* Included once per width: U, S (signed of the same width), W (bytes). */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define NAME(base) CAT(base, W)

static CDT_DISPATCH void NAME(difference_rows_)(U *restrict row, const U *restrict before, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = (U)(row[i] - before[i]);
}

static CDT_DISPATCH void NAME(cumulate_rows_)(U *restrict row, const U *restrict before, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = (U)(row[i] + before[i]);
}

static CDT_DISPATCH void NAME(difference_line_)(U *line, size_t n)
{
    for (size_t i = n; i-- > 1;)
        line[i] = (U)(line[i] - line[i - 1]);
}

static void NAME(cumulate_line_)(U *line, size_t n)
{
    U sum = 0;
    for (size_t i = 0; i < n; i++)
        line[i] = sum = (U)(sum + line[i]);
}

/* The axis as (outer, length, inner): differences run over `length`. */
static void NAME(axis_)(U *codes, const size_t *split, int forward)
{
    const size_t outer = split[0], length = split[1], inner = split[2];
    for (size_t o = 0; o < outer; o++) {
        U *base = codes + o * length * inner;
        if (inner == 1 && forward)
            NAME(difference_line_)(base, length);
        else if (inner == 1)
            NAME(cumulate_line_)(base, length);
        else if (forward)
            for (size_t k = length; k-- > 1;)
                NAME(difference_rows_)(base + k * inner, base + (k - 1) * inner, inner);
        else
            for (size_t k = 1; k < length; k++)
                NAME(cumulate_rows_)(base + k * inner, base + (k - 1) * inner, inner);
    }
}

static int NAME(all_axes_)(U *codes, const size_t *shape, size_t axes, const uint8_t *orders, int forward)
{
    if (axes > CDT_MAX_AXES)
        return CDT_BAD_ARGUMENT;
    for (size_t position = 0; position < axes; position++) {
        const size_t axis = forward ? position : axes - 1 - position;
        size_t split[3] = {1, shape[axis], 1};
        if (orders[axis] > 2)
            return CDT_BAD_ARGUMENT;
        for (size_t a = 0; a < axis; a++)
            split[0] *= shape[a];
        for (size_t a = axis + 1; a < axes; a++)
            split[2] *= shape[a];
        for (unsigned times = 0; times < orders[axis]; times++)
            NAME(axis_)(codes, split, forward);
    }
    return CDT_OK;
}

int NAME(cdt_difference_u)(U *codes, const size_t *shape, size_t axes, const uint8_t *orders)
{
    return NAME(all_axes_)(codes, shape, axes, orders, 1);
}

int NAME(cdt_cumulate_u)(U *codes, const size_t *shape, size_t axes, const uint8_t *orders)
{
    return NAME(all_axes_)(codes, shape, axes, orders, 0);
}

static inline U NAME(zigzag_)(U code)
{
    return (U)((U)(code << 1) ^ (U)((S)code >> (8 * W - 1)));
}

/* Sum of bit lengths of the zigzagged codes that have a neighbour before them on every axis of the sample. */
static CDT_DISPATCH uint64_t NAME(bit_cost_)(const U *restrict codes, size_t n)
{
    uint64_t cost = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t z = NAME(zigzag_)(codes[i]);
        cost += z ? 64u - (unsigned)__builtin_clzll(z) : 0u;
    }
    return cost;
}

/* Copies the middle of the codes, at most SAMPLE_SIDE along each of the last axes; returns its size, its shape in `sides`. */
static size_t NAME(sample_)(const U *codes, const size_t *shape, size_t axes, size_t *sides, U *out)
{
    size_t starts[CDT_MAX_AXES], index[CDT_MAX_AXES] = {0}, total = 1, room = SAMPLE_SIZE;
    for (size_t a = axes; a-- > 0;) {
        const size_t most = a + 1 == axes ? SAMPLE_ROW : SAMPLE_SIDE;
        sides[a] = shape[a] < most ? shape[a] : most;
        if (sides[a] > room)
            sides[a] = room;
        room /= sides[a];
        starts[a] = (shape[a] - sides[a]) / 2;
        total *= sides[a];
    }
    for (size_t done = 0; done < total; done += sides[axes - 1]) {
        size_t offset = 0;
        for (size_t a = 0; a < axes; a++)
            offset = offset * shape[a] + starts[a] + index[a];
        memcpy(out + done, codes + offset, sides[axes - 1] * sizeof(U));
        for (size_t a = axes - 1; a-- > 0;) {
            if (++index[a] < sides[a])
                break;
            index[a] = 0;
        }
    }
    return total;
}

/* The cost of the sample's interior under `orders`: the border has no neighbours, and would speak for no prediction. */
static uint64_t NAME(try_)(const U *sample, U *work, size_t n, const size_t *sides, size_t axes, const uint8_t *orders)
{
    memcpy(work, sample, n * sizeof(U));
    NAME(all_axes_)(work, sides, axes, orders, 1);
    const size_t row = sides[axes - 1], skip = row > 4 ? 2 : 0;
    uint64_t cost = 0;
    size_t rows = n / row, first = axes > 1 && rows > 4 ? 2 : 0;
    for (size_t r = first; r < rows; r++)
        cost += NAME(bit_cost_)(work + r * row + skip, row - skip);
    return cost;
}

int NAME(cdt_choose_u)(const U *codes, const size_t *shape, size_t axes, uint8_t *orders)
{
    int status = CDT_OK;
    U *sample = NULL, *work = NULL;
    size_t sides[CDT_MAX_AXES];
    uint8_t trial[CDT_MAX_AXES] = {0};
    memset(orders, 0, axes);
    if (axes == 0 || axes > CDT_MAX_AXES) {
        status = axes ? CDT_BAD_ARGUMENT : CDT_OK;
        goto out;
    }
    sample = malloc(SAMPLE_SIZE * sizeof(U));
    work = malloc(SAMPLE_SIZE * sizeof(U));
    if (!sample || !work) {
        status = CDT_NO_MEMORY;
        goto out;
    }
    const size_t n = NAME(sample_)(codes, shape, axes, sides, sample);
    /* A change must pay for itself by 1 in 256, so that ties stay with the simpler choice. */
    uint64_t best = NAME(try_)(sample, work, n, sides, axes, orders);
    const size_t last = axes < 4 ? axes : 4;
    for (unsigned subset = 1; subset < 1u << last; subset++) {
        int possible = 1;
        memset(trial, 0, axes);
        for (size_t k = 0; k < last; k++) {
            trial[axes - 1 - k] = subset >> k & 1u;
            possible &= !(trial[axes - 1 - k] && shape[axes - 1 - k] < 2);
        }
        if (!possible)
            continue;
        const uint64_t cost = NAME(try_)(sample, work, n, sides, axes, trial);
        if (cost + best / 256 < best) {
            best = cost;
            memcpy(orders, trial, axes);
        }
    }
    for (size_t a = axes - last; a < axes; a++) {
        if (orders[a] != 1 || shape[a] < 3)
            continue;
        memcpy(trial, orders, axes);
        trial[a] = 2;
        const uint64_t cost = NAME(try_)(sample, work, n, sides, axes, trial);
        if (cost + best / 256 < best) {
            best = cost;
            memcpy(orders, trial, axes);
        }
    }
out:
    free(sample);
    free(work);
    return status;
}

CDT_DISPATCH int NAME(cdt_zigzag_u)(U *codes, size_t n, unsigned *bits)
{
    U any = 0;
    for (size_t i = 0; i < n; i++) {
        const U z = NAME(zigzag_)(codes[i]);
        codes[i] = z;
        any |= z;
    }
    *bits = any ? 64u - (unsigned)__builtin_clzll((uint64_t)any) : 0u;
    return CDT_OK;
}

CDT_DISPATCH int NAME(cdt_unzigzag_u)(U *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        codes[i] = (U)((U)(codes[i] >> 1) ^ (U)(0 - (U)(codes[i] & 1)));
    return CDT_OK;
}

CDT_DISPATCH int NAME(cdt_to_bytes_u)(const U *restrict codes, size_t n, unsigned planes, uint8_t *restrict out)
{
    if (planes > W)
        return CDT_BAD_ARGUMENT;
    for (unsigned p = 0; p < planes; p++)
        for (size_t i = 0; i < n; i++)
            out[p * n + i] = (uint8_t)(codes[i] >> (8 * p));
    return CDT_OK;
}

CDT_DISPATCH int NAME(cdt_from_bytes_u)(const uint8_t *restrict in, size_t n, unsigned planes, U *restrict codes)
{
    if (planes > W)
        return CDT_BAD_ARGUMENT;
    for (size_t i = 0; i < n; i++)
        codes[i] = planes ? (U)in[i] : (U)0;
    for (unsigned p = 1; p < planes; p++)
        for (size_t i = 0; i < n; i++)
            codes[i] |= (U)((U)in[p * n + i] << (8 * p));
    return CDT_OK;
}

int NAME(cdt_to_bits_u)(const U *codes, size_t n, unsigned planes, uint8_t *out)
{
    const size_t width = (n + 7) / 8;
    if (planes > 8 * W)
        return CDT_BAD_ARGUMENT;
    for (size_t group = 0; group < width; group++) {
        const size_t count = n - 8 * group < 8 ? n - 8 * group : 8;
        for (unsigned byte = 0; 8 * byte < planes; byte++) {
            uint64_t square = 0;
            for (size_t i = 0; i < count; i++)
                square |= (uint64_t)(uint8_t)(codes[8 * group + i] >> (8 * byte)) << (8 * i);
            square = transposed(square);
            for (unsigned p = 8 * byte; p < planes && p < 8 * byte + 8; p++)
                out[p * width + group] = (uint8_t)(square >> (8 * (p - 8 * byte)));
        }
    }
    return CDT_OK;
}

int NAME(cdt_from_bits_u)(const uint8_t *in, size_t n, unsigned planes, U *codes)
{
    const size_t width = (n + 7) / 8;
    if (planes > 8 * W)
        return CDT_BAD_ARGUMENT;
    for (size_t group = 0; group < width; group++) {
        const size_t count = n - 8 * group < 8 ? n - 8 * group : 8;
        U values[8] = {0};
        for (unsigned byte = 0; 8 * byte < planes; byte++) {
            uint64_t square = 0;
            for (unsigned p = 8 * byte; p < planes && p < 8 * byte + 8; p++)
                square |= (uint64_t)in[p * width + group] << (8 * (p - 8 * byte));
            square = transposed(square);
            for (size_t i = 0; i < 8; i++)
                values[i] |= (U)((U)(uint8_t)(square >> (8 * i)) << (8 * byte));
        }
        memcpy(codes + 8 * group, values, count * sizeof(U));
    }
    return CDT_OK;
}

#undef NAME
#undef CAT
#undef CAT_
