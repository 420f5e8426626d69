// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "backend/hdf5/filters.h"
#include "backend/hdf5/state.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/clock.h"

/* Room between the chunks and the region of a checkpoint: it stays a hole in the file. */
#define MIN_ROOM ((uint64_t)64 << 20)
/* While others hold the file open, no region is used again; when so much has been given up, the checkpoint has to wait. */
#define MAX_GIVEN_UP ((uint64_t)256 << 20)
/* The file is made longer anew, at the earliest, when so much was written. */
#define AHEAD_STEP ((uint64_t)8 << 20)
/* How long the last checkpoint waits for others to close the file, so that the file can be cut to its size. */
#define WAIT_FOR_READERS_NS ((uint64_t)2000 * 1000 * 1000)
#define REDO_MARK "SHFH5SB1"
#define REDO_PAGES "SHFH5PG1"

static uint64_t align(uint64_t address)
{
    return (address + 4095) & ~(uint64_t)4095;
}

static uint64_t free_from(uint64_t raw_end)
{
    return align(raw_end + shf_max_u64(MIN_ROOM, raw_end / 2));
}

/* Most bytes of the region that the next checkpoint takes, roughly: only where it is put depends on this. */
static uint64_t region_bound(const shf_h5_state *state)
{
    uint64_t bytes = (uint64_t)1 << 20;
    for (size_t i = 0; i < state->n_arrays; i++) {
        const shf_array *array = &state->layout->arrays[i];
        bytes += 16384 + 72 * state->arrays[i].chunks.n;
        if (array->record >= 0) bytes += array->n_columns * shf_h5_encoded_bound(array);
    }
    return align(bytes);
}

/* When nobody outside has the file open, all but the last published region may be used: who opens it later reads that one. */
static sheaf_status try_lock(shf_h5_state *state, sheaf_error *err)
{
    if (!state->locked) SHF_TRY(shf_file_lock(&state->file, true, &state->locked, err));
    state->alone = state->locked;
    if (!state->locked) return SHEAF_OK;
    state->keep_start = state->last_start;
    state->keep_end = state->last_end;
    return SHEAF_OK;
}

static void unlock(shf_h5_state *state)
{
    bool got;
    if (state->beside) (void)shf_file_lock(&state->file, false, &got, NULL); /* others may read, but not write */
    else if (state->locked) (void)shf_file_unlock(&state->file, NULL);
    state->locked = false;
}

/* Asks by the lock and lets it go at once: while it is held, others are refused. */
static sheaf_status ask(shf_h5_state *state, sheaf_error *err)
{
    bool held = state->locked;
    SHF_TRY(try_lock(state, err));
    if (!held) unlock(state);
    return SHEAF_OK;
}

/* libhdf5 asks for a file's size when it opens it, reads the superblock a moment later, and refuses one that tells of more. So the file is as long
 * as the next checkpoints need it well before they are published. */
void shf_h5_look_ahead(shf_h5_state *state)
{
    uint64_t size, step = shf_max_u64(AHEAD_STEP, state->raw_end / 8), far = free_from(state->raw_end + 2 * step);
    if (state->beside || shf_file_size(&state->file, &size, NULL) != SHEAF_OK) return;
    uint64_t want = shf_max_u64(state->used_end, far) + 4 * region_bound(state);
    if (size < want) (void)shf_file_truncate(&state->file, want + 2 * step, NULL);
    state->ahead_until = state->raw_end + step;
}

/* Where a checkpoint's region goes. */
static sheaf_status choose_region(shf_h5_state *state, uint64_t *region, sheaf_error *err)
{
    uint64_t size, bound = region_bound(state);
    SHF_TRY(shf_file_size(&state->file, &size, err));
    if (!state->base) { /* what lies beyond the log may still name */
        state->used_end = shf_max_u64(state->used_end, size);
        state->base = shf_max_u64(free_from(state->raw_end), align(size));
    }
    if (state->base < state->raw_end + MIN_ROOM / 2) state->base = free_from(state->raw_end);
    *region = state->base;
    if (!state->alone) *region = shf_max_u64(*region, align(state->used_end));
    else if (*region<state->keep_end && * region + bound> state->keep_start)
        *region = align(shf_max_u64(state->keep_end, state->base + bound));
    return SHEAF_OK;
}

/* The published region lies where chunks, or the last checkpoint, are to go. */
static bool in_the_way(const shf_h5_state *state)
{
    return state->keep_end > state->raw_end && state->keep_start < state->raw_end + MIN_ROOM / 2;
}

