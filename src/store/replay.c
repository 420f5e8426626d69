// SPDX-License-Identifier: Apache-2.0
/* Taking in the tail log: by a reader that follows, and by a writer that goes on after a crash. Idempotent: what the checkpoint holds already
 * is passed over. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "store/store.h"

static sheaf_status damaged(const sheaf_store *store, sheaf_error *err, const char *what)
{
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, store->log.path, NULL, -1, (int64_t)store->log.position,
                       "%s: in the frame before byte %llu: %s", store->log.path, (unsigned long long)store->log.position, what);
}

static sheaf_status take_chunk(sheaf_store *store, const shf_log_section *section, sheaf_error *err)
{
    const uint64_t *n = section->number;
    if (n[0] >= store->layout.n_arrays || n[5] > UINT32_MAX || n[6] > UINT32_MAX) return damaged(store, err, "a chunk of an unknown array");
    size_t i = (size_t)n[0];
    const shf_array *array = &store->layout.arrays[i];
    uint64_t end;
    if (array->record < 0 || n[2] >= array->n_columns || !shf_add_u64(n[1], 1, &end) || !shf_mul_u64(end, array->chunk[0], &end))
        return damaged(store, err, "a chunk out of its array");
    if (end <= store->base[array->record]) return SHEAF_OK;
    const shf_place place = {n[3], n[4], (uint32_t)n[5], (uint32_t)n[6]};
    SHF_TRY(store->ops->adopt(store->state, i, n[1], n[2], &place, err));
    if (n[2] + 1 < array->n_columns) return SHEAF_OK;
    while (store->tails[i].oldest && store->tails[i].oldest->block <= n[1]) shf_slab_drop_oldest(store, i);
    return SHEAF_OK;
}

static sheaf_status take_array_rows(sheaf_store *store, size_t i, uint64_t row, uint64_t n, const uint8_t *rows, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    while (n > 0) {
        uint64_t block = row / array->chunk[0], begin = block * array->chunk[0], part = shf_min_u64(n, begin + array->chunk[0] - row);
        shf_slab *slab = shf_slab_find(store, i, block);
        if (!slab) {
            const shf_slab *newest = store->tails[i].newest;
            if (newest && newest->block + 1 != block) return damaged(store, err, "rows that do not follow the ones before");
            SHF_TRY(shf_slab_get(store, i, block, &slab, err));
            slab->first_row = row;
        }
        memcpy(slab->rows + (row - begin) * array->row_bytes, rows, (size_t)part * array->row_bytes);
        rows += part * array->row_bytes;
        row += part;
        n -= part;
    }
    return SHEAF_OK;
}

enum { MAX_TABLE_ARRAYS = 1024 };

/* A ROWS section's bounds, and for each array of its table the rows left out at the front. */
static sheaf_status read_skips(const sheaf_store *store, const shf_log_section *section, shf_log_cursor *cursor, uint64_t *skips,
                               sheaf_error *err)
{
    uint64_t record = section->number[0], n = section->number[2], end;
    size_t k = 0;
    if (record >= store->layout.n_records || !shf_add_u64(section->number[1], n, &end) || end > INT64_MAX)
        return damaged(store, err, "rows of an unknown table");
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        if (store->layout.arrays[i].record != (int)record) continue;
        if (k == MAX_TABLE_ARRAYS) return damaged(store, err, "a table of too many arrays");
        SHF_TRY(shf_log_varint(cursor, &skips[k], err));
        if (skips[k++] > n) return damaged(store, err, "more rows left out than there are");
    }
    return SHEAF_OK;
}

/* With take, into the slabs; else the cursor passes over them. */
static sheaf_status walk_rows(sheaf_store *store, const shf_log_section *section, bool take, shf_log_cursor *cursor, sheaf_error *err)
{
    uint64_t record = section->number[0], row = section->number[1], n = section->number[2], skips[MAX_TABLE_ARRAYS];
    size_t k = 0;
    SHF_TRY(read_skips(store, section, cursor, skips, err));
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        const shf_array *array = &store->layout.arrays[i];
        if (array->record != (int)record) continue;
        uint64_t skip = skips[k++], bytes;
        const uint8_t *rows;
        if (!shf_mul_u64(n - skip, array->row_bytes, &bytes)) return damaged(store, err, "too many rows");
        SHF_TRY(shf_log_take(cursor, bytes, &rows, err));
        if (!take) continue;
        uint64_t first = row + skip, known = store->base[record];
        uint64_t pass = first < known ? shf_min_u64(known - first, n - skip) : 0;
        SHF_TRY(take_array_rows(store, i, first + pass, n - skip - pass, rows + pass * array->row_bytes, err));
    }
    return SHEAF_OK;
}

