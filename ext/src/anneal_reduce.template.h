/* The rules for one type of weights: WEIGHT, its place in a coupling WEIGHT_OF, and what of a sum is nothing beside its parts. */

typedef struct {
    links l;
    uint32_t spins;
    size_t alive;
    WEIGHT *fields;
    WEIGHT constant;
    const uint8_t *keep;
    uint32_t *looked; /* neighbours that a spin had when it was looked at */
    cdt_anneal_choice *choice;
} TYPED(reducer);

/* A neighbour with what couples it. */
typedef struct {
    uint32_t spin;
    WEIGHT weight;
} TYPED(bond);

static inline WEIGHT TYPED(size)(WEIGHT weight) { return weight < 0 ? -weight : weight; }

/* A literal of spin that is sgn(weight) or, flipped, its opposite. */
static inline uint32_t TYPED(against)(TYPED(bond) bond) { return 2 * bond.spin + (bond.weight > 0); }

/* Spins of many neighbours wait only when they have lost half of them since they were looked at: so looking at all of them costs
 * no more than taking them away. */
static inline void TYPED(changed)(TYPED(reducer) *r, uint32_t spin)
{
    if (spin == r->spins || r->keep[spin]) return;
    if (r->l.degrees[spin] <= FEW || r->l.degrees[spin] <= r->looked[spin] / 2) wait_at(&r->l, spin, LOOK(r));
    else leave(&r->l, spin);
}

/* Adds a coupling of two spins; one may be the ghost. */
static void TYPED(couple)(TYPED(reducer) *r, uint32_t a, uint32_t b, WEIGHT weight)
{
    if (a == r->spins || b == r->spins) {
        WEIGHT *const field = r->fields + (a == r->spins ? b : a);
        const WEIGHT sum = *field + weight;
        *field = NOTHING(sum, weight) ? 0 : sum;
        return;
    }
    const uint32_t c = find(&r->l, a, b);
    if (c == NONE) {
        link(&r->l, a, b)->WEIGHT_OF = weight;
        return;
    }
    const WEIGHT sum = r->l.couplings[c].WEIGHT_OF + weight;
    if (NOTHING(sum, weight)) unlink_coupling(&r->l, c);
    else r->l.couplings[c].WEIGHT_OF = sum;
}

static void TYPED(take_out)(TYPED(reducer) *r, uint32_t spin, uint32_t first, uint32_t second, uint32_t third)
{
    const cdt_anneal_choice choice = {spin, {first, second, third}};
    *r->choice++ = choice;
    leave(&r->l, spin);
    r->looked[spin] = GONE;
    r->alive--;
}

/* `spin` is the opposite of sgn(weight) times the leader: the leader has its couplings, too. */
static void TYPED(follow)(TYPED(reducer) *r, uint32_t spin, TYPED(bond) leader)
{
    const WEIGHT field = leader.spin == r->spins ? 0 : r->fields[spin];
    const uint32_t literal = TYPED(against)(leader);
    r->constant -= TYPED(size)(leader.weight);
    TYPED(take_out)(r, spin, literal, literal, literal);
    for (uint32_t end = r->l.first[spin], next; end != NONE; end = next) {
        const TYPED(bond) other = {end_to(&r->l, end), r->l.couplings[end >> 1].WEIGHT_OF};
        next = end_next(&r->l, end);
        unlink_coupling(&r->l, end >> 1);
        if (other.spin != leader.spin) TYPED(couple)(r, leader.spin, other.spin, leader.weight > 0 ? -other.weight : other.weight);
        TYPED(changed)(r, other.spin);
    }
    if (field != 0) TYPED(couple)(r, leader.spin, r->spins, leader.weight > 0 ? -field : field);
    TYPED(changed)(r, leader.spin);
}

/* The three neighbours of a spin, the ghost last. */
static void TYPED(bonds)(const TYPED(reducer) *r, uint32_t spin, TYPED(bond) *bonds)
{
    uint32_t count = 0;
    for (uint32_t end = r->l.first[spin]; end != NONE; end = end_next(&r->l, end)) {
        bonds[count].spin = end_to(&r->l, end);
        bonds[count++].weight = r->l.couplings[end >> 1].WEIGHT_OF;
    }
    if (r->fields[spin] != 0) {
        bonds[count].spin = r->spins;
        bonds[count].weight = r->fields[spin];
    }
}

/* Takes the side of two of three neighbours. */
static void TYPED(take_sides)(TYPED(reducer) *r, uint32_t spin)
{
    TYPED(bond) bonds[3];
    TYPED(bonds)(r, spin, bonds);
    const WEIGHT sum = TYPED(size)(bonds[0].weight) + TYPED(size)(bonds[1].weight) + TYPED(size)(bonds[2].weight);
    r->constant -= sum / 2;
    TYPED(take_out)(r, spin, TYPED(against)(bonds[0]), TYPED(against)(bonds[1]), TYPED(against)(bonds[2]));
    while (r->l.first[spin] != NONE) unlink_coupling(&r->l, r->l.first[spin] >> 1);
    for (int k = 0; k < 3; k++) {
        const TYPED(bond) a = bonds[k], b = bonds[(k + 1) % 3];
        const WEIGHT half = sum / 2 - TYPED(size)(bonds[(k + 2) % 3].weight);
        TYPED(couple)(r, a.spin, b.spin, (a.weight > 0) == (b.weight > 0) ? -half : half);
    }
    for (int k = 0; k < 3; k++) TYPED(changed)(r, bonds[k].spin);
}