static sheaf_status open_region(shf_h5_state *state, sheaf_error *err)
{
    if (state->region) return SHEAF_OK;
    SHF_TRY(state->beside ? try_lock(state, err) : ask(state, err));
    if (state->alone && in_the_way(state) && !state->beside) SHF_TRY(shf_h5_relocate(state, err));
    SHF_TRY(choose_region(state, &state->region, err));
    state->cursor = state->region;
    return SHEAF_OK;
}

static void abandon(shf_h5_state *state)
{
    for (size_t i = 0; i < state->n_arrays; i++) shf_h5_partial_free(&state->arrays[i].next);
    shf_h5_medium_free(&state->image);
    state->region = 0;
    state->alone = false;
    unlock(state);
}

static sheaf_status place_partial(shf_h5_state *state, size_t i, uint64_t block, uint64_t column, const void *bytes, size_t n,
                                  uint32_t mask, sheaf_error *err)
{
    shf_h5_partial *next = &state->arrays[i].next;
    uint64_t columns = state->layout->arrays[i].n_columns;
    if (!next->columns || next->block != block) {
        shf_h5_partial_free(next);
        next->columns = shf_calloc((size_t)columns, sizeof *next->columns);
        next->block = block;
        if (!next->columns) return shf_fail_memory(err, (size_t)columns * sizeof *next->columns, "partial chunks");
    }
    if (column >= columns || n == 0 || n > UINT32_MAX)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "column %llu of %llu, %zu bytes", (unsigned long long)column, (unsigned long long)columns,
                        n);
    SHF_TRY(shf_h5_write(state, bytes, n, state->cursor, err));
    next->columns[column] = (shf_h5_chunk){state->cursor, (uint32_t)n, mask};
    state->cursor += n;
    return SHEAF_OK;
}

sheaf_status shf_h5_put_partial(void *opaque, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, uint32_t mask,
                                sheaf_error *err)
{
    shf_h5_state *state = opaque;
    SHF_TRY(open_region(state, err));
    return place_partial(state, array, block, column, bytes, n, mask, err);
}

/* Copies a partial chunk within the file, to the cursor. */
static sheaf_status copy_partial(shf_h5_state *state, size_t i, uint64_t block, uint64_t column, shf_h5_chunk from, sheaf_error *err)
{
    void *bytes = shf_malloc(from.size);
    if (!bytes) return shf_fail_memory(err, from.size, "a partial chunk");
    sheaf_status status = shf_file_read(&state->file, bytes, from.size, from.offset, err);
    if (status == SHEAF_OK) status = place_partial(state, i, block, column, bytes, from.size, from.mask, err);
    shf_free(bytes);
    return status;
}

/* The partial chunks of an array go to the cursor: those handed over for this checkpoint, or else, when no rows came, those of the last. */
static sheaf_status move_partials(shf_h5_state *state, size_t i, uint64_t length, bool again, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    shf_h5_array *own = &state->arrays[i];
    uint64_t block = length / array->chunk[0];
    if (array->record < 0 || length % array->chunk[0] == 0) {
        shf_h5_partial_free(&own->next);
        return SHEAF_OK;
    }
    shf_h5_partial from = own->next;
    bool have = from.columns && from.block == block;
    if (have && !again) return SHEAF_OK;
    if (!have) from = own->partial;
    if (!from.columns || from.block != block) return SHEAF_OK;
    if (have) own->next.columns = NULL; /* from owns it now */
    sheaf_status status = SHEAF_OK;
    for (uint64_t column = 0; status == SHEAF_OK && column < array->n_columns; column++)
        if (from.columns[column].offset) status = copy_partial(state, i, block, column, from.columns[column], err);
    if (have) shf_free(from.columns);
    return status;
}

/* What the image shows: as the layout has it now, or as it was published last. */
typedef struct shown {
    shf_h5_content *contents; /* owned */
    uint64_t *lengths;        /* owned */
} shown;

static void free_shown(shown *s)
{
    shf_free(s->contents);
    shf_free(s->lengths);
}

