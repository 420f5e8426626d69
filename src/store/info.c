// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format/json_text.h"
#include "store/store.h"

const char *sheaf_store_format(const sheaf_store *store)
{
    return store ? store->ops->name : "";
}

const char *sheaf_store_path(const sheaf_store *store)
{
    return store ? store->path : "";
}

size_t sheaf_store_n_arrays(const sheaf_store *store)
{
    return store ? store->layout.n_arrays : 0;
}

size_t sheaf_store_n_records(const sheaf_store *store)
{
    return store ? store->layout.n_records : 0;
}

const char *sheaf_store_record_name(const sheaf_store *store, size_t position)
{
    return store && position < store->layout.n_records ? store->layout.records[position].name : NULL;
}

static sheaf_status find_array(const sheaf_store *store, const char *name, size_t *i, sheaf_error *err)
{
    *i = 0;
    if (!store || !name) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the store or the array's name is NULL");
    int found = shf_layout_find(&store->layout, name);
    if (found < 0) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, store->path, name, -1, -1, "%s has no array %.80s", store->path, name);
    *i = (size_t)found;
    return SHEAF_OK;
}

sheaf_status sheaf_store_array_at(sheaf_store *store, size_t position, sheaf_array_info *info, sheaf_error *err)
{
    if (!store || !info) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_array_at: NULL");
    if (position >= store->layout.n_arrays)
        return shf_fail(err, SHEAF_ERR_RANGE, "array %zu of %s, which has %zu", position, store->path, store->layout.n_arrays);
    const shf_array *array = &store->layout.arrays[position];
    memset(info, 0, sizeof *info);
    info->name = array->name;
    info->dtype = array->dtype;
    info->ndim = array->ndim;
    info->codec = array->codec;
    info->grows = array->record >= 0;
    for (int axis = 0; axis < array->ndim; axis++) {
        info->dimensions[axis] = array->dimensions[axis];
        info->shape[axis] = array->shape[axis];
        info->chunk[axis] = array->chunk[axis];
    }
    pthread_mutex_lock(&store->mutex);
    info->shape[0] = shf_store_rows(store, array);
    pthread_mutex_unlock(&store->mutex);
    return SHEAF_OK;
}

sheaf_status sheaf_store_array(sheaf_store *store, const char *name, sheaf_array_info *info, sheaf_error *err)
{
    size_t i;
    SHF_TRY(find_array(store, name, &i, err));
    return sheaf_store_array_at(store, i, info, err);
}

static sheaf_status get_length(sheaf_store *store, const char *dimension, bool appended, uint64_t *length, sheaf_error *err)
{
    if (!store || !dimension || !length) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the store, the dimension's name or the length is NULL");
    int record = shf_layout_find_record(&store->layout, dimension);
    if (record < 0)
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, store->path, NULL, -1, -1, "%s has no record dimension %.80s", store->path, dimension);
    pthread_mutex_lock(&store->mutex);
    *length = appended && store->writable ? store->appended[record] : store->layout.records[record].length;
    pthread_mutex_unlock(&store->mutex);
    return SHEAF_OK;
}

sheaf_status sheaf_store_length(sheaf_store *store, const char *dimension, uint64_t *length, sheaf_error *err)
{
    return get_length(store, dimension, false, length, err);
}

sheaf_status sheaf_store_appended(sheaf_store *store, const char *dimension, uint64_t *length, sheaf_error *err)
{
    return get_length(store, dimension, true, length, err);
}

/* Slot 0: the store; i + 1: array i. */
static sheaf_status find_attributes(sheaf_store *store, const char *array, size_t *slot, sheaf_error *err)
{
    *slot = 0;
    if (!store) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the store is NULL");
    if (!array) return SHEAF_OK;
    SHF_TRY(find_array(store, array, slot, err));
    ++*slot;
    return SHEAF_OK;
}

sheaf_status sheaf_store_attributes(sheaf_store *store, const char *array, char **json, sheaf_error *err)
{
    size_t slot;
    if (!json) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_attributes: json is NULL");
    *json = NULL;
    SHF_TRY(find_attributes(store, array, &slot, err));
    pthread_mutex_lock(&store->mutex);
    char *text = json_dumps(slot ? store->layout.arrays[slot - 1].attributes : store->layout.attributes, JSON_COMPACT);
    pthread_mutex_unlock(&store->mutex);
    if (!text) return shf_fail_memory(err, 64, "attributes");
    shf_buf shortened = {0};
    sheaf_status status = shf_json_shorten(&shortened, text, err);
    if (status == SHEAF_OK) status = shf_buf_append(&shortened, "", 1, err);
    free(text);
    if (status == SHEAF_OK) *json = (char *)shortened.data;
    else shf_buf_free(&shortened);
    return status;
}

void sheaf_string_free(char *text)
{
    free(text);
}

/* Null members remove, others replace. */
static int merge(json_t *into, json_t *from)
{
    const char *key;
    json_t *value;
    json_object_foreach(from, key, value)
    {
        if (json_is_null(value)) (void)json_object_del(into, key);
        else if (json_object_set(into, key, value)) return -1;
    }
    return 0;
}