static sheaf_status take_attributes(sheaf_store *store, const shf_log_section *section, sheaf_error *err)
{
    if (section->number[0] > store->layout.n_arrays) return damaged(store, err, "attributes of an unknown array");
    json_t *attributes = json_loadb((const char *)section->bytes, section->n_bytes, 0, NULL);
    if (!json_is_object(attributes)) {
        json_decref(attributes);
        return damaged(store, err, "attributes that are no JSON object");
    }
    json_t **slot = section->number[0] ? &store->layout.arrays[section->number[0] - 1].attributes : &store->layout.attributes;
    json_decref(*slot);
    *slot = attributes;
    store->attributes_changed[section->number[0]] = true;
    store->any_attributes_changed = true;
    return SHEAF_OK;
}

/* Rows of an array that are known: in the checkpoint, in adopted chunks or in slabs. */
static bool has_rows(const sheaf_store *store, size_t i, uint64_t length)
{
    const shf_array *array = &store->layout.arrays[i];
    const shf_slab *newest = store->tails[i].newest;
    return !newest || length <= (newest->block + 1) * array->chunk[0];
}

static sheaf_status take_lengths(sheaf_store *store, const shf_log_section *section, bool *changed, sheaf_error *err)
{
    shf_log_cursor cursor = {section->bytes, section->bytes + section->n_bytes};
    if (section->number[0] != store->layout.n_records) return damaged(store, err, "another number of record dimensions");
    for (size_t r = 0; r < store->layout.n_records; r++) {
        uint64_t length;
        SHF_TRY(shf_log_varint(&cursor, &length, err));
        if (length <= store->layout.records[r].length) continue;
        for (size_t i = 0; i < store->layout.n_arrays; i++)
            if (store->layout.arrays[i].record == (int)r && !has_rows(store, i, length))
                return damaged(store, err, "a length beyond its rows");
        store->layout.records[r].length = length;
        *changed = true;
    }
    return SHEAF_OK;
}

static sheaf_status take_frame(sheaf_store *store, const shf_log_payload *payload, bool *changed, sheaf_error *err)
{
    shf_log_cursor cursor = {payload->bytes, payload->bytes + payload->n};
    shf_log_section section;
    bool more = true;
    while (more) {
        SHF_TRY(shf_log_next(&cursor, &section, &more, err));
        if (!more) break;
        switch (section.type) {
        case SHF_LOG_CHUNK: SHF_TRY(take_chunk(store, &section, err)); break;
        case SHF_LOG_ROWS: SHF_TRY(walk_rows(store, &section, true, &cursor, err)); break;
        case SHF_LOG_ATTRIBUTES: SHF_TRY(take_attributes(store, &section, err)); break;
        case SHF_LOG_LENGTHS: SHF_TRY(take_lengths(store, &section, changed, err)); break;
        case SHF_LOG_REDO: break; /* finished before the store was opened, or under way in a living writer */
        }
    }
    return SHEAF_OK;
}

/* The first frame carries the lengths of the checkpoint that the log goes on from; a newer one than we know of means: read the metadata again. */
static sheaf_status check_base(const sheaf_store *store, const shf_log_payload *payload, sheaf_error *err)
{
    shf_log_cursor cursor = {payload->bytes, payload->bytes + payload->n};
    shf_log_section section;
    bool more;
    SHF_TRY(shf_log_next(&cursor, &section, &more, err));
    if (!more || section.type != SHF_LOG_LENGTHS || section.number[0] != store->layout.n_records)
        return damaged(store, err, "no lengths at the begin of the log");
    cursor = (shf_log_cursor){section.bytes, section.bytes + section.n_bytes};
    for (size_t r = 0; r < store->layout.n_records; r++) {
        uint64_t length;
        SHF_TRY(shf_log_varint(&cursor, &length, err));
        if (length > store->base[r]) return shf_fail(err, SHEAF_ERR_STATE, "the log goes on from a newer checkpoint");
    }
    return SHEAF_OK;
}

