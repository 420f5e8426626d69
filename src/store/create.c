// SPDX-License-Identifier: Apache-2.0
/* A store is made beside its place, whole and empty, and renamed there: what a killed process leaves is no store, or a whole one. A store that is
 * replaced is exchanged for the new one, and removed afterwards. */
#include <string.h>

#include "backend/schema.h"
#include "base/alloc.h"
#include "store/stage.h"
#include "store/store.h"

typedef struct creation {
    sheaf_store *store;
    shf_stage stage;
    const shf_backend_ops *old_ops; /* of the store that is replaced; NULL: none */
    shf_log old_log;                /* keeps writers away from it, where the new store's own log does not */
    bool log_outside;               /* the log lies beside the store, not in it */
    bool log_was_there, old_log_was_there;
    bool published;
} creation;

static bool lies_inside(const char *sidecar, const char *path)
{
    size_t n = strlen(path);
    return !strncmp(sidecar, path, n) && sidecar[n] == '/';
}

static sheaf_status exists(const char *path, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_EXISTS, path, NULL, -1, -1, "%s exists already", path);
}

/* The back end of the store at path, which may be removed. */
static sheaf_status find_removable(const char *path, const shf_backend_ops **ops, sheaf_error *err)
{
    SHF_TRY(shf_backend_find(NULL, path, ops, err));
    if (!(*ops)->probe || (*ops)->probe(path)) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "%s is there, but it is no %s store: it is left alone", path,
                       (*ops)->name);
}

static sheaf_status refuse_living(const char *path, const char *sidecar, bool *crashed, sheaf_error *err)
{
    shf_log_header header;
    bool there, alive;
    SHF_TRY(shf_log_writer(sidecar, &header, &there, &alive, err));
    *crashed = there && !alive && header.generation != 0;
    if (!alive) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_BUSY, path, NULL, -1, -1, "%s is being written by process %lld on %s", path, (long long)header.pid,
                       header.host);
}

/* Arrays beside what others keep in the file: the log comes first, so that one writer is at work and the file is changed only by what the log
 * has already. */
static sheaf_status create_beside(sheaf_store *store, sheaf_error *err)
{
    const shf_backend_options options = {.sync = store->options.sync, .writable = true, .beside = true};
    bool was_there;
    SHF_TRY(shf_log_acquire(&store->log, store->ops->sidecar(store->path), store->options.sync, &was_there, err));
    /* A writer that died here may have got as far as its first checkpoint: then the arrays are there now, and create says so. */
    sheaf_status status = was_there && store->log.header.generation != 0 ? shf_store_finish_redo(store, err) : SHEAF_OK;
    if (status == SHEAF_OK) status = store->ops->create(store->path, &store->layout, &options, &store->state, err);
    if (status == SHEAF_OK)
        status = shf_log_restart(&store->log, store->ops->name, store->layout.n_arrays, store->layout.n_records, 0, err);
    if (status == SHEAF_OK) status = shf_store_begin_log(store, err);
    pthread_mutex_lock(&store->mutex);
    if (status == SHEAF_OK) status = shf_checkpoint_locked(store, false, err);
    if (status == SHEAF_OK && store->n_checkpoints == 0)
        status = shf_fail_at(err, SHEAF_ERR_BUSY, store->path, NULL, -1, -1, "%s is held by an outside reader", store->path);
    pthread_mutex_unlock(&store->mutex);
    if (status == SHEAF_OK) return shf_store_measure(store, err);
    (void)shf_log_close(&store->log, !was_there, NULL);
    return status;
}

/* A log beside the old store that a dead writer left is taken in first: else it would for a moment lie beside the new store. One that cannot
 * be goes, as does the store. */
static sheaf_status settle_old(creation *c, const char *sidecar, sheaf_error *err)
{
    sheaf_store_options options = sheaf_store_options_init();
    sheaf_store *old = NULL;
    bool crashed;
    sheaf_error local;
    const char *path = c->store->path;
    SHF_TRY(refuse_living(path, sidecar, &crashed, err));
    if (!crashed || lies_inside(sidecar, path)) return SHEAF_OK;
    options.format = c->old_ops->name;
    options.sync = c->store->options.sync;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    sheaf_status status = sheaf_store_open_append(path, &options, &old, &local);
    if (status == SHEAF_OK) status = sheaf_store_close(&old, &local);
    switch (status) {
    case SHEAF_ERR_IO:
    case SHEAF_ERR_NO_SPACE:
    case SHEAF_ERR_MEMORY:
    case SHEAF_ERR_BUSY:
        if (err) *err = local;
        return status;
    case SHEAF_OK: return SHEAF_OK;
    default: return shf_path_unlink(sidecar, err);
    }
}