sheaf_status sheaf_store_set_attributes(sheaf_store *store, const char *array, const char *json, sheaf_error *err)
{
    size_t slot;
    json_error_t where;
    SHF_TRY(find_attributes(store, array, &slot, err));
    if (!json) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_set_attributes: json is NULL");
    if (!store->writable) return shf_fail_at(err, SHEAF_ERR_STATE, store->path, NULL, -1, -1, "%s is open for reading only", store->path);
    json_t *members = json_loads(json, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(members)) {
        json_decref(members);
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "the attributes are no JSON object (%s)", where.text);
    }
    pthread_mutex_lock(&store->mutex);
    while (store->putting || store->checkpointing) pthread_cond_wait(&store->changed, &store->mutex);
    int rc = merge(slot ? store->layout.arrays[slot - 1].attributes : store->layout.attributes, members);
    store->attributes_changed[slot] = true;
    store->any_attributes_changed = true;
    pthread_mutex_unlock(&store->mutex);
    json_decref(members);
    return rc ? shf_fail_memory(err, 64, "attributes") : SHEAF_OK;
}

static sheaf_status writer_state(sheaf_store *store, sheaf_store_statistics *statistics, sheaf_error *err)
{
    shf_log_header header = store->log.header;
    bool there = store->writable, alive = true;
    if (store->ops->flags & SHF_BACKEND_VOLATILE) there = false;
    else if (!store->writable) {
        char *sidecar = store->ops->sidecar(store->path);
        if (!sidecar) return shf_fail_memory(err, 64, "a path");
        sheaf_status status = shf_log_writer(sidecar, &header, &there, &alive, err);
        shf_free(sidecar);
        SHF_TRY(status);
    }
    statistics->writer = !there ? SHEAF_WRITER_NONE : alive ? SHEAF_WRITER_ACTIVE : SHEAF_WRITER_CRASHED;
    if (!there) return SHEAF_OK;
    statistics->writer_pid = header.pid;
    statistics->writer_since = header.since;
    memcpy(statistics->writer_host, header.host, sizeof statistics->writer_host);
    return SHEAF_OK;
}

/* Readers look at the disk. */
static sheaf_status reader_usage(sheaf_store *store, uint64_t *allocated, sheaf_error *err)
{
    SHF_TRY(shf_path_allocated(store->path, allocated, err));
    uint64_t beside = 0;
    char *sidecar = store->ops->sidecar(store->path);
    if (!sidecar) return shf_fail_memory(err, 64, "a path");
    size_t n = strlen(store->path);
    bool inside = !strncmp(sidecar, store->path, n) && sidecar[n] == '/';
    if (!inside && shf_path_allocated(sidecar, &beside, NULL) == SHEAF_OK) *allocated += beside;
    shf_free(sidecar);
    return SHEAF_OK;
}

static sheaf_status fill_statistics(sheaf_store *store, sheaf_store_statistics *s, sheaf_error *err)
{
    s->disk_limit_bytes = store->options.disk_bytes;
    s->memory_limit_bytes = store->options.memory_bytes;
    s->memory_bytes = atomic_load(&store->memory_bytes) + store->cache.bytes;
    s->n_commits = store->n_commits;
    s->n_checkpoints = store->n_checkpoints;
    s->n_chunks_written = store->n_chunks_written;
    s->n_chunks_decoded = atomic_load(&store->n_chunks_decoded);
    SHF_TRY(writer_state(store, s, err));
    if (!store->writable) return reader_usage(store, &s->allocated_bytes, err);
    uint64_t used;
    SHF_TRY(shf_budget_used(store, &used, err));
    s->allocated_bytes = used - store->reserved_bytes;
    s->reserved_bytes = store->reserved_bytes;
    s->written_bytes = store->backend_written + store->log.written;
    return SHEAF_OK;
}

sheaf_status sheaf_store_get_statistics(sheaf_store *store, sheaf_store_statistics *statistics, sheaf_error *err)
{
    if (!store || !statistics || statistics->size_bytes != sizeof *statistics)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_get_statistics: NULL, or size_bytes is not that of this version");
    memset(statistics, 0, sizeof *statistics);
    statistics->size_bytes = sizeof *statistics;
    pthread_mutex_lock(&store->mutex);
    sheaf_status status = fill_statistics(store, statistics, err);
    pthread_mutex_unlock(&store->mutex);
    return status;
}

sheaf_status sheaf_store_array_bytes(sheaf_store *store, const char *array, uint64_t *stored_bytes, sheaf_error *err)
{
    size_t i;
    if (!stored_bytes) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_array_bytes: stored_bytes is NULL");
    SHF_TRY(find_array(store, array, &i, err));
    pthread_mutex_lock(&store->mutex);
    while (store->putting) pthread_cond_wait(&store->changed, &store->mutex);
    sheaf_status status = store->ops->array_bytes(store->state, i, stored_bytes, err);
    pthread_mutex_unlock(&store->mutex);
    return status;
}
