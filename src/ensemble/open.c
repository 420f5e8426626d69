// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "ensemble/ensemble.h"

sheaf_status shf_ensemble_ready(const sheaf_ensemble *run, sheaf_error *err)
{
    if (!run) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no ensemble is given");
    if (!run->store) return shf_fail(err, SHEAF_ERR_STATE, "%s could not be cleared, and takes and gives nothing", run->path);
    return SHEAF_OK;
}

static char *copy_or_null(const char *text, bool *bad)
{
    char *copy = text ? shf_strdup(text) : NULL;
    *bad |= text && !copy;
    return copy;
}

static sheaf_status allocate(const char *path, const sheaf_ensemble_spec *spec, const sheaf_store_options *options, sheaf_ensemble **out,
                             sheaf_error *err)
{
    if (!path || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no path or no place for the ensemble is given");
    *out = NULL;
    sheaf_ensemble *run = shf_calloc(1, sizeof *run);
    if (!run) return shf_fail_memory(err, sizeof *run, "an ensemble");
    bool bad = false;
    run->options = options ? *options : sheaf_store_options_init();
    run->path = copy_or_null(path, &bad);
    run->format = copy_or_null(run->options.format, &bad);
    run->options.format = run->format;
    run->last_iteration = UINT64_MAX;
    pthread_rwlock_init(&run->limit_lock, NULL);
    pthread_mutex_init(&run->lock, NULL);
    pthread_mutex_init(&run->index_lock, NULL);
    if (spec) {
        run->writer = true;
        run->spec = *spec;
        run->attributes = copy_or_null(spec->attributes_json, &bad);
        run->spec.attributes_json = run->attributes;
        /* Ids get a quarter of the memory, the store below what is left. */
        run->id_limit_bytes = run->options.memory_bytes / 4;
        run->options.memory_bytes -= run->id_limit_bytes;
    }
    *out = run;
    return bad ? shf_fail_memory(err, 0, "an ensemble") : SHEAF_OK;
}

void sheaf_ensemble_free(sheaf_ensemble **run)
{
    if (!run || !*run) return;
    sheaf_ensemble *r = *run;
    *run = NULL;
    sheaf_store_free(&r->store);
    shf_plan_free(&r->plan);
    shf_known_ids_free(&r->ids);
    shf_id_index_free(&r->index);
    pthread_rwlock_destroy(&r->limit_lock);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->index_lock);
    shf_free(r->last_values);
    shf_free(r->path);
    shf_free(r->format);
    shf_free(r->attributes);
    shf_free(r);
}

/* The store's limit until only summaries are stored: what their room is held back from. */
static uint64_t first_limit(const sheaf_ensemble *run)
{
    uint64_t limit = run->options.disk_bytes, held = limit / 4, least;
    if (limit == 0 || run->spec.at_limit != SHEAF_AT_LIMIT_SUMMARIES || run->summaries_only) return limit;
    if (run->spec.n_expected) {
        if (__builtin_mul_overflow(run->spec.n_expected, run->plan.summary_bytes, &least)) least = limit;
        /* Chunks that are not full are for a while there twice, and in the log; but series get a quarter, where the summaries leave it. */
        uint64_t rest = (uint64_t)run->plan.n_columns << 18;
        if (__builtin_mul_overflow(least, 2, &held) || __builtin_add_overflow(held, rest, &held)) held = limit;
        held = shf_min_u64(held, shf_max_u64(least, limit - limit / 4));
    }
    return held < limit ? limit - held : 1;
}

static sheaf_status create_store(sheaf_ensemble *run, sheaf_error *err)
{
    sheaf_schema *schema;
    SHF_TRY(shf_plan_schema(&run->plan, &run->spec, &schema, err));
    sheaf_store_options options = run->options;
    options.disk_bytes = first_limit(run);
    sheaf_status status = sheaf_store_create(run->path, schema, &options, &run->store, err);
    sheaf_schema_free(&schema);
    return status;
}