/* Keeps writers away from the store that is there. */
static sheaf_status take_old(creation *c, sheaf_error *err)
{
    const char *path = c->store->path;
    SHF_TRY(find_removable(path, &c->old_ops, err));
    char *sidecar = c->old_ops->sidecar(path);
    if (!sidecar) return shf_fail_memory(err, strlen(path), "a path");
    sheaf_status status = settle_old(c, sidecar, err);
    bool same = c->log_outside && c->old_ops == c->store->ops;
    if (status != SHEAF_OK || same) {
        shf_free(sidecar);
        return status;
    }
    return shf_log_acquire(&c->old_log, sidecar, false, &c->old_log_was_there, err);
}

static sheaf_status begin_log(sheaf_store *store, sheaf_error *err)
{
    SHF_TRY(shf_log_restart(&store->log, store->ops->name, store->layout.n_arrays, store->layout.n_records, 0, err));
    return shf_store_begin_log(store, err);
}

/* The whole store in the stage; its names are those it will have. */
static sheaf_status make_staged(creation *c, sheaf_error *err)
{
    sheaf_store *store = c->store;
    const shf_backend_options options = {.sync = store->options.sync, .writable = true};
    if (c->log_outside)
        SHF_TRY(shf_log_acquire(&store->log, store->ops->sidecar(store->path), store->options.sync, &c->log_was_there, err));
    SHF_TRY(store->ops->create(c->stage.store, &store->layout, &options, &store->state, err));
    if (!c->log_outside) {
        SHF_TRY(shf_log_acquire(&store->log, store->ops->sidecar(c->stage.store), store->options.sync, &c->log_was_there, err));
        SHF_TRY(begin_log(store, err));
        SHF_TRY(shf_log_moved(&store->log, store->ops->sidecar(store->path), err));
    }
    SHF_TRY(shf_store_measure(store, err));
    SHF_TRY(store->ops->moved(store->state, store->path, err));
    return store->options.sync ? shf_path_sync_folder(c->stage.folder, err) : SHEAF_OK;
}

static sheaf_status publish(creation *c, sheaf_error *err)
{
    sheaf_store *store = c->store;
    SHF_TRY(c->old_ops ? shf_path_exchange(c->stage.store, store->path, err) : shf_path_rename_new(c->stage.store, store->path, err));
    c->published = true;
    if (store->options.sync) SHF_TRY(shf_path_sync_folder(c->stage.parent, err));
    return c->log_outside ? begin_log(store, err) : SHEAF_OK;
}

static void take_back(creation *c)
{
    sheaf_store *store = c->store;
    if (c->published) {
        if (c->old_ops) (void)shf_path_exchange(c->stage.store, store->path, NULL);
        else (void)shf_path_rename(store->path, c->stage.store, NULL);
    }
    if (store->state) (void)store->ops->close(store->state, NULL);
    store->state = NULL;
    (void)shf_log_close(&store->log, c->log_outside && !c->log_was_there, NULL);
}

static sheaf_status create_in(creation *c, sheaf_error *err)
{
    sheaf_store *store = c->store;
    shf_path_kind kind;
    SHF_TRY(shf_path_stat(store->path, &kind, NULL, err));
    if (kind != SHF_PATH_NONE && store->options.if_exists != SHEAF_IF_EXISTS_REPLACE) return exists(store->path, err);
    char *sidecar = store->ops->sidecar(store->path);
    if (!sidecar) return shf_fail_memory(err, strlen(store->path), "a path");
    c->log_outside = !lies_inside(sidecar, store->path);
    shf_free(sidecar);
    if (kind != SHF_PATH_NONE) SHF_TRY(take_old(c, err));
    SHF_TRY(make_staged(c, err));
    return publish(c, err);
}

static sheaf_status create_staged(sheaf_store *store, sheaf_error *err)
{
    creation c = {.store = store};
    shf_log_init(&c.old_log);
    sheaf_status status = shf_stage_open(&c.stage, store->path, err);
    if (status == SHEAF_ERR_BUSY)
        return shf_fail_at(err, SHEAF_ERR_EXISTS, store->path, NULL, -1, -1, "%s is just being made by another process", store->path);
    SHF_TRY(status);
    status = create_in(&c, err);
    if (status != SHEAF_OK) take_back(&c);
    shf_stage_close(&c.stage);
    bool remove = status == SHEAF_OK ? c.old_log.path && !lies_inside(c.old_log.path, store->path) : !c.old_log_was_there;
    (void)shf_log_close(&c.old_log, remove, NULL);
    return status;
}