static sheaf_status show(shf_h5_state *state, bool published, shown *s, sheaf_error *err)
{
    const shf_layout *layout = state->layout;
    s->contents = shf_calloc(state->n_arrays + 1, sizeof *s->contents);
    s->lengths = shf_calloc(layout->n_records + 1, sizeof *s->lengths);
    if (!s->contents || !s->lengths) return shf_fail_memory(err, state->n_arrays * sizeof *s->contents, "a checkpoint");
    for (size_t r = 0; r < layout->n_records; r++) s->lengths[r] = published ? state->lengths[r] : layout->records[r].length;
    for (size_t i = 0; i < state->n_arrays; i++) {
        const shf_array *array = &layout->arrays[i];
        const shf_h5_array *own = &state->arrays[i];
        shf_h5_content *content = &s->contents[i];
        content->length = array->record >= 0 ? s->lengths[array->record] : array->shape[0];
        content->attributes = published ? own->attributes : array->attributes;
        content->full = own->chunks.items;
        content->n_full = own->chunks.n;
        if (array->record >= 0) content->n_full = shf_min_u64(content->n_full, content->length / array->chunk[0] * array->n_columns);
    }
    return SHEAF_OK;
}

static void show_partials(const shf_h5_state *state, shown *s)
{
    for (size_t i = 0; i < state->n_arrays; i++) {
        s->contents[i].partial = state->arrays[i].next.columns;
        s->contents[i].partial_block = state->arrays[i].next.block;
    }
}

static bool overlaps_kept(const shf_h5_state *state)
{
    return state->region < state->keep_end && state->image.start + state->image.region.size > state->keep_start;
}

/* Partial chunks and image at state->region; again: all partial chunks are to be copied there. Nothing is written over what readers use. */
static sheaf_status make_region(shf_h5_state *state, bool published, bool again, sheaf_error *err)
{
    shown s = {0};
    sheaf_status status = show(state, published, &s, err);
    for (size_t i = 0; status == SHEAF_OK && i < state->n_arrays; i++) status = move_partials(state, i, s.contents[i].length, again, err);
    if (status == SHEAF_OK) {
        show_partials(state, &s);
        shf_h5_view view = {.layout = state->layout,
                            .contents = s.contents,
                            .lengths = s.lengths,
                            .attributes = published ? state->attributes : state->layout->attributes,
                            .beside = state->beside ? &state->file : NULL,
                            .before = &state->before,
                            .region = state->region};
        status = shf_h5_image_make(&state->image, &view, state->cursor, err);
    }
    free_shown(&s);
    if (status != SHEAF_OK) return status;
    if (!overlaps_kept(state)) return shf_h5_write(state, state->image.region.data, state->image.region.size, state->image.start, err);
    shf_h5_medium_free(&state->image);
    state->region = state->cursor = align(shf_max_u64(state->used_end, state->keep_end));
    return make_region(state, published, true, err);
}

/* Beside the data of others there is more to change than the superblock: all of it, the superblock last. The log has it all. */
static sheaf_status write_pages(shf_h5_state *state, sheaf_error *err)
{
    const shf_h5_pages *pages = &state->image.pages;
    for (size_t i = pages->n; i-- > 0;)
        SHF_TRY(shf_h5_write(state, pages->items[i].bytes, SHF_H5_PAGE_BYTES, pages->items[i].address, err));
    return SHEAF_OK;
}

/* The superblock: from here on readers see the new checkpoint. */
static sheaf_status publish(shf_h5_state *state, sheaf_error *err)
{
    if (state->sync) SHF_TRY(shf_file_sync(&state->file, err));
    SHF_TRY(state->beside ? write_pages(state, err) : shf_h5_write(state, state->image.head, state->image.head_size, 0, err));
    if (state->sync) SHF_TRY(shf_file_sync(&state->file, err));
    uint64_t end = state->image.start + state->image.region.size;
    bool unseen = state->locked || state->keep_end == 0; /* what was published before */
    state->keep_start = unseen ? state->region : shf_min_u64(state->keep_start, state->region);
    state->keep_end = unseen ? end : shf_max_u64(state->keep_end, end);
    state->last_start = state->region;
    state->last_end = end;
    pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; i < state->n_arrays; i++) {
        shf_h5_partial_free(&state->arrays[i].partial);
        state->arrays[i].partial = state->arrays[i].next;
        memset(&state->arrays[i].next, 0, sizeof state->arrays[i].next);
    }
    pthread_mutex_unlock(&state->mutex);
    return SHEAF_OK;
}

