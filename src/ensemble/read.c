// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/checked.h"
#include "ensemble/ensemble.h"

static uint64_t member(const json_t *attributes, const char *name, uint64_t otherwise)
{
    const json_t *value = json_object_get(attributes, name);
    if (!json_is_number(value)) return otherwise;
    double x = json_number_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? (uint64_t)json_integer_value(value)
           : x >= 0 && x < 0x1p53                                   ? (uint64_t)x
                                                                    : otherwise;
}

static void read_counters(sheaf_ensemble *run, const json_t *j)
{
    uint64_t n = 0, from = member(j, "sheaf_summaries_only_from_row", UINT64_MAX);
    run->last_iteration = member(j, "sheaf_last_iteration", UINT64_MAX);
    if (from == UINT64_MAX || sheaf_store_length(run->store, "trajectory", &n, NULL) != SHEAF_OK) return;
    run->summaries_only = true;
    run->n_summaries_only = n > from ? n - from : 0;
}

static void read_spec(sheaf_ensemble_spec *spec, const json_t *j)
{
    const char *summaries = json_string_value(json_object_get(j, "sheaf_summaries"));
    spec->n_steps = (uint32_t)shf_min_u64(member(j, "sheaf_n_steps", 0), UINT32_MAX);
    spec->interval = (uint32_t)shf_min_u64(shf_max_u64(member(j, "sheaf_interval", 1), 1), UINT32_MAX);
    spec->keep_last = member(j, "sheaf_keep_last", 0) != 0;
    if (summaries && strcmp(summaries, "insurance") == 0) spec->summaries = SHEAF_SUMMARIES_INSURANCE;
    else if (summaries && strcmp(summaries, "general") == 0) spec->summaries = SHEAF_SUMMARIES_GENERAL;
}

sheaf_status shf_ensemble_read_attributes(sheaf_ensemble *run, sheaf_error *err)
{
    char *text;
    SHF_TRY(sheaf_store_attributes(run->store, NULL, &text, err));
    json_t *j = json_loads(text, 0, NULL);
    sheaf_string_free(text);
    if (!j) return shf_fail_at(err, SHEAF_ERR_DAMAGED, run->path, NULL, -1, -1, "the attributes are no JSON");
    sheaf_status status = SHEAF_OK;
    const char *kind = json_string_value(json_object_get(j, "sheaf_kind"));
    bool by_trajectory = kind && strcmp(kind, "trajectories") == 0, by_step = kind && strcmp(kind, "steps") == 0;
    if (!by_trajectory && !by_step) {
        status = shf_fail_at(err, SHEAF_ERR_MISMATCH, run->path, NULL, -1, -1,
                             "%s is a store, but no ensemble: it has no attribute sheaf_kind", run->path);
    } else {
        if (!run->writer) {
            run->spec.kind = by_trajectory ? SHEAF_BY_TRAJECTORY : SHEAF_BY_STEP;
            read_spec(&run->spec, j);
        }
        read_counters(run, j);
    }
    json_decref(j);
    return status;
}

static const char *record_name(const sheaf_ensemble *run)
{
    if (run->writer) return run->plan.record;
    if (run->spec.kind == SHEAF_BY_TRAJECTORY) return "trajectory";
    const char *name = sheaf_store_record_name(run->store, 0);
    return name ? name : "time";
}

static sheaf_status need_trajectories(const sheaf_ensemble *run, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    if (run->spec.kind == SHEAF_BY_TRAJECTORY) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_STATE, "%s is stored by step, and has no records of trajectories", run->path);
}

sheaf_status shf_ensemble_each_id(sheaf_ensemble *run, uint64_t first,
                                  sheaf_status (*take)(void *context, const int64_t *ids, size_t n, sheaf_error *err), void *context,
                                  sheaf_error *err)
{
    enum { BLOCK = 2048 };
    int64_t ids[BLOCK];
    uint64_t n;
    SHF_TRY(sheaf_store_length(run->store, "trajectory", &n, err));
    for (uint64_t row = first; row < n; row += BLOCK) {
        size_t count = (size_t)shf_min_u64(BLOCK, n - row);
        sheaf_selection rows = sheaf_select_range(row, row + count, 1);
        SHF_TRY(sheaf_store_read(run->store, "trajectory", &rows, ids, count * sizeof *ids, err));
        SHF_TRY(take(context, ids, count, err));
    }
    return SHEAF_OK;
}

static sheaf_status add_to_index(void *context, const int64_t *ids, size_t n, sheaf_error *err)
{
    return shf_id_index_add(context, ids, n, err);
}

sheaf_status shf_ensemble_index(sheaf_ensemble *run, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_each_id(run, run->index.n_rows, add_to_index, &run->index, err));
    return shf_id_index_finish(&run->index, err);
}

