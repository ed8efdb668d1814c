/* Sums of products of rows of features, in 8 parts that are joined in one order: the same on every machine. */
static void NAME(fit_add)(cdt_fit *fit, const T *rows, size_t n)
{
    const unsigned all = fit->features + 1;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        T any = 0;
        for (unsigned f = 0; f < all; f++) any += rows[f * n + i] * 0;
        used += any == 0;
    }
    if (used != n) return; /* not finite somewhere */
    fit->samples += (double)n;
    for (unsigned f = 0; f < all; f++)
        for (unsigned g = f; g < all; g++) {
            const T *a = rows + f * n, *b = rows + g * n;
            double part[8] = {0};
            size_t i = 0;
            for (; i + 8 <= n; i += 8)
                for (int j = 0; j < 8; j++) part[j] += (double)a[i + j] * (double)b[i + j];
            for (int j = 0; i < n; i++, j++) part[j] += (double)a[i] * (double)b[i];
            const double sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
            fit->products[f][g] += sum;
            if (f != g) fit->products[g][f] += sum;
        }
}

/* Whether x - y is exact in T: what the difference rounds away is 0 (two-sum, Knuth). */
static int NAME(is_exact)(T x, T y)
{
    const T d = x - y, back = d + y, lost = (x - back) + ((back - d) - y);
    return lost == 0;
}