static sheaf_status create_files(sheaf_store *store, sheaf_error *err)
{
    shf_path_kind kind = SHF_PATH_NONE;
    SHF_TRY(store->ops->plan(&store->layout, err));
    SHF_TRY(shf_layout_finish(&store->layout, err));
    SHF_TRY(shf_store_make_tables(store, err));
    SHF_TRY(shf_store_plan_memory(store, err));
    if (store->ops->flags & SHF_BACKEND_VOLATILE) {
        const shf_backend_options options = {.writable = true};
        SHF_TRY(store->ops->create(store->path, &store->layout, &options, &store->state, err));
        return shf_store_measure(store, err);
    }
    SHF_TRY(shf_path_stat(store->path, &kind, NULL, err));
    if (kind != SHF_PATH_NONE && store->options.beside) return create_beside(store, err);
    if (kind != SHF_PATH_NONE && store->options.if_exists != SHEAF_IF_EXISTS_REPLACE) return exists(store->path, err);
    return create_staged(store, err);
}

/* The fixed arrays are in the files now. */
static void drop_values(sheaf_store *store)
{
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        shf_free(store->layout.arrays[i].values);
        store->layout.arrays[i].values = NULL;
    }
}

sheaf_status sheaf_store_create(const char *path, const sheaf_schema *schema, const sheaf_store_options *options, sheaf_store **out,
                                sheaf_error *err)
{
    if (!path || !schema || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_create: NULL");
    *out = NULL;
    if (!schema->layout.n_arrays) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the schema of %s has no array", path);
    const shf_backend_ops *ops;
    sheaf_store *store = NULL;
    SHF_TRY(shf_backend_find(options ? options->format : NULL, path, &ops, err));
    SHF_TRY(shf_store_new(path, ops, options, &store, err));
    sheaf_status status = SHEAF_OK;
    if (store->options.beside && !(ops->flags & SHF_BACKEND_BESIDE))
        status = shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "%s stores hold nothing but what Sheaf wrote", ops->name);
    if (status == SHEAF_OK) status = shf_layout_copy(&schema->layout, &store->layout, err);
    if (status == SHEAF_OK) status = create_files(store, err);
    if (status == SHEAF_OK) {
        store->writable = true;
        drop_values(store);
        status = shf_ticker_start(store, err);
    }
    if (status == SHEAF_OK) *out = store;
    else shf_store_destroy(store);
    return status;
}

/* ---- removing ---- */

/* A folder is first moved out of sight, so that nobody meets half of a store. */
static sheaf_status remove_folder(const char *path, const shf_backend_ops *ops, sheaf_error *err)
{
    shf_stage stage;
    SHF_TRY(shf_stage_open(&stage, path, err));
    sheaf_status status = shf_path_rename(path, stage.store, err);
    if (status == SHEAF_OK) status = ops->remove(stage.store, err);
    shf_stage_close(&stage);
    return status;
}

static sheaf_status remove_at(const char *path, sheaf_error *err)
{
    const shf_backend_ops *ops;
    shf_path_kind kind;
    bool crashed;
    SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    if (kind == SHF_PATH_NONE) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "there is no store at %s", path);
    SHF_TRY(find_removable(path, &ops, err));
    char *sidecar = ops->sidecar(path);
    if (!sidecar) return shf_fail_memory(err, strlen(path), "a path");
    sheaf_status status = refuse_living(path, sidecar, &crashed, err);
    if (status == SHEAF_OK) status = kind == SHF_PATH_FOLDER ? remove_folder(path, ops, err) : ops->remove(path, err);
    if (status == SHEAF_OK && !lies_inside(sidecar, path)) status = shf_path_unlink(sidecar, err);
    shf_free(sidecar);
    return status;
}

sheaf_status sheaf_store_remove(const char *path, sheaf_error *err)
{
    if (!path) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_remove: NULL");
    char *trimmed = shf_strdup(path);
    if (!trimmed) return shf_fail_memory(err, strlen(path), "a path");
    for (size_t n = strlen(trimmed); n > 1 && trimmed[n - 1] == '/'; n--) trimmed[n - 1] = '\0';
    sheaf_status status = remove_at(trimmed, err);
    shf_free(trimmed);
    return status;
}
