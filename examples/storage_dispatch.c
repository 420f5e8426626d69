// SPDX-License-Identifier: Apache-2.0
/* A battery beside wind parks, week by week over a year, for every wind scenario: run in every mode, by every executor, with every way
 * of loading the data. All give the same results, bit for bit; the last column shows it.
 *
 *     storage_dispatch [FOLDER NAME]
 *
 * FOLDER/NAME.parquet (or .txt, .tsv, .csv) has hourly wind power, one column per scenario. Without arguments a small year is made up.
 *
 * The rule of dispatch: wind above the demand charges the battery, wind below it discharges it, as far as its power and capacity allow.
 * Each week begins and ends half full: what is missing at the end is bought, what is over is sold. That makes weeks independent (parallel
 * mode), and carrying the level over (sequential mode) comes to the same. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sheaf/executor.h>
#include <sheaf/plan.h>
#include <sheaf/series.h>

#define HOURS_PER_WEEK 168

typedef struct battery {
    double capacity_mwh, power_mw, efficiency;
} battery;

typedef struct level {
    bool known; /* false before the first week */
    double mwh;
} level;

/* What a week gives. */
typedef struct week {
    double unserved_mwh, spilled_mwh, charged_mwh, discharged_mwh, bought_mwh;
} week;

static void dispatch_hour(const battery *b, double surplus_mw, level *state, week *result)
{
    if (surplus_mw >= 0) {
        double charge = surplus_mw < b->power_mw ? surplus_mw : b->power_mw, room = (b->capacity_mwh - state->mwh) / b->efficiency;
        if (charge > room) charge = room;
        state->mwh += charge * b->efficiency;
        result->charged_mwh += charge;
        result->spilled_mwh += surplus_mw - charge;
    } else {
        double need = -surplus_mw, discharge = need < b->power_mw ? need : b->power_mw;
        if (discharge > state->mwh) discharge = state->mwh;
        state->mwh -= discharge;
        result->discharged_mwh += discharge;
        result->unserved_mwh += need - discharge;
    }
}

static sheaf_status run_week(void *context, const sheaf_database *data, const sheaf_block *block, void *carry, sheaf_output *result,
                             sheaf_error *err)
{
    const battery *b = context;
    level *state = carry;
    int64_t hours[HOURS_PER_WEEK];
    double wind[HOURS_PER_WEEK], demand[HOURS_PER_WEEK];
    size_t n = (size_t)block->n_steps;
    for (size_t i = 0; i < n; i++) hours[i] = block->first_step + (int64_t)i;
    sheaf_status status = sheaf_database_get(data, "park", "wind", hours, n, &block->scenario, 1, wind, err);
    if (status == SHEAF_OK) status = sheaf_database_get(data, "city", "demand", hours, n, NULL, 0, demand, err);
    if (status != SHEAF_OK) return status;
    week w = {0};
    if (!state->known) *state = (level){true, b->capacity_mwh / 2};
    for (size_t i = 0; i < n; i++) dispatch_hour(b, wind[i] - demand[i], state, &w);
    w.bought_mwh = b->capacity_mwh / 2 - state->mwh;
    state->mwh = b->capacity_mwh / 2;
    return sheaf_output_append(result, &w, sizeof w, err);
}

static void die(const char *what, const sheaf_error *err)
{
    fprintf(stderr, "storage_dispatch: %s: %s\n", what, err->message);
    exit(1);
}

/* ---- the data ---- */

/* A year of hours × 20 scenarios of made-up wind, 0 to 1,000 MW, as whitespace-separated text. */
static void make_wind(const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    uint64_t random = 42;
    double wind[20] = {0};
    for (int hour = 0; hour < 8760; hour++)
        for (int s = 0; s < 20; s++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            double step = (double)(random >> 40) / 16777216.0 - 0.5;
            wind[s] = 0.97 * wind[s] + step;
            double power = 450 + 250 * wind[s];
            fprintf(f, "%.1f%c", power < 0 ? 0 : power > 1000 ? 1000 : power, s < 19 ? '\t' : '\n');
        }
    if (fclose(f) != 0) perror(path);
}