/* Takes a spin out that follows another, or lets it wait for the other rule. */
static void TYPED(look)(TYPED(reducer) *r, uint32_t spin)
{
    TYPED(bond) leader = {r->spins, r->fields[spin]};
    WEIGHT sum = TYPED(size)(leader.weight);
    const uint32_t neighbours = r->l.degrees[spin] + (leader.weight != 0);
    leave(&r->l, spin);
    r->looked[spin] = r->l.degrees[spin];
    for (uint32_t end = r->l.first[spin]; end != NONE; end = end_next(&r->l, end)) {
        const WEIGHT weight = r->l.couplings[end >> 1].WEIGHT_OF;
        sum += TYPED(size)(weight);
        if (TYPED(size)(weight) > TYPED(size)(leader.weight)) {
            leader.spin = end_to(&r->l, end);
            leader.weight = weight;
        }
    }
    const WEIGHT rest = sum - TYPED(size)(leader.weight);
    if (rest <= TYPED(size)(leader.weight) || NOTHING(rest - TYPED(size)(leader.weight), rest)) {
        /* Couplings of many that move from spin to spin could cost more than all else; those that become fields are gone. */
        if (leader.spin == r->spins || r->l.degrees[spin] <= FEW) TYPED(follow)(r, spin, leader);
    } else if (neighbours == 3 && HALVES(sum)) {
        wait_at(&r->l, spin, SIDES(r));
    }
}

static void TYPED(reduce)(TYPED(reducer) *r)
{
    while (r->alive > 1) {
        const uint32_t spin = r->l.after[LOOK(r)], third = r->l.after[SIDES(r)];
        if (spin != LOOK(r)) TYPED(look)(r, spin);
        else if (third != SIDES(r)) TYPED(take_sides)(r, third);
        else break;
    }
}

/* Each row's neighbours come in the order of their own rows: sorted. */
static void TYPED(write)(TYPED(reducer) *r, cdt_anneal_rest *rest, WEIGHT *weights, WEIGHT *fields)
{
    uint32_t *const number = r->l.after; /* nothing waits any more */
    size_t spins = 0;
    rest->start[0] = 0;
    for (uint32_t i = 0; i < r->spins; i++) {
        if (r->looked[i] == GONE) continue;
        number[i] = (uint32_t)spins;
        rest->kept[spins] = i;
        fields[spins] = r->fields[i];
        rest->start[spins + 1] = rest->start[spins] + r->l.degrees[i];
        spins++;
    }
    int64_t *const at = rest->start;
    for (size_t k = 0; k < spins; k++)
        for (uint32_t end = r->l.first[rest->kept[k]]; end != NONE; end = end_next(&r->l, end)) {
            const int64_t to = at[number[end_to(&r->l, end)]]++;
            rest->neighbours[to] = (int32_t)k;
            weights[to] = r->l.couplings[end >> 1].WEIGHT_OF;
        }
    for (size_t k = spins; k > 0; k--) at[k] = at[k - 1]; /* each start has become the next one's */
    at[0] = 0;
    rest->spins = spins;
}

/* The whole problem's couplings; CDT_BAD_ARGUMENT if there are not as many as there should be. */
static int TYPED(fill)(TYPED(reducer) *r, const cdt_anneal_graph *graph, const WEIGHT *weights, const WEIGHT *fields, size_t pairs)
{
    for (uint32_t i = 0; i < r->spins; i++) {
        r->fields[i] = fields[i];
        r->looked[i] = ALL;
        for (int64_t at = graph->start[i]; at < graph->start[i + 1]; at++) {
            const uint32_t j = (uint32_t)graph->neighbours[at];
            if (j <= i) continue;
            if (pairs-- == 0) return CDT_BAD_ARGUMENT;
            link(&r->l, i, j)->WEIGHT_OF = weights[at];
        }
    }
    return pairs ? CDT_BAD_ARGUMENT : CDT_OK;
}

static int TYPED(reduce_all)(const cdt_anneal_graph *graph, const WEIGHT *weights, const WEIGHT *fields, cdt_anneal_rest *rest,
                             WEIGHT *rest_weights, WEIGHT *rest_fields, WEIGHT *constant)
{
    TYPED(reducer) r = {.spins = (uint32_t)graph->spins, .alive = graph->spins, .keep = graph->keep, .choice = rest->choices};
    const size_t pairs = (size_t)graph->start[graph->spins] / 2;
    int status = make_links(&r.l, graph->spins, pairs);
    r.looked = malloc(graph->spins * sizeof *r.looked);
    r.fields = malloc(graph->spins * sizeof *r.fields);
    if (!r.looked || !r.fields) status = CDT_NO_MEMORY;
    if (status == CDT_OK) status = TYPED(fill)(&r, graph, weights, fields, pairs);
    if (status == CDT_OK) {
        for (uint32_t i = 0; i < r.spins; i++) TYPED(changed)(&r, i);
        TYPED(reduce)(&r);
        TYPED(write)(&r, rest, rest_weights, rest_fields);
        rest->taken = (size_t)(r.choice - rest->choices);
        *constant = r.constant;
    }
    free(r.looked);
    free(r.fields);
    free_links(&r.l);
    return status;
}