sheaf_status sheaf_ensemble_count(sheaf_ensemble *run, uint64_t *count, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    if (!count) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the count is given");
    return run->writer ? sheaf_store_appended(run->store, record_name(run), count, err)
                       : sheaf_store_length(run->store, record_name(run), count, err);
}

/* Row of a committed id, *there = false when there is none. */
static sheaf_status look_up(sheaf_ensemble *run, int64_t id, uint64_t *row, bool *there, sheaf_error *err)
{
    pthread_mutex_lock(&run->index_lock);
    sheaf_status status = shf_ensemble_index(run, err);
    *there = status == SHEAF_OK && shf_id_index_find(&run->index, id, row);
    pthread_mutex_unlock(&run->index_lock);
    return status;
}

sheaf_status sheaf_ensemble_contains(sheaf_ensemble *run, int64_t id, bool *there, sheaf_error *err)
{
    SHF_TRY(need_trajectories(run, err));
    if (!there) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the answer is given");
    uint64_t row;
    if (!run->writer) return look_up(run, id, &row, there, err);
    pthread_mutex_lock(&run->lock);
    *there = shf_known_ids_has(&run->ids, id);
    pthread_mutex_unlock(&run->lock);
    return SHEAF_OK;
}

sheaf_status sheaf_ensemble_ids(sheaf_ensemble *run, uint64_t first, size_t n, int64_t *ids, sheaf_error *err)
{
    SHF_TRY(need_trajectories(run, err));
    uint64_t length, end;
    SHF_TRY(sheaf_store_length(run->store, "trajectory", &length, err));
    if (!shf_add_u64(first, n, &end) || end > length)
        return shf_fail(err, SHEAF_ERR_RANGE, "rows %llu and %zu more are asked for, of %llu trajectories", (unsigned long long)first, n,
                        (unsigned long long)length);
    if (n == 0) return SHEAF_OK;
    if (!ids) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the ids is given");
    sheaf_selection rows = sheaf_select_range(first, end, 1);
    return sheaf_store_read(run->store, "trajectory", &rows, ids, n * sizeof *ids, err);
}

sheaf_status sheaf_ensemble_find(sheaf_ensemble *run, int64_t id, uint64_t *row, sheaf_error *err)
{
    SHF_TRY(need_trajectories(run, err));
    bool there;
    uint64_t found = 0;
    SHF_TRY(look_up(run, id, &found, &there, err));
    if (!there)
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, run->path, NULL, -1, -1, "there is no committed trajectory %lld", (long long)id);
    if (row) *row = found;
    return SHEAF_OK;
}

sheaf_status sheaf_ensemble_rows_by_id(sheaf_ensemble *run, uint64_t first, size_t n, uint64_t *rows, sheaf_error *err)
{
    SHF_TRY(need_trajectories(run, err));
    if (n && !rows) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the rows is given");
    pthread_mutex_lock(&run->index_lock);
    sheaf_status status = shf_ensemble_index(run, err);
    uint64_t end, length = run->index.n_rows;
    if (status == SHEAF_OK && (!shf_add_u64(first, n, &end) || end > length))
        status = shf_fail(err, SHEAF_ERR_RANGE, "positions %llu and %zu more are asked for, of %llu trajectories",
                          (unsigned long long)first, n, (unsigned long long)length);
    if (status == SHEAF_OK) shf_id_index_rows(&run->index, first, n, rows);
    pthread_mutex_unlock(&run->index_lock);
    return status;
}

static sheaf_status add_to_set(void *context, const int64_t *ids, size_t n, sheaf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        bool added;
        SHF_TRY(shf_known_ids_add(context, ids[i], &added, err));
    }
    return SHEAF_OK;
}

sheaf_status sheaf_ensemble_missing(sheaf_ensemble *run, int64_t first, int64_t last, sheaf_id_range *ranges, size_t capacity,
                                    size_t *n_ranges, sheaf_error *err)
{
    SHF_TRY(need_trajectories(run, err));
    if (!n_ranges || (capacity && !ranges)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the ranges is given");
    if (run->writer) {
        pthread_mutex_lock(&run->lock);
        sheaf_status status = shf_known_ids_missing(&run->ids, first, last, ranges, capacity, n_ranges, err);
        pthread_mutex_unlock(&run->lock);
        return status;
    }
    shf_known_ids set = {0};
    sheaf_status status = shf_ensemble_each_id(run, 0, add_to_set, &set, err);
    if (status == SHEAF_OK) status = shf_known_ids_missing(&set, first, last, ranges, capacity, n_ranges, err);
    shf_known_ids_free(&set);
    return status;
}

sheaf_status sheaf_ensemble_refresh(sheaf_ensemble *run, bool *changed, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    SHF_TRY(sheaf_store_refresh(run->store, changed, err));
    return shf_ensemble_read_attributes(run, err);
}