/* The demand is the mean of the wind, so that there is always something to do. */
static double mean_of(sheaf_series *series, int64_t n_times, int64_t n_scenarios)
{
    sheaf_error err;
    int64_t *times = malloc((size_t)n_times * sizeof *times);
    double *values = malloc((size_t)n_times * sizeof *values), sum = 0;
    if (!times || !values) exit(1);
    for (int64_t i = 0; i < n_times; i++) times[i] = i;
    for (int64_t s = 0; s < n_scenarios; s++) {
        if (sheaf_series_get(series, times, (size_t)n_times, &s, 1, values, &err) != SHEAF_OK) die("wind", &err);
        for (int64_t i = 0; i < n_times; i++) sum += values[i];
    }
    free(times);
    free(values);
    return sum / (double)(n_times * n_scenarios);
}

static sheaf_database *make_database(const char *folder, const char *name, int64_t *n_times, int64_t *n_scenarios)
{
    sheaf_error err;
    sheaf_database *data = NULL;
    sheaf_series *wind = NULL, *demand = NULL;
    if (sheaf_series_open(folder, name, SHEAF_SERIES_TIME_SCENARIO, &wind, &err) != SHEAF_OK) die(name, &err);
    if (sheaf_series_shape(wind, n_times, n_scenarios, &err) != SHEAF_OK) die(name, &err);
    /* A parameter says what it may vary with. */
    if (sheaf_series_check(wind, true, true, &err) != SHEAF_OK) die(name, &err);
    if (sheaf_series_constant(mean_of(wind, *n_times, *n_scenarios), &demand, &err) != SHEAF_OK) die("demand", &err);
    if (sheaf_database_create(NULL, &data, &err) != SHEAF_OK) die("database", &err);
    if (sheaf_database_put(data, "park", "wind", wind, NULL, &err) != SHEAF_OK) die("wind", &err);
    if (sheaf_database_put(data, "city", "demand", demand, NULL, &err) != SHEAF_OK) die("demand", &err);
    sheaf_series_free(&wind); /* the database holds them */
    sheaf_series_free(&demand);
    return data;
}

/* ---- the runs ---- */

typedef struct totals {
    uint64_t checksum;
    double unserved_mwh;
} totals;

