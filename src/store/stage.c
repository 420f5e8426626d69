// SPDX-License-Identifier: Apache-2.0
#include "store/stage.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

#define LOCK_NAME "lock"
/* Who was just killed holds the lock until its exit is over. */
#define TRIES 16
#define PAUSE_NS 30000000

static sheaf_status make_paths(shf_stage *stage, const char *path, sheaf_error *err)
{
    const char *name = shf_path_base(path);
    size_t n = strlen(name) + sizeof "..sheaf-new";
    char *hidden = shf_malloc(n);
    stage->parent = shf_path_parent(path);
    if (hidden) snprintf(hidden, n, ".%s.sheaf-new", name);
    if (hidden && stage->parent) {
        /* "./NAME" is NAME to every message */
        stage->folder = strchr(path, '/') ? shf_path_join(stage->parent, hidden) : shf_strdup(hidden);
        if (stage->folder) stage->store = shf_path_join(stage->folder, name);
    }
    shf_free(hidden);
    return stage->store ? SHEAF_OK : shf_fail_memory(err, n, "a path");
}

static void free_paths(shf_stage *stage)
{
    shf_free(stage->folder);
    shf_free(stage->store);
    shf_free(stage->parent);
    memset(stage, 0, sizeof *stage);
    stage->lock = (shf_file)SHF_FILE_CLOSED;
}

/* *again: the one who had it was just removing it. */
static sheaf_status take_lock(shf_stage *stage, const char *lock, bool *got, bool *again, sheaf_error *err)
{
    bool same = true;
    sheaf_error local;
    *got = *again = false;
    sheaf_status status = shf_path_mkdir(stage->folder, &local);
    if (status != SHEAF_OK && status != SHEAF_ERR_EXISTS) {
        if (err) *err = local;
        return status;
    }
    SHF_TRY(shf_path_no_link(lock, (size_t)(shf_path_base(stage->folder) - stage->folder), err));
    status = shf_file_open(&stage->lock, lock, SHF_OPEN_CREATE, &local);
    if (status == SHEAF_ERR_NOT_FOUND) {
        *again = true;
        return SHEAF_OK;
    }
    if (status != SHEAF_OK && err) *err = local;
    SHF_TRY(status);
    SHF_TRY(shf_file_own(&stage->lock, got, err));
    if (*got) SHF_TRY(shf_file_is_at(&stage->lock, lock, &same, err));
    *again = !same;
    return SHEAF_OK;
}

static sheaf_status acquire(shf_stage *stage, const char *path, const char *lock, sheaf_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        bool got, again;
        sheaf_status status = take_lock(stage, lock, &got, &again, err);
        if (status == SHEAF_OK && got && !again) return SHEAF_OK;
        (void)shf_file_close(&stage->lock, NULL);
        SHF_TRY(status);
        if (!again) nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return shf_fail_at(err, SHEAF_ERR_BUSY, path, NULL, -1, -1, "%s is just being made by another process", path);
}

static sheaf_status clear_entry(void *context, const char *name, sheaf_error *err)
{
    if (!strcmp(name, LOCK_NAME)) return SHEAF_OK;
    char *path = shf_path_join(((shf_stage *)context)->folder, name);
    if (!path) return shf_fail_memory(err, strlen(name), "a path");
    sheaf_status status = shf_path_remove_tree(path, err);
    shf_free(path);
    return status;
}

sheaf_status shf_stage_open(shf_stage *stage, const char *path, sheaf_error *err)
{
    memset(stage, 0, sizeof *stage);
    stage->lock = (shf_file)SHF_FILE_CLOSED;
    sheaf_status status = make_paths(stage, path, err);
    char *lock = status == SHEAF_OK ? shf_path_join(stage->folder, LOCK_NAME) : NULL;
    if (status == SHEAF_OK && !lock) status = shf_fail_memory(err, strlen(path), "a path");
    if (status == SHEAF_OK) status = acquire(stage, path, lock, err);
    shf_free(lock);
    if (status == SHEAF_OK && (status = shf_path_list(stage->folder, clear_entry, stage, err)) != SHEAF_OK) shf_stage_close(stage);
    else if (status != SHEAF_OK) free_paths(stage);
    return status;
}

void shf_stage_close(shf_stage *stage)
{
    if (stage->lock.fd >= 0) {
        /* The lock goes last, and is let go of only then. What cannot be removed now is left to the next. */
        bool cleared = shf_path_list(stage->folder, clear_entry, stage, NULL) == SHEAF_OK;
        if (cleared && shf_path_unlink(stage->lock.path, NULL) == SHEAF_OK) (void)shf_path_remove_folder(stage->folder, NULL);
        (void)shf_file_close(&stage->lock, NULL);
    }
    free_paths(stage);
}