sheaf_status shf_h5_remember(shf_h5_state *state, sheaf_error *err)
{
    const shf_layout *layout = state->layout;
    for (size_t r = 0; r < layout->n_records; r++) state->lengths[r] = layout->records[r].length;
    json_t *copy = layout->attributes ? json_deep_copy(layout->attributes) : json_object();
    if (!copy) return shf_fail_memory(err, 64, "attributes");
    json_decref(state->attributes);
    state->attributes = copy;
    for (size_t i = 0; i < state->n_arrays; i++) {
        copy = json_deep_copy(layout->arrays[i].attributes);
        if (!copy) return shf_fail_memory(err, 64, "attributes");
        json_decref(state->arrays[i].attributes);
        state->arrays[i].attributes = copy;
    }
    return SHEAF_OK;
}

/* The partial chunks of the checkpoint being made are put aside. */
static sheaf_status set_aside(shf_h5_state *state, shf_h5_partial **aside, sheaf_error *err)
{
    *aside = shf_calloc(state->n_arrays + 1, sizeof **aside);
    if (!*aside) return shf_fail_memory(err, state->n_arrays * sizeof **aside, "partial chunks");
    for (size_t i = 0; i < state->n_arrays; i++) {
        (*aside)[i] = state->arrays[i].next;
        memset(&state->arrays[i].next, 0, sizeof state->arrays[i].next);
    }
    return SHEAF_OK;
}

sheaf_status shf_h5_relocate(shf_h5_state *state, sheaf_error *err)
{
    shf_h5_partial *aside;
    uint64_t region = state->region, cursor = state->cursor;
    SHF_TRY(set_aside(state, &aside, err));
    sheaf_status status = choose_region(state, &state->region, err);
    if (cursor > state->region) state->region = align(cursor);
    state->cursor = state->region;
    if (status == SHEAF_OK) status = make_region(state, true, true, err);
    if (status == SHEAF_OK) status = publish(state, err);
    for (size_t i = 0; i < state->n_arrays; i++) {
        shf_h5_partial_free(&state->arrays[i].next);
        state->arrays[i].next = aside[i];
    }
    shf_free(aside);
    shf_h5_medium_free(&state->image);
    state->region = region;
    state->cursor = cursor;
    /* Who opened the file meanwhile may see what was published before. */
    return status == SHEAF_OK ? ask(state, err) : status;
}

static bool meets_kept(const shf_h5_state *state, uint64_t n)
{
    return state->raw_end < state->keep_end && state->raw_end + n > state->keep_start;
}

sheaf_status shf_h5_make_way(shf_h5_state *state, uint64_t n, sheaf_error *err)
{
    if (state->region && state->raw_end < state->cursor && state->raw_end + n > state->region) state->raw_end = state->cursor;
    if (!meets_kept(state, n)) return SHEAF_OK;
    SHF_TRY(ask(state, err));
    if (meets_kept(state, n) && state->alone && !state->beside) SHF_TRY(shf_h5_relocate(state, err));
    if (meets_kept(state, n)) state->raw_end = state->keep_end; /* leaves a hole; only while others hold the file open */
    return SHEAF_OK;
}

/* The last checkpoint waits for a while until nobody outside has the file open. */
static sheaf_status lock_patiently(shf_h5_state *state, sheaf_error *err)
{
    uint64_t until = shf_clock_ns() + WAIT_FOR_READERS_NS;
    struct timespec nap = {0, 5 * 1000 * 1000};
    for (;;) {
        SHF_TRY(try_lock(state, err));
        if (state->locked || shf_clock_ns() >= until) return SHEAF_OK;
        (void)nanosleep(&nap, NULL);
    }
}

/* The last checkpoint lies right behind the chunks, whatever the checkpoints before. Where that place is in use, it is freed first; when
 * others hold the file open, it stays where it is. */
static sheaf_status make_final(shf_h5_state *state, sheaf_error *err)
{
    if (in_the_way(state) && state->locked && !state->beside) SHF_TRY(shf_h5_relocate(state, err));
    if (in_the_way(state)) return make_region(state, false, false, err);
    state->region = state->cursor = state->raw_end;
    return make_region(state, false, true, err);
}

static sheaf_status begin(shf_h5_state *state, bool final, bool *deferred, sheaf_error *err)
{
    SHF_TRY(open_region(state, err));
    if (final) SHF_TRY(lock_patiently(state, err)); /* and held: the file will be cut */
    else if (state->beside) SHF_TRY(try_lock(state, err));
    else if (!state->alone) SHF_TRY(ask(state, err));
    bool may = state->beside ? state->locked : state->alone;
    *deferred = !may && (state->beside || (!final && state->keep_end - state->keep_start > MAX_GIVEN_UP));
    if (*deferred) return SHEAF_OK;
    return final ? make_final(state, err) : make_region(state, false, false, err);
}