sheaf_status shf_replay(sheaf_store *store, bool *changed, sheaf_error *err)
{
    shf_log_payload payload;
    sheaf_status status = SHEAF_OK;
    *changed = false;
    for (bool more = true; status == SHEAF_OK && more;) {
        bool first = store->log.sequence == 0;
        status = shf_log_read(&store->log, &payload, &more, err);
        if (status != SHEAF_OK || !more) break;
        status = first ? check_base(store, &payload, err) : take_frame(store, &payload, changed, err);
    }
    return status;
}

sheaf_status shf_replay_tell_lost(sheaf_store *store, sheaf_error *err)
{
    const shf_layout *layout = &store->layout;
    sheaf_error damage;
    bool lost = false;
    SHF_TRY(shf_log_lost(&store->log, layout->n_records, &lost, err));
    if (!lost) return SHEAF_OK;
    (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, store->log.path, NULL, layout->n_records ? (int64_t)layout->records[0].length : -1,
                      store->log.header.generation ? (int64_t)store->log.position : 0,
                      "the tail log is damaged: what was committed behind %llu records of \"%s\" cannot be read",
                      layout->n_records ? (unsigned long long)layout->records[0].length : 0ULL,
                      layout->n_records ? layout->records[0].name : "");
    shf_store_tell(store, &damage);
    return SHEAF_OK;
}

static sheaf_status frame_lengths(sheaf_store *store, const shf_log_payload *payload, uint64_t *lengths, bool *any, sheaf_error *err)
{
    shf_log_cursor cursor = {payload->bytes, payload->bytes + payload->n};
    shf_log_section section;
    for (bool more = true;;) {
        SHF_TRY(shf_log_next(&cursor, &section, &more, err));
        if (!more) return SHEAF_OK;
        if (section.type == SHF_LOG_ROWS) SHF_TRY(walk_rows(store, &section, false, &cursor, err));
        if (section.type != SHF_LOG_LENGTHS) continue;
        if (section.number[0] != store->layout.n_records) return damaged(store, err, "another number of record dimensions");
        shf_log_cursor at = {section.bytes, section.bytes + section.n_bytes};
        for (size_t r = 0; r < store->layout.n_records; r++) SHF_TRY(shf_log_varint(&at, &lengths[r], err));
        *any = true;
    }
}

sheaf_status shf_replay_lengths(sheaf_store *store, uint64_t *lengths, bool *any, sheaf_error *err)
{
    shf_log log; /* on the same file, of its own position */
    shf_log_payload payload;
    shf_log_init(&log);
    log.file = store->log.file;
    sheaf_status status = shf_log_seek_tip(&log, lengths, store->layout.n_records, any, err);
    for (bool more = true; status == SHEAF_OK && more;) {
        status = shf_log_read(&log, &payload, &more, err);
        if (status == SHEAF_OK && more) status = frame_lengths(store, &payload, lengths, any, err);
    }
    shf_buf_free(&log.window);
    return status;
}

static sheaf_status load_partial(sheaf_store *store, size_t i, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    uint64_t base = store->base[array->record], block = base / array->chunk[0], n_rows = base % array->chunk[0];
    shf_slab *slab;
    if (!n_rows) return SHEAF_OK;
    SHF_TRY(shf_slab_get(store, i, block, &slab, err));
    sheaf_selection axes[SHEAF_MAX_NDIM] = {sheaf_select_range(block * array->chunk[0], base, 1)};
    for (int axis = 1; axis < array->ndim; axis++) axes[axis] = sheaf_select_all();
    /* Seen by the read as if no row were held, so that it goes to the stored chunk. */
    slab->first_row = base;
    sheaf_status status = sheaf_store_read(store, array->name, axes, slab->rows, (size_t)n_rows * array->row_bytes, err);
    slab->first_row = block * array->chunk[0];
    if (status == SHEAF_ERR_DAMAGED && store->repairing) {
        if (err) shf_store_tell(store, err);
        shf_dtype_fill(array->dtype, slab->rows, (size_t)n_rows * array->row_bytes / array->item_size);
        return SHEAF_OK;
    }
    return status;
}

sheaf_status shf_replay_load_partials(sheaf_store *store, sheaf_error *err)
{
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        if (store->layout.arrays[i].record >= 0) SHF_TRY(load_partial(store, i, err));
    return SHEAF_OK;
}
