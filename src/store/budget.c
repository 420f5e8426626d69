// SPDX-License-Identifier: Apache-2.0
/* The disk budget: what is allocated (back end and tail log), and the raw bytes of records that lie in no written chunk yet. */
#include "store/store.h"

sheaf_status shf_store_measure(sheaf_store *store, sheaf_error *err)
{
    return store->ops->usage(store->state, &store->backend_allocated, &store->backend_written, err);
}

sheaf_status shf_budget_used(sheaf_store *store, uint64_t *used_bytes, sheaf_error *err)
{
    if (!store->putting) SHF_TRY(shf_store_measure(store, err));
    *used_bytes = store->backend_allocated + store->log.allocated + store->reserved_bytes;
    return SHEAF_OK;
}

sheaf_status shf_budget_admit(sheaf_store *store, uint64_t bytes, sheaf_error *err)
{
    uint64_t limit = store->options.disk_bytes, used;
    if (!limit) return SHEAF_OK;
    SHF_TRY(shf_budget_used(store, &used, err));
    if (used + bytes <= limit) return SHEAF_OK;
    /* What waits raw takes less once it is encoded, and the log goes: look again after a checkpoint. */
    if ((store->reserved_bytes > 0 || store->log.position > SHF_LOG_FRAMES_AT) && shf_store_unheld(store)) {
        SHF_TRY(shf_checkpoint_locked(store, false, err));
        SHF_TRY(shf_budget_used(store, &used, err));
        if (used + bytes <= limit) return SHEAF_OK;
    }
    return shf_fail_at(err, SHEAF_ERR_BUDGET, store->path, NULL, -1, -1,
                       "%s: %llu bytes are in use and %llu more are asked for, the limit is %llu", store->path, (unsigned long long)used,
                       (unsigned long long)bytes, (unsigned long long)limit);
}

sheaf_status sheaf_store_set_disk_limit(sheaf_store *store, uint64_t disk_bytes, sheaf_error *err)
{
    if (!store) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_set_disk_limit: NULL");
    pthread_mutex_lock(&store->mutex);
    store->options.disk_bytes = disk_bytes;
    pthread_mutex_unlock(&store->mutex);
    return SHEAF_OK;
}
