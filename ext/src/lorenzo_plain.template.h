/* Vectors of one code, for rows that are shorter than others: once per width, U. */
static inline U VECTOR(load)(const U *p) { return *p; }
static inline void VECTOR(store)(U *p, U v) { *p = v; }
static inline U VECTOR(load_some)(const U *p, size_t n) { (void)n; return *p; }
static inline void VECTOR(store_some)(U *p, U v, size_t n) { (void)n; *p = v; }
static inline U VECTOR(add)(U v, U w) { return v + w; }
static inline U VECTOR(sub)(U v, U w) { return v - w; }
static inline U VECTOR(left)(U v, U last) { (void)v; return last; }
static inline U VECTOR(sums)(U v) { return v; }
static inline U VECTOR(last)(U v) { return v; }
