// SPDX-License-Identifier: Apache-2.0
#include "chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEIGHT = 16, WIDTH = 72, BINS = 24, BAR = 50 };

static int row_of(double value, double low, double high)
{
    if (!(value >= low)) return 0;
    double at = (value - low) / (high - low) * (HEIGHT - 1);
    return at > HEIGHT - 1 ? HEIGHT - 1 : (int)(at + .5);
}

/* Indices of the probabilities by size, at most 16 of them. */
static size_t order_probabilities(const double *p, size_t n, size_t *order)
{
    size_t m = n < 16 ? n : 16;
    for (size_t i = 0; i < m; i++) {
        size_t k = i;
        for (; k > 0 && p[order[k - 1]] > p[i]; k--) order[k] = order[k - 1];
        order[k] = i;
    }
    return m;
}

static const char *cell_of(int row, const double *q, const size_t *order, size_t m, double low, double high)
{
    size_t middle = m / 2;
    if (row == row_of(q[order[middle]], low, high)) return "━";
    for (size_t band = m / 2; band-- > 0;) { /* from the inner band outward */
        if (row >= row_of(q[order[band]], low, high) && row <= row_of(q[order[m - 1 - band]], low, high))
            return band == 0 && m > 3 ? "░" : "▒";
    }
    return " ";
}

void chart_fan(const char *name, const double *times, const sheaf_description *d, const double *quantiles, size_t n, size_t n_probabilities,
               const double *probabilities)
{
    size_t order[16], m = order_probabilities(probabilities, n_probabilities, order);
    double low = (double)INFINITY, high = -(double)INFINITY;
    if (n == 0 || m < 2) return;
    for (size_t t = 0; t < n; t++) {
        const double *q = quantiles + t * n_probabilities;
        if (d[t].count == 0) continue;
        if (isfinite(q[order[0]])) low = fmin(low, q[order[0]]);
        if (isfinite(q[order[m - 1]])) high = fmax(high, q[order[m - 1]]);
    }
    if (!(high > low)) return;
    size_t columns = n < WIDTH ? n * (WIDTH / n) : WIDTH;
    printf("%s: quantiles %g to %g, median ━\n", name, probabilities[order[0]], probabilities[order[m - 1]]);
    for (int row = HEIGHT - 1; row >= 0; row--) {
        if (row % 5 == 0) printf("%12.5g │", low + (high - low) * row / (HEIGHT - 1));
        else printf("%12s │", "");
        for (size_t c = 0; c < columns; c++) {
            size_t t = c * n / columns;
            fputs(d[t].count ? cell_of(row, quantiles + t * n_probabilities, order, m, low, high) : " ", stdout);
        }
        putchar('\n');
    }
    char left[32], right[32];
    snprintf(left, sizeof left, "%g", times[0]);
    snprintf(right, sizeof right, "%g", times[n - 1]);
    printf("%12s └", "");
    for (size_t c = 0; c < columns; c++) fputs("─", stdout);
    printf("\n%14s%s%*s\n\n", "", left, (int)(columns - strlen(left)), right);
}

/* Counts values of one array in bins, by blocks of rows. */
typedef struct histogram {
    double low, high;
    uint64_t counts[BINS], below, above;
} histogram;

static bool count_values(sheaf_store *store, const sheaf_array_info *info, histogram *h)
{
    enum { BLOCK = 4096 };
    double values[BLOCK];
    for (uint64_t row = 0; row < info->shape[0]; row += BLOCK) {
        uint64_t n = info->shape[0] - row < BLOCK ? info->shape[0] - row : BLOCK;
        sheaf_selection rows = sheaf_select_range(row, row + n, 1);
        if (sheaf_store_read(store, info->name, &rows, values, (size_t)n * sizeof *values, NULL) != SHEAF_OK) return false;
        for (uint64_t i = 0; i < n; i++) {
            double at = (values[i] - h->low) / (h->high - h->low) * BINS;
            if (values[i] < h->low) h->below++;
            else if (values[i] > h->high) h->above++;
            else if (at >= 0) h->counts[at >= BINS ? BINS - 1 : (int)at]++;
        }
    }
    return true;
}

static void draw_histogram(const char *name, const histogram *h)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    uint64_t most = 1;
    for (int i = 0; i < BINS; i++)
        if (h->counts[i] > most) most = h->counts[i];
    printf("%s: %llu below, %llu above\n", name, (unsigned long long)h->below, (unsigned long long)h->above);
    for (int i = 0; i < BINS; i++) {
        uint64_t length = h->counts[i] * BAR * 8 / most;
        printf("%12.5g │", h->low + (h->high - h->low) * i / BINS);
        for (uint64_t k = 0; k < length / 8; k++) fputs("█", stdout);
        printf("%s %llu\n", eighths[length % 8], (unsigned long long)h->counts[i]);
    }
    putchar('\n');
}

void chart_first(sheaf_store *store, const char *name)
{
    sheaf_array_info info;
    bool found = false;
    if (!name && sheaf_store_array(store, "final_assets", &info, NULL) == SHEAF_OK) name = "final_assets";
    for (size_t i = 0; i < sheaf_store_n_arrays(store) && !found; i++) {
        if (sheaf_store_array_at(store, i, &info, NULL) != SHEAF_OK) return;
        found = info.ndim == 1 && info.grows && info.dtype == SHEAF_F64 &&
                (name ? strcmp(info.name, name) == 0 : strcmp(info.name, info.dimensions[0]) != 0);
    }
    if (!found) return;
    /* The outer hundredths would make the bins too wide. */
    static const double ends[] = {0, .95};
    sheaf_describe_spec spec = sheaf_describe_spec_init(info.name);
    sheaf_description d;
    double q[2];
    spec.probabilities = ends;
    spec.n_probabilities = 2;
    if (sheaf_describe(store, &spec, &d, q, NULL) != SHEAF_OK || !(q[1] > q[0]) || !isfinite(q[0]) || !isfinite(q[1])) return;
    histogram h = {.low = q[0], .high = q[1]};
    if (count_values(store, &info, &h)) draw_histogram(info.name, &h);
}