static sheaf_status note_redo(const shf_h5_state *state, shf_buf *redo, sheaf_error *err)
{
    SHF_TRY(shf_buf_append(redo, state->beside ? REDO_PAGES : REDO_MARK, 8, err));
    if (!state->beside) return shf_buf_append(redo, state->image.head, state->image.head_size, err);
    return shf_buf_append(redo, state->image.pages.items, state->image.pages.n * sizeof *state->image.pages.items, err);
}

/* Deferred: the partial chunks that were handed over stay for the next try. */
sheaf_status shf_h5_checkpoint_begin(void *opaque, bool final, shf_buf *redo, bool *deferred, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    *deferred = false;
    sheaf_status status = begin(state, final, deferred, err);
    if (status == SHEAF_OK && *deferred) return SHEAF_OK;
    if (status == SHEAF_OK) status = note_redo(state, redo, err);
    if (status == SHEAF_OK && state->sync) status = shf_file_sync(&state->file, err);
    if (status != SHEAF_OK) abandon(state);
    return status;
}

sheaf_status shf_h5_checkpoint_end(void *opaque, bool final, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    sheaf_status status = publish(state, err);
    if (status == SHEAF_OK) status = shf_h5_remember(state, err);
    if (status == SHEAF_OK && final && state->locked) status = shf_file_truncate(&state->file, state->keep_end, err);
    if (status == SHEAF_OK && !final) shf_h5_look_ahead(state);
    abandon(state);
    return status;
}

static sheaf_status redo_pages(const shf_file *file, const uint8_t *bytes, size_t n, sheaf_error *err)
{
    shf_h5_page page;
    for (size_t i = n / sizeof page; i-- > 0;) {
        memcpy(&page, bytes + i * sizeof page, sizeof page);
        SHF_TRY(shf_file_write(file, page.bytes, sizeof page.bytes, page.address, err));
    }
    return SHEAF_OK;
}

static sheaf_status redo_superblock(const shf_file *file, const uint8_t *head, size_t n, sheaf_error *err)
{
    shf_h5_superblock superblock;
    uint64_t size;
    if (!shf_h5_superblock_parse(head, n, &superblock))
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, file->path, NULL, -1, -1, "%s: the log's copy of the superblock is damaged", file->path);
    SHF_TRY(shf_file_size(file, &size, err));
    if (size < superblock.end)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, file->path, NULL, -1, -1, "%s: expected %llu bytes, the file has %llu", file->path,
                           (unsigned long long)superblock.end, (unsigned long long)size);
    return shf_file_write(file, head, n, 0, err);
}

sheaf_status shf_h5_redo(const char *path, const void *bytes, size_t n, sheaf_error *err)
{
    shf_file file = SHF_FILE_CLOSED;
    const uint8_t *after = (const uint8_t *)bytes + 8;
    bool whole = n >= 8 + SHF_H5_SUPERBLOCK_BYTES && !memcmp(bytes, REDO_MARK, 8);
    bool pages = n >= 8 + sizeof(shf_h5_page) && !memcmp(bytes, REDO_PAGES, 8) && (n - 8) % sizeof(shf_h5_page) == 0;
    if (!whole && !pages)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, path, NULL, -1, -1, "%s: the log's copy of the metadata is damaged", path);
    SHF_TRY(shf_file_open(&file, path, SHF_OPEN_WRITE, err));
    sheaf_status status = whole ? redo_superblock(&file, after, n - 8, err) : redo_pages(&file, after, n - 8, err);
    if (status == SHEAF_OK) status = shf_file_sync(&file, err);
    sheaf_status closed = shf_file_close(&file, status == SHEAF_OK ? err : NULL);
    return status == SHEAF_OK ? closed : status;
}

sheaf_status shf_h5_publish_first(shf_h5_state *state, sheaf_error *err)
{
    sheaf_status status = open_region(state, err);
    if (status == SHEAF_OK) status = make_region(state, false, false, err);
    if (status == SHEAF_OK) status = publish(state, err);
    if (status == SHEAF_OK) status = shf_h5_remember(state, err);
    if (status == SHEAF_OK) shf_h5_look_ahead(state);
    abandon(state);
    return status;
}
