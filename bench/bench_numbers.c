// SPDX-License-Identifier: Apache-2.0
/* Numbers to text and back, delimited text, and statistics, against the C library and plain loops over the same data. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "format/delimited.h"
#include "format/number.h"
#include "measure.h"
#include "stats/columns.h"
#include "stats/insurance.h"
#include "stats/moments.h"
#include "stats/selector.h"

enum { ROUNDS = 7, COUNT = 200000, YEARS = 1000, SCENARIOS = 100, HOURS = 8760 };

static double *values;
static float *narrow;
static char *text;
static volatile double sink;

static void against(const char *work, double value, const char *unit, const char *who, double other, const char *goal, int met)
{
    printf("{\"work\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"", work, value, unit);
    if (who) printf(", \"against\": {\"%s\": %.6g}", who, other);
    if (goal) printf(", \"goal\": \"%s\", \"met\": %s", goal, met ? "true" : "false");
    printf("}\n");
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state >> 11;
}

static size_t print_ours_f32(void)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT; i++) {
        n += shf_print_f32(text + n, narrow[i]);
        text[n++] = '\n';
    }
    return n;
}

static size_t print_ours_f64(void)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT; i++) {
        n += shf_print_f64(text + n, values[i]);
        text[n++] = '\n';
    }
    return n;
}

static size_t print_libc_f32(void)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT; i++) n += (size_t)sprintf(text + n, "%.9g\n", (double)narrow[i]);
    return n;
}

static size_t print_libc_f64(void)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT; i++) n += (size_t)sprintf(text + n, "%.17g\n", values[i]);
    return n;
}

static size_t parse_ours(void)
{
    double v = 0, sum = 0;
    const char *p = text, *end = text + strlen(text);
    for (size_t i = 0; i < COUNT; i++) {
        p = shf_parse_f64(p, end, &v) + 1;
        sum += v;
    }
    sink = sum;
    return (size_t)(p - text);
}

static size_t parse_libc(void)
{
    double sum = 0;
    char *p = text;
    for (size_t i = 0; i < COUNT; i++) sum += strtod(p, &p);
    sink = sum;
    return (size_t)(p - text);
}

static double million_a_second(size_t (*work)(void))
{
    double begun = measure_now_s();
    (void)work();
    return COUNT / 1e6 / (measure_now_s() - begun);
}

static void compare(const char *what, size_t (*ours)(void), size_t (*other)(void), const char *who)
{
    double a[ROUNDS], b[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        b[r] = million_a_second(other);
        text[other()] = '\0';
        a[r] = million_a_second(ours);
    }
    against(what, measure_median(a, ROUNDS), "M values/s", who, measure_median(b, ROUNDS), NULL, 0);
}

static sheaf_status take_row(void *context, const double *row, size_t columns, sheaf_error *err)
{
    (void)context;
    (void)err;
    sink = row[columns - 1];
    return SHEAF_OK;
}

/* Hourly scenarios as whole numbers, tab-separated. */
static int delimited(void)
{
    size_t n = 0;
    uint64_t seed = 2;
    double rate[ROUNDS];
    for (size_t i = 0; i < (size_t)SCENARIOS * HOURS; i++) {
        n += shf_print_u64(text + n, next_random(&seed) % 9000);
        text[n++] = i % SCENARIOS == SCENARIOS - 1 ? '\n' : '\t';
    }
    for (int r = 0; r < ROUNDS; r++) {
        shf_delimited *p;
        double begun = measure_now_s();
        if (shf_delimited_open(NULL, take_row, NULL, &p, NULL) || shf_delimited_push(p, text, n, NULL) || shf_delimited_finish(p, NULL))
            return 1;
        rate[r] = (double)n / 1e6 / (measure_now_s() - begun);
        shf_delimited_free(p);
    }
    double median = measure_median(rate, ROUNDS);
    against("delimited text to f64, 8,760 x 100 whole numbers", median, "MB/s", NULL, 0, "≥ 500", median >= 500);
    return 0;
}

static void summaries(size_t years, double *seconds, double *copy)
{
    size_t n = COUNT / (3 * years);
    shf_insurance_summary s;
    double took[ROUNDS], copied[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        double begun = measure_now_s();
        for (size_t i = 0; i < n; i++) {
            const double *x = values + 3 * years * i;
            shf_insurance_summarize(SHEAF_F64, x, x + years, x + 2 * years, years, 1, 2, &s);
            sink = s.volatility;
        }
        took[r] = (measure_now_s() - begun) / (double)n;
        begun = measure_now_s();
        memcpy(text, values, n * 3 * years * sizeof *values);
        copied[r] = (measure_now_s() - begun) / (double)n;
    }
    *seconds = measure_median(took, ROUNDS);
    *copy = measure_median(copied, ROUNDS);
}

static void statistics(void)
{
    double seconds, copy, gigabytes = 24e-9 * YEARS;
    summaries(50, &seconds, &copy);
    against("insurance summary, 50 years", seconds * 1e6, "us a trajectory", "memcpy", copy * 1e6, "≤ 1", seconds <= 1e-6);
    summaries(YEARS, &seconds, &copy);
    against("insurance summary, 1,000 years", gigabytes / seconds, "GB/s", "memcpy", gigabytes / copy, "≥ 2.5", gigabytes / seconds >= 2.5);
    double rate[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        shf_columns c;
        if (shf_columns_open(YEARS, true, &c, NULL)) return;
        double begun = measure_now_s();
        shf_columns_add(&c, SHEAF_F64, values, COUNT / YEARS, YEARS);
        rate[r] = COUNT * 8e-9 / (measure_now_s() - begun);
        shf_columns_free(&c);
    }
    measure_row("statistics by step, 1,000 columns", measure_median(rate, ROUNDS), "GB/s");
}

/* Quantiles of more data than the memory allowed. */
static int selection(void)
{
    static const double p[] = {.01, .05, .5, .95, .99};
    double rate[ROUNDS], out[5];
    const int repeats = 10;
    for (int r = 0; r < ROUNDS; r++) {
        shf_selector *s;
        bool again = true;
        double begun = measure_now_s();
        if (shf_selector_open(p, 5, 0, false, &s, NULL)) return 1;
        while (again) {
            for (int k = 0; k < repeats; k++) {
                if (shf_selector_add(s, SHEAF_F64, values, COUNT, NULL)) return 1;
            }
            if (shf_selector_again(s, &again, NULL)) return 1;
        }
        if (shf_selector_result(s, out, NULL)) return 1;
        shf_selector_free(s);
        rate[r] = repeats * COUNT / 1e6 / (measure_now_s() - begun);
    }
    measure_row("5 exact quantiles of 16 MB in 2 MiB, all passes", measure_median(rate, ROUNDS), "M values/s");
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv; /* all of it is in memory, and quick */
    if (argc != 3) return 2;
    uint64_t seed = 1;
    values = malloc(COUNT * sizeof *values);
    narrow = malloc(COUNT * sizeof *narrow);
    text = malloc((size_t)COUNT * 2 * SHF_NUMBER_ROOM);
    if (!values || !narrow || !text) return 1;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = exp(10 + (double)next_random(&seed) * 0x1p-53 * 4);
        narrow[i] = (float)values[i];
    }
    compare("print f32, shortest", print_ours_f32, print_libc_f32, "sprintf %.9g");
    compare("print f64, shortest", print_ours_f64, print_libc_f64, "sprintf %.17g");
    compare("parse f64 of 17 digits", parse_ours, parse_libc, "strtod");
    int failed = delimited();
    statistics();
    failed |= selection();
    free(values);
    free(narrow);
    free(text);
    return failed;
}