/* FNV-1a over the results of all blocks, in the order of scenarios and weeks. */
static totals sum_up(const sheaf_outcomes *outcomes, size_t n_scenarios, int64_t n_blocks)
{
    totals t = {0xcbf29ce484222325u, 0};
    for (size_t s = 0; s < n_scenarios; s++)
        for (int64_t b = 0; b < n_blocks; b++) {
            const void *bytes;
            size_t size;
            week w;
            sheaf_error err = {.message = "a week of another size"};
            if (sheaf_outcomes_get(outcomes, s, b, &bytes, &size, &err) != SHEAF_OK || size != sizeof w) die("outcome", &err);
            for (size_t i = 0; i < size; i++) t.checksum = (t.checksum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
            memcpy(&w, bytes, sizeof w);
            t.unserved_mwh += w.unserved_mwh;
        }
    return t;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static totals run_and_print(const sheaf_plan *plan, const sheaf_database *data, sheaf_executor *executor)
{
    static const char *const strategies[] = {"none", "upfront", "per worker"};
    sheaf_outcomes *outcomes = NULL;
    sheaf_error err;
    double begun = seconds();
    if (sheaf_plan_run(plan, data, executor, &outcomes, &err) != SHEAF_OK) die("run", &err);
    double took = seconds() - begun;
    totals t = sum_up(outcomes, plan->n_scenarios, sheaf_plan_n_blocks(plan));
    char batch[16] = "-";
    if (plan->mode == SHEAF_PLAN_PARALLEL) snprintf(batch, sizeof batch, "%" PRId64, plan->blocks_per_batch);
    printf("%-10s  %5s  %-9s  %7u  %-10s  %7.3f  %016" PRIx64 "\n", plan->mode == SHEAF_PLAN_SEQUENTIAL ? "sequential" : "parallel", batch,
           sheaf_executor_name(executor), sheaf_executor_n_workers(executor), strategies[plan->materialization], took, t.checksum);
    sheaf_outcomes_free(&outcomes);
    return t;
}

/* Every strategy, sequentially and in batches of 1, 3 and 7 weeks; counts the runs whose results differ from the first one's. */
static int run_all(sheaf_plan *plan, const sheaf_database *data, sheaf_executor *executor, totals *first)
{
    static const int64_t batches[] = {0, 1, 3, 7};
    int different = 0;
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++)
        for (int strategy = SHEAF_MATERIALIZE_NONE; strategy <= SHEAF_MATERIALIZE_PER_WORKER; strategy++) {
            plan->mode = batches[k] ? SHEAF_PLAN_PARALLEL : SHEAF_PLAN_SEQUENTIAL;
            plan->blocks_per_batch = batches[k] ? batches[k] : 1;
            plan->materialization = (sheaf_materialization)strategy;
            totals t = run_and_print(plan, data, executor);
            if (first->checksum == 0) *first = t;
            different += t.checksum != first->checksum;
        }
    return different;
}

int main(int argc, char **argv)
{
    battery b = {.capacity_mwh = 20000, .power_mw = 2000, .efficiency = 0.9};
    sheaf_model model = {.size_bytes = sizeof model, .context = &b, .carry_size_bytes = sizeof(level), .block = run_week};
    sheaf_work work = sheaf_model_work(&model);
    sheaf_executor *executors[4] = {NULL};
    sheaf_error err;
    /* Worker processes first: they are forked from this one while it has no other threads. */
    if (sheaf_executor_processes(2, &work, &executors[3], &err) != SHEAF_OK) die("processes", &err);
    if (sheaf_executor_calling(&work, &executors[0], &err) != SHEAF_OK) die("calling thread", &err);
    if (sheaf_executor_threads(2, &work, &executors[1], &err) != SHEAF_OK) die("threads", &err);
    if (sheaf_executor_threads(8, &work, &executors[2], &err) != SHEAF_OK) die("threads", &err);

    char made[] = "/tmp/storage_dispatch-XXXXXX", path[64];
    const char *folder = argc == 3 ? argv[1] : mkdtemp(made), *name = argc == 3 ? argv[2] : "wind";
    if (!folder || (argc != 1 && argc != 3)) {
        fprintf(stderr, "usage: storage_dispatch [FOLDER NAME]\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/wind.txt", made);
    if (argc == 1) make_wind(path);
    int64_t n_times, n_scenarios;
    sheaf_database *data = make_database(folder, name, &n_times, &n_scenarios);
    int64_t *scenarios = malloc((size_t)n_scenarios * sizeof *scenarios);
    if (!scenarios) return 1;
    for (int64_t i = 0; i < n_scenarios; i++) scenarios[i] = i;
    sheaf_plan plan = sheaf_plan_init(n_times, HOURS_PER_WEEK, scenarios, (size_t)n_scenarios);

    printf("%" PRId64 " scenarios x %" PRId64 " hours in %" PRId64 " weeks\n", n_scenarios, n_times, sheaf_plan_n_blocks(&plan));
    printf("mode        batch  executor   workers  loading     seconds  checksum\n");
    totals first = {0, 0};
    int different = 0;
    for (size_t i = 0; i < 4; i++) different += run_all(&plan, data, executors[i], &first);
    printf("unserved: %.1f MWh a scenario\n%s\n", first.unserved_mwh / (double)n_scenarios,
           different ? "RESULTS DIFFER" : "all results are identical");

    for (size_t i = 0; i < 4; i++) sheaf_executor_free(&executors[i]);
    sheaf_database_free(&data);
    free(scenarios);
    if (argc == 1) {
        unlink(path);
        rmdir(folder);
    }
    return different ? 1 : 0;
}
