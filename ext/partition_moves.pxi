cdef extern from "cdt_partition_moves.h" nogil:
    ctypedef struct cdt_partition_moves:
        size_t rows, classes, stride, sets
        const float *cells
        const uint64_t *masks
        const uint64_t *missing
        const double *shares
        uint32_t *class_ "class"
        uint32_t *sizes
        uint32_t *heads
        uint32_t *next
        uint32_t *previous
        float *lows
        float *highs
        uint64_t *unions
        double *losses
        const uint32_t *orders
        const uint32_t *ranks
        size_t order_count, window, least
        const cdt_sensitive *sensitive
        size_t sensitive_count
        uint64_t random
    void cdt_partition_moves_begin(cdt_partition_moves *)
    ptrdiff_t cdt_partition_moves_run(cdt_partition_moves *, size_t, double, cdt_partition_work, float *, uint64_t *) except -1
    double cdt_partition_moves_loss(const cdt_partition_moves *)


cdef class Moves:
    """Annealing of ``classes`` (n,), which are changed in place; each of ``count`` must have at least ``least`` rows.

    ``cells`` (n, a multiple of 8) float32, ``masks`` (n, sets) one bit each with the bit of missing values ``missing`` (sets) and
    ``values`` (sets), how many others there are; ``orders`` (m, n) permutations of the rows.
    """

    cdef cdt_partition_moves moves
    cdef cdt_sensitive demands[16]
    cdef Work work
    cdef object kept, scratch

    def __init__(self, uint32_t[::1] classes not None, size_t count, size_t least, lines, const uint32_t[:, ::1] orders not None, tuple rest not None):
        cdef const float[:, ::1] cells = lines[0]
        cdef const uint64_t[:, ::1] masks = lines[1]
        cdef const uint64_t[::1] missing = lines[2]
        cdef const double[::1] shares = 1 / np.maximum(np.asarray(lines[3], np.float64), 1)
        cdef Py_ssize_t n = classes.shape[0], i, most = 1
        cdef Sensitive one
        sensitive, seed, window = rest
        if not n or cells.shape[0] != n or masks.shape[0] != n or orders.shape[1] != n or not orders.shape[0] or cells.shape[1] % WIDTH:
            raise ValueError("cells, masks and orders must have a row for each class number, cells a multiple of 8 columns")
        if missing.shape[0] != masks.shape[1] or shares.shape[0] != masks.shape[1] or len(sensitive) > MOST_SENSITIVE:
            raise ValueError("each set needs its bit of missing values and its number of values")
        if not cells.shape[1] or not 0 < window < max(n, 2) or not 0 < seed < 2**64 or not np.isfinite(lines[0]).all():
            raise ValueError("cells must be finite, the window shorter than the rows, and the seed positive")
        sizes = np.bincount(classes, minlength=count)
        if not least or len(sizes) != <Py_ssize_t> count or sizes.min() < least:
            raise ValueError("each class must have its rows, at least one")
        if not (np.sort(np.asarray(orders), 1) == np.arange(n)).all():
            raise ValueError("orders must be permutations")
        for i in range(len(sensitive)):
            one = sensitive[i]
            if one.rows != n:
                raise ValueError("there must be a sensitive code for each row")
            self.demands[i], most = one.column, max(most, one.column.size)
        self.work = Work(n, most)
        self.moves.rows, self.moves.classes, self.moves.stride, self.moves.sets = n, count, cells.shape[1], masks.shape[1]
        self.moves.least, self.moves.window, self.moves.random = least, window, seed
        self.moves.sensitive, self.moves.sensitive_count = self.demands, len(sensitive)
        self.moves.cells, self.moves.class_ = &cells[0, 0], &classes[0]
        if masks.shape[1]:
            self.moves.masks, self.moves.missing, self.moves.shares = &masks[0, 0], &missing[0], &shares[0]
        self.kept = (classes, cells, masks, missing, shares, tuple(sensitive))
        self._make_room(orders)
        cdt_partition_moves_begin(&self.moves)

    cdef int _make_room(self, const uint32_t[:, ::1] orders) except -1:
        n, count, stride, sets = self.moves.rows, self.moves.classes, self.moves.stride, self.moves.sets
        ranks = np.empty((orders.shape[0], n), np.uint32)
        for order, rank in zip(np.asarray(orders), ranks):
            rank[order] = np.arange(n, dtype=np.uint32)
        lists, links = np.empty((2, count), np.uint32), np.empty((2, n), np.uint32)
        bounds, unions, losses = np.empty((2, count, stride), np.float32), np.zeros((count, sets + 1), np.uint64), np.empty(count)
        self.scratch = np.empty((4, stride), np.float32), np.zeros(2 * sets + 1, np.uint64)
        self.moves.orders, self.moves.ranks, self.moves.order_count = &orders[0, 0], <uint32_t *> _address(ranks), orders.shape[0]
        self.moves.heads, self.moves.sizes = <uint32_t *> _address(lists[0]), <uint32_t *> _address(lists[1])
        self.moves.next, self.moves.previous = <uint32_t *> _address(links[0]), <uint32_t *> _address(links[1])
        self.moves.lows, self.moves.highs = <float *> _address(bounds[0]), <float *> _address(bounds[1])
        self.moves.unions, self.moves.losses = <uint64_t *> _address(unions), <double *> _address(losses)
        self.kept = (*self.kept, orders, ranks, lists, links, bounds, unions, losses)
        return 0

    @property
    def loss(self) -> float:
        """Rows times what their class covers, summed."""
        return cdt_partition_moves_loss(&self.moves)

    def run(self, size_t proposals, double temperature) -> int:
        """Proposals at one temperature; returns how many were taken."""
        cdef Py_ssize_t taken
        cdef float *lines = <float *> _address(self.scratch[0])
        cdef uint64_t *masks = <uint64_t *> _address(self.scratch[1])
        if not temperature >= 0:
            raise ValueError("a temperature is not negative")
        self.work.must_go_on()
        with nogil:
            taken = cdt_partition_moves_run(&self.moves, proposals, temperature, self.work.arrays, lines, masks)
        return taken
