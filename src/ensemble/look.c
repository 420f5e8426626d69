// SPDX-License-Identifier: Apache-2.0
/* One trajectory's values, and the statistics of the store. */
#include <string.h>

#include "base/checked.h"
#include "ensemble/ensemble.h"

static sheaf_status read_row(sheaf_ensemble *run, const char *array, uint64_t row, void *out, size_t size, sheaf_error *err)
{
    sheaf_selection selections[SHEAF_MAX_NDIM];
    for (int i = 0; i < SHEAF_MAX_NDIM; i++) selections[i] = sheaf_select_all();
    selections[0] = sheaf_select_range(row, row + 1, 1);
    return sheaf_store_read(run->store, array, selections, out, size, err);
}

sheaf_status sheaf_ensemble_read(sheaf_ensemble *run, int64_t id, const char *array, void *out, size_t out_size_bytes, sheaf_error *err)
{
    uint64_t row;
    sheaf_array_info info;
    SHF_TRY(sheaf_ensemble_find(run, id, &row, err));
    if (!array || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no array or no place for its values is given");
    SHF_TRY(sheaf_store_array(run->store, array, &info, err));
    if (!info.grows || strcmp(info.dimensions[0], "trajectory") != 0)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, run->path, array, -1, -1, "array \"%s\" has no row for each trajectory", array);
    return read_row(run, array, row, out, out_size_bytes, err);
}

sheaf_status sheaf_ensemble_read_insurance_summary(sheaf_ensemble *run, int64_t id, sheaf_insurance_summary *summary, sheaf_error *err)
{
    uint64_t row;
    SHF_TRY(sheaf_ensemble_find(run, id, &row, err));
    if (!summary) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the summary is given");
    if (run->spec.summaries != SHEAF_SUMMARIES_INSURANCE)
        return shf_fail_at(err, SHEAF_ERR_STATE, run->path, NULL, -1, -1, "%s has no insurance summaries", run->path);
    sheaf_insurance_summary s = {.sim_id = id};
    double *const f64[SHF_N_INSURANCE] = {
        [SHF_INSURANCE_FINAL_ASSETS] = &s.final_assets,         [SHF_INSURANCE_TOTAL_LOSSES] = &s.total_losses,
        [SHF_INSURANCE_TOTAL_RECOVERIES] = &s.total_recoveries, [SHF_INSURANCE_MEAN_ANNUAL_LOSS] = &s.mean_annual_loss,
        [SHF_INSURANCE_MAX_ANNUAL_LOSS] = &s.max_annual_loss,   [SHF_INSURANCE_MIN_ANNUAL_LOSS] = &s.min_annual_loss,
        [SHF_INSURANCE_GROWTH_RATE] = &s.growth_rate,           [SHF_INSURANCE_VOLATILITY] = &s.volatility,
    };
    for (int i = 0; i < SHF_N_INSURANCE; i++)
        if (f64[i]) SHF_TRY(read_row(run, shf_insurance_names[i], row, f64[i], sizeof *f64[i], err));
    uint8_t ruined;
    int32_t year;
    SHF_TRY(read_row(run, "ruin_occurred", row, &ruined, sizeof ruined, err));
    SHF_TRY(read_row(run, "ruin_year", row, &year, sizeof year, err));
    s.ruin_occurred = ruined != 0;
    s.has_ruin_year = year != SHF_RUIN_YEAR_ABSENT;
    s.ruin_year = s.has_ruin_year ? year : 0;
    *summary = s;
    return SHEAF_OK;
}

sheaf_status sheaf_ensemble_sampled_steps(sheaf_ensemble *run, int64_t id, int64_t *steps, size_t capacity, size_t *n_samples,
                                          sheaf_error *err)
{
    int32_t length;
    if (!n_samples || (capacity && !steps)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the steps is given");
    SHF_TRY(sheaf_ensemble_read(run, id, "length", &length, sizeof length, err));
    if (length < 0)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, run->path, "length", -1, -1, "trajectory %lld has the length %d", (long long)id, length);
    *n_samples = (size_t)shf_ceil_div((uint64_t)length, run->spec.interval);
    for (size_t i = 0; i < *n_samples && i < capacity; i++) steps[i] = (int64_t)i * run->spec.interval;
    return SHEAF_OK;
}

static sheaf_status add_store_statistics(sheaf_ensemble *run, sheaf_ensemble_statistics *s, sheaf_error *err)
{
    sheaf_store_statistics store = {.size_bytes = sizeof store};
    SHF_TRY(sheaf_store_get_statistics(run->store, &store, err));
    s->used_bytes = store.allocated_bytes + store.reserved_bytes;
    s->limit_bytes = run->writer && run->options.disk_bytes ? run->options.disk_bytes : store.disk_limit_bytes;
    SHF_TRY(sheaf_ensemble_count(run, &s->n_stored, err));
    const char *record = run->writer ? run->plan.record : sheaf_store_record_name(run->store, 0);
    if (record) SHF_TRY(sheaf_store_length(run->store, record, &s->n_committed, err));
    sheaf_array_info info;
    s->has_series = run->spec.kind == SHEAF_BY_STEP;
    for (size_t i = 0; i < sheaf_store_n_arrays(run->store); i++) {
        SHF_TRY(sheaf_store_array_at(run->store, i, &info, err));
        if (info.grows) s->codec = info.codec;
        if (run->spec.kind == SHEAF_BY_TRAJECTORY && !info.grows && strcmp(info.name, "time") == 0) {
            s->has_series = true;
            s->n_samples = (uint32_t)info.shape[0];
        }
    }
    return SHEAF_OK;
}

sheaf_status sheaf_ensemble_get_statistics(sheaf_ensemble *run, sheaf_ensemble_statistics *statistics, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    if (!statistics || statistics->size_bytes != sizeof *statistics)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "no statistics are given, or their size_bytes is not %zu", sizeof *statistics);
    sheaf_ensemble_statistics s = {.size_bytes = sizeof s};
    s.kind = run->spec.kind;
    s.n_steps = run->spec.n_steps;
    s.interval = run->spec.interval;
    s.keep_last = run->spec.keep_last;
    s.summaries = run->spec.summaries;
    s.format = sheaf_store_format(run->store);
    s.path = run->path;
    pthread_mutex_lock(&run->lock);
    s.n_summaries_only = run->n_summaries_only;
    s.n_duplicates = run->n_duplicates;
    s.n_refused = run->n_refused;
    s.id_bytes = shf_known_ids_bytes(&run->ids);
    pthread_mutex_unlock(&run->lock);
    pthread_mutex_lock(&run->index_lock);
    s.id_bytes += shf_id_index_bytes(&run->index);
    pthread_mutex_unlock(&run->index_lock);
    SHF_TRY(add_store_statistics(run, &s, err));
    *statistics = s;
    return SHEAF_OK;
}