sheaf_status sheaf_ensemble_create(const char *path, const sheaf_ensemble_spec *spec, const sheaf_store_options *options,
                                   sheaf_ensemble **out, sheaf_error *err)
{
    sheaf_ensemble *run = NULL;
    if (!out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_ensemble_create: out is NULL");
    *out = NULL;
    SHF_TRY(shf_spec_check(spec, err));
    sheaf_status status = allocate(path, spec, options, &run, err);
    if (status == SHEAF_OK) status = shf_plan_make(&run->spec, &run->plan, err);
    if (status == SHEAF_OK) status = create_store(run, err);
    if (status == SHEAF_OK) *out = run;
    else sheaf_ensemble_free(&run);
    return status;
}

static sheaf_status add_stored_ids(void *context, const int64_t *ids, size_t n, sheaf_error *err)
{
    sheaf_ensemble *run = context;
    for (size_t i = 0; i < n; i++) {
        bool added;
        SHF_TRY(shf_known_ids_add(&run->ids, ids[i], &added, err));
        if (!added)
            return shf_fail_at(err, SHEAF_ERR_DAMAGED, run->path, "trajectory", -1, -1, "trajectory %lld is stored twice",
                               (long long)ids[i]);
    }
    return SHEAF_OK;
}

static sheaf_status resume_steps(sheaf_ensemble *run, sheaf_error *err)
{
    uint64_t n;
    SHF_TRY(sheaf_store_length(run->store, run->plan.record, &n, err));
    run->next_stored = n * run->spec.interval;
    if (run->last_iteration != UINT64_MAX)
        return shf_fail(err, SHEAF_ERR_STATE, "%s is complete: its last step, %llu, is stored beside the stride of %u", run->path,
                        (unsigned long long)run->last_iteration, run->spec.interval);
    return SHEAF_OK;
}

static sheaf_status take_up(sheaf_ensemble *run, sheaf_error *err)
{
    sheaf_store_options options = run->options;
    SHF_TRY(sheaf_store_open_append(run->path, &options, &run->store, err));
    SHF_TRY(shf_plan_compare(&run->plan, &run->spec, run->store, err));
    SHF_TRY(shf_ensemble_read_attributes(run, err));
    SHF_TRY(sheaf_store_set_disk_limit(run->store, first_limit(run), err));
    if (run->spec.kind == SHEAF_BY_STEP) return resume_steps(run, err);
    return shf_ensemble_each_id(run, 0, add_stored_ids, run, err);
}

sheaf_status sheaf_ensemble_resume(const char *path, const sheaf_ensemble_spec *spec, const sheaf_store_options *options,
                                   sheaf_ensemble **out, sheaf_error *err)
{
    sheaf_ensemble *run = NULL;
    if (!out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_ensemble_resume: out is NULL");
    *out = NULL;
    SHF_TRY(shf_spec_check(spec, err));
    sheaf_status status = allocate(path, spec, options, &run, err);
    if (status == SHEAF_OK) status = shf_plan_make(&run->spec, &run->plan, err);
    if (status == SHEAF_OK) status = take_up(run, err);
    if (status == SHEAF_OK) *out = run;
    else sheaf_ensemble_free(&run);
    return status;
}

sheaf_status sheaf_ensemble_open(const char *path, const sheaf_store_options *options, sheaf_ensemble **out, sheaf_error *err)
{
    sheaf_ensemble *run = NULL;
    if (!out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_ensemble_open: out is NULL");
    *out = NULL;
    sheaf_status status = allocate(path, NULL, options, &run, err);
    if (status == SHEAF_OK) status = sheaf_store_open(path, &run->options, &run->store, err);
    if (status == SHEAF_OK) status = shf_ensemble_read_attributes(run, err);
    if (status == SHEAF_OK) *out = run;
    else sheaf_ensemble_free(&run);
    return status;
}

sheaf_status sheaf_ensemble_commit(sheaf_ensemble *run, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    return sheaf_store_commit(run->store, err);
}

static sheaf_status finish(sheaf_ensemble **run, bool whole, sheaf_error *err)
{
    if (!run || !*run) return SHEAF_OK;
    sheaf_ensemble *r = *run;
    sheaf_status status = whole && r->writer && r->store ? shf_ensemble_flush_last(r, err) : SHEAF_OK;
    /* Whatever became of the last step, what was put before is kept. */
    sheaf_status closed = sheaf_store_close(&r->store, status == SHEAF_OK ? err : NULL);
    sheaf_ensemble_free(run);
    return status != SHEAF_OK ? status : closed;
}

sheaf_status sheaf_ensemble_close(sheaf_ensemble **run, sheaf_error *err)
{
    return finish(run, true, err);
}

sheaf_status sheaf_ensemble_suspend(sheaf_ensemble **run, sheaf_error *err)
{
    return finish(run, false, err);
}

sheaf_status sheaf_ensemble_clear(sheaf_ensemble *run, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    if (!run->writer) return shf_fail(err, SHEAF_ERR_STATE, "%s is open for reading", run->path);
    sheaf_store_free(&run->store);
    shf_known_ids_free(&run->ids);
    shf_id_index_free(&run->index);
    run->summaries_only = run->last_pending = false;
    run->n_summaries_only = run->n_duplicates = run->n_refused = run->next_stored = 0;
    run->last_iteration = UINT64_MAX;
    run->options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    return create_store(run, err);
}

sheaf_store *sheaf_ensemble_store(sheaf_ensemble *run)
{
    return run ? run->store : NULL;
}
