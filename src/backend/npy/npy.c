// SPDX-License-Identifier: Apache-2.0
/* Rows are written in place; a commit is the data, then one slot of sheaf.len. NumPy sees the rows of the last checkpoint. */
#include "backend/npy/npy.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "format/npy.h"

#define BUFFER_BYTES ((size_t)256 << 10)
#define FILL_BYTES ((size_t)64 << 10)

static bool npy_probe(const char *path)
{
    char *file = shf_path_join(path, "sheaf.json");
    shf_path_kind kind = SHF_PATH_NONE;
    bool is = file && shf_path_stat(file, &kind, NULL, NULL) == SHEAF_OK && kind == SHF_PATH_FILE;
    shf_free(file);
    return is;
}

static char *npy_sidecar(const char *path)
{
    return shf_path_join(path, ".sheaf-log");
}

static sheaf_status npy_plan(shf_layout *layout, sheaf_error *err)
{
    for (size_t i = 0; i < layout->n_arrays; i++) {
        shf_array *array = &layout->arrays[i];
        if (array->codec != SHEAF_CODEC_DEFAULT && array->codec != SHEAF_CODEC_NONE)
            return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, NULL, array->name, -1, -1, "array %s: .npy files have no codec, asked for is %s",
                               array->name, sheaf_codec_name(array->codec));
        array->codec = SHEAF_CODEC_NONE;
        array->level = 0;
        /* Whole rows, in a buffer that stays in the processor's cache. */
        for (int axis = 1; axis < array->ndim; axis++) array->chunk[axis] = array->shape[axis];
        array->chunk[0] = shf_max_u64(1, BUFFER_BYTES / array->row_bytes);
    }
    return SHEAF_OK;
}

sheaf_status shf_npyd_header_write(npy_state *state, size_t i, uint64_t rows, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    shf_npy_header header = {.dtype = array->dtype, .ndim = (unsigned)array->ndim};
    uint8_t bytes[SHF_NPY_HEADER_SIZE];
    memcpy(header.shape, array->shape, sizeof header.shape);
    header.shape[0] = rows;
    SHF_TRY(shf_npy_format(&header, bytes, sizeof bytes, err));
    state->written += sizeof bytes;
    return shf_file_write(&state->arrays[i].file, bytes, sizeof bytes, 0, err);
}

static char *array_path(const npy_state *state, size_t i)
{
    char name[SHEAF_MAX_NAME + 8];
    size_t n = strlen(state->layout->arrays[i].name);
    memcpy(name, state->layout->arrays[i].name, n);
    memcpy(name + n, ".npy", 5);
    return shf_path_join(state->path, name);
}

static sheaf_status npy_moved(void *opaque, const char *path, sheaf_error *err)
{
    npy_state *state = opaque;
    char *copy = shf_strdup(path);
    if (!copy) return shf_fail_memory(err, strlen(path), "a path");
    shf_free(state->path);
    state->path = copy;
    char *file = shf_path_join(path, "sheaf.len");
    sheaf_status status = file ? shf_file_moved(&state->lengths, file, err) : shf_fail_memory(err, 0, "a path");
    shf_free(file);
    for (size_t i = 0; status == SHEAF_OK && i < state->n_arrays; i++) {
        file = array_path(state, i);
        status = file ? shf_file_moved(&state->arrays[i].file, file, err) : shf_fail_memory(err, 0, "a path");
        shf_free(file);
    }
    return status;
}

static sheaf_status open_array(npy_state *state, size_t i, shf_open_mode mode, sheaf_error *err)
{
    char *path = array_path(state, i);
    if (!path) return shf_fail_memory(err, 0, "a path");
    sheaf_status status = mode == SHF_OPEN_READ ? SHEAF_OK : shf_path_no_link(path, strlen(state->path), err);
    if (status == SHEAF_OK) status = shf_file_open(&state->arrays[i].file, path, mode, err);
    shf_free(path);
    return status;
}

static sheaf_status write_rows(npy_state *state, size_t i, uint64_t row, uint64_t n, const void *rows, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    npy_array *file = &state->arrays[i];
    SHF_TRY(shf_file_write(&file->file, rows, (size_t)n * array->row_bytes, file->data_offset + row * array->row_bytes, err));
    state->written += n * array->row_bytes;
    file->rows = row + n;
    return shf_npyd_sums_add(file, rows, n * array->row_bytes, err);
}

sheaf_status shf_npyd_fill_rows(npy_state *state, size_t i, uint64_t row, uint64_t n, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    uint64_t batch = shf_max_u64(1, FILL_BYTES / array->row_bytes);
    batch = shf_min_u64(batch, n);
    uint8_t *rows = shf_malloc((size_t)batch * array->row_bytes);
    if (!rows) return shf_fail_memory(err, (size_t)batch * array->row_bytes, array->name);
    shf_dtype_fill(array->dtype, rows, (size_t)batch * array->row_bytes / array->item_size);
    sheaf_status status = SHEAF_OK;
    for (uint64_t done = 0; status == SHEAF_OK && done < n; done += batch)
        status = write_rows(state, i, row + done, shf_min_u64(batch, n - done), rows, err);
    shf_free(rows);
    return status;
}

static sheaf_status npy_put_rows(void *opaque, size_t i, uint64_t row, uint64_t n, const void *rows, sheaf_error *err)
{
    return rows ? write_rows(opaque, i, row, n, rows, err) : shf_npyd_fill_rows(opaque, i, row, n, err);
}

static sheaf_status npy_close(void *opaque, sheaf_error *err)
{
    npy_state *state = opaque;
    sheaf_status status = shf_file_close(&state->lengths, err);
    for (size_t i = 0; state->arrays && i < state->n_arrays; i++) {
        shf_map_close(&state->arrays[i].map);
        shf_free(state->arrays[i].sums);
        sheaf_status closed = shf_file_close(&state->arrays[i].file, status == SHEAF_OK ? err : NULL);
        if (status == SHEAF_OK) status = closed;
    }
    shf_free(state->arrays);
    shf_free(state->path);
    shf_free(state);
    return status;
}

static sheaf_status new_state(const char *path, shf_layout *layout, const shf_backend_options *options, npy_state **out, sheaf_error *err)
{
    npy_state *state = shf_calloc(1, sizeof *state);
    if (!state) return shf_fail_memory(err, sizeof *state, "a .npyd store");
    state->layout = layout;
    state->writable = options->writable;
    state->sync = options->sync;
    state->repair = options->writable && options->repair;
    state->lengths = (shf_file)SHF_FILE_CLOSED;
    state->path = shf_strdup(path);
    if (!state->path) {
        shf_free(state);
        return shf_fail_memory(err, strlen(path), "a path");
    }
    *out = state;
    return SHEAF_OK;
}

/* Once the layout is known. */
static sheaf_status make_arrays(npy_state *state, sheaf_error *err)
{
    state->arrays = shf_calloc(state->layout->n_arrays, sizeof *state->arrays);
    if (!state->arrays) return shf_fail_memory(err, state->layout->n_arrays * sizeof *state->arrays, "a .npyd store");
    state->n_arrays = state->layout->n_arrays;
    for (size_t i = 0; i < state->n_arrays; i++) state->arrays[i].file = (shf_file)SHF_FILE_CLOSED;
    return SHEAF_OK;
}

static sheaf_status open_lengths(npy_state *state, shf_open_mode mode, sheaf_error *err)
{
    char *path = shf_path_join(state->path, "sheaf.len");
    if (!path) return shf_fail_memory(err, 0, "a path");
    sheaf_status status = mode == SHF_OPEN_READ ? SHEAF_OK : shf_path_no_link(path, strlen(state->path), err);
    if (status == SHEAF_OK) status = shf_file_open(&state->lengths, path, mode, err);
    shf_free(path);
    return status;
}

static sheaf_status create_array(npy_state *state, size_t i, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    SHF_TRY(open_array(state, i, SHF_OPEN_EXCLUSIVE, err));
    state->arrays[i].data_offset = SHF_NPY_HEADER_SIZE;
    if (array->record < 0) SHF_TRY(write_rows(state, i, 0, array->shape[0], array->values, err));
    return shf_npyd_header_write(state, i, array->record < 0 ? array->shape[0] : 0, err);
}

/* Files and their names. */
static sheaf_status sync_new(npy_state *state, sheaf_error *err)
{
    for (size_t i = 0; i < state->n_arrays; i++) SHF_TRY(shf_file_sync(&state->arrays[i].file, err));
    SHF_TRY(shf_file_sync(&state->lengths, err));
    return shf_path_sync_folder(state->path, err);
}

static sheaf_status npy_create(const char *path, shf_layout *layout, const shf_backend_options *options, void **out, sheaf_error *err)
{
    npy_state *state = NULL;
    SHF_TRY(new_state(path, layout, options, &state, err));
    state->writable = true;
    sheaf_status status = shf_path_mkdir(path, err);
    if (status != SHEAF_OK) {
        (void)npy_close(state, NULL);
        return status;
    }
    status = make_arrays(state, err);
    for (size_t i = 0; status == SHEAF_OK && i < layout->n_arrays; i++) status = create_array(state, i, err);
    if (status == SHEAF_OK) status = open_lengths(state, SHF_OPEN_EXCLUSIVE, err);
    if (status == SHEAF_OK) status = shf_npyd_lengths_write(state, err);
    if (status == SHEAF_OK) status = shf_npyd_sums_write(state, err);
    /* The schema comes last: a folder without it is no store. */
    if (status == SHEAF_OK) status = shf_npyd_schema_write(state, err);
    if (status == SHEAF_OK && state->sync) status = sync_new(state, err);
    if (status == SHEAF_OK) {
        *out = state;
        return SHEAF_OK;
    }
    (void)npy_close(state, NULL);
    (void)shf_path_remove_tree(path, NULL);
    return status;
}

static sheaf_status npy_open(const char *path, const shf_backend_options *options, shf_layout *layout, void **out, sheaf_error *err)
{
    npy_state *state = NULL;
    SHF_TRY(new_state(path, layout, options, &state, err));
    shf_open_mode mode = options->writable ? SHF_OPEN_WRITE : SHF_OPEN_READ;
    sheaf_status status = shf_npyd_schema_read(path, layout, err);
    if (status == SHEAF_OK) status = make_arrays(state, err);
    for (size_t i = 0; status == SHEAF_OK && i < layout->n_arrays; i++) status = open_array(state, i, mode, err);
    if (status == SHEAF_OK) status = open_lengths(state, mode, err);
    if (status == SHEAF_OK) status = shf_npyd_lengths_read(state, err);
    if (status == SHEAF_OK) status = shf_npyd_check(state, err);
    bool there;
    /* Damaged checksums are verify's to tell; a writer makes them again. */
    if (status == SHEAF_OK && options->writable && shf_npyd_sums_read(state, &there, NULL) != SHEAF_OK)
        for (size_t i = 0; i < layout->n_arrays; i++) state->arrays[i].summed_bytes = 0;
    for (size_t i = 0; status == SHEAF_OK && options->writable && i < layout->n_arrays; i++) status = shf_npyd_sums_catch_up(state, i, err);
    if (status == SHEAF_OK) {
        *out = state;
        return SHEAF_OK;
    }
    shf_error_locate(err, path, NULL, -1, -1);
    (void)npy_close(state, NULL);
    return status;
}

static sheaf_status npy_sync(void *opaque, sheaf_error *err)
{
    npy_state *state = opaque;
    for (size_t i = 0; i < state->layout->n_arrays; i++)
        if (state->layout->arrays[i].record >= 0) SHF_TRY(shf_file_sync(&state->arrays[i].file, err));
    return SHEAF_OK;
}

static sheaf_status npy_publish(void *opaque, sheaf_error *err)
{
    npy_state *state = opaque;
    if (state->sync) SHF_TRY(npy_sync(state, err));
    SHF_TRY(shf_npyd_lengths_write(state, err));
    return state->sync ? shf_file_sync(&state->lengths, err) : SHEAF_OK;
}

static sheaf_status npy_checkpoint_begin(void *opaque, bool final, shf_buf *redo, bool *deferred, sheaf_error *err)
{
    (void)opaque;
    (void) final;
    (void)redo;
    (void)err;
    *deferred = false;
    return SHEAF_OK;
}

static sheaf_status npy_checkpoint_end(void *opaque, bool final, sheaf_error *err)
{
    (void) final;
    npy_state *state = opaque;
    SHF_TRY(npy_publish(state, err));
    for (size_t i = 0; i < state->layout->n_arrays; i++) {
        const shf_array *array = &state->layout->arrays[i];
        if (array->record >= 0) SHF_TRY(shf_npyd_header_write(state, i, shf_array_rows(state->layout, array), err));
    }
    SHF_TRY(shf_npyd_sums_write(state, err));
    return shf_npyd_schema_write(state, err);
}

/* Parts of rows: narrow rows are read whole in batches and cut, wide ones by one read each. */
static sheaf_status get_parts(const npy_array *file, size_t row_bytes, uint64_t row, uint64_t n_rows, size_t offset, size_t n_bytes,
                              uint8_t *out, sheaf_error *err)
{
    if (row_bytes > 2048) {
        for (uint64_t r = 0; r < n_rows; r++)
            SHF_TRY(shf_file_read(&file->file, out + r * n_bytes, n_bytes, file->data_offset + (row + r) * row_bytes + offset, err));
        return SHEAF_OK;
    }
    uint64_t batch = shf_min_u64(n_rows, FILL_BYTES / row_bytes);
    uint8_t *rows = shf_malloc((size_t)batch * row_bytes);
    if (!rows) return shf_fail_memory(err, (size_t)batch * row_bytes, "reading rows");
    sheaf_status status = SHEAF_OK;
    for (uint64_t done = 0; status == SHEAF_OK && done < n_rows; done += batch) {
        uint64_t n = shf_min_u64(batch, n_rows - done);
        status = shf_file_read(&file->file, rows, (size_t)n * row_bytes, file->data_offset + (row + done) * row_bytes, err);
        for (uint64_t r = 0; status == SHEAF_OK && r < n; r++) memcpy(out + (done + r) * n_bytes, rows + r * row_bytes + offset, n_bytes);
    }
    shf_free(rows);
    return status;
}

static sheaf_status npy_get_rows(void *opaque, size_t i, uint64_t row, uint64_t n_rows, size_t offset, size_t n_bytes, void *out,
                                 sheaf_error *err)
{
    npy_state *state = opaque;
    const shf_array *array = &state->layout->arrays[i];
    const npy_array *file = &state->arrays[i];
    if (n_bytes == array->row_bytes)
        return shf_file_read(&file->file, out, (size_t)n_rows * n_bytes, file->data_offset + row * n_bytes, err);
    return get_parts(file, array->row_bytes, row, n_rows, offset, n_bytes, out, err);
}

static sheaf_status npy_map(void *opaque, size_t i, const void **data, uint64_t *n_rows, sheaf_error *err)
{
    npy_state *state = opaque;
    npy_array *file = &state->arrays[i];
    const shf_array *array = &state->layout->arrays[i];
    *n_rows = shf_array_rows(state->layout, array);
    size_t need = (size_t)(file->data_offset + *n_rows * array->row_bytes);
    if (file->map.size < need) {
        shf_map_close(&file->map);
        SHF_TRY(shf_map_open(&file->map, &file->file, need, err));
    }
    *data = (const uint8_t *)file->map.data + file->data_offset;
    return SHEAF_OK;
}

static sheaf_status npy_refresh(void *opaque, sheaf_error *err)
{
    npy_state *state = opaque;
    uint64_t before = state->sequence;
    SHF_TRY(shf_npyd_lengths_read(state, err));
    if (state->sequence == before) return SHEAF_OK;
    shf_layout fresh = {0};
    sheaf_status status = shf_npyd_schema_read(state->path, &fresh, err);
    if (status == SHEAF_OK && fresh.n_arrays != state->layout->n_arrays)
        status = shf_fail_at(err, SHEAF_ERR_MISMATCH, state->path, NULL, -1, -1, "%s: another store is there now", state->path);
    for (size_t i = 0; status == SHEAF_OK && i < fresh.n_arrays; i++) {
        json_t *old = state->layout->arrays[i].attributes;
        state->layout->arrays[i].attributes = fresh.arrays[i].attributes;
        fresh.arrays[i].attributes = old;
    }
    if (status == SHEAF_OK) {
        json_t *old = state->layout->attributes;
        state->layout->attributes = fresh.attributes;
        fresh.attributes = old;
    }
    shf_layout_free(&fresh);
    return status;
}

static sheaf_status npy_usage(void *opaque, uint64_t *allocated_bytes, uint64_t *written_bytes, sheaf_error *err)
{
    (void)err;
    const npy_state *state = opaque;
    /* Whole pages of each file; the folder, sheaf.len, sheaf.json and sheaf.sum beside. */
    uint64_t total = 4096 + 4096 + shf_ceil_div(state->schema_bytes + 1, 4096) * 4096 + shf_ceil_div(state->sums_bytes, 4096) * 4096;
    for (size_t i = 0; i < state->layout->n_arrays; i++)
        total += shf_ceil_div(state->arrays[i].data_offset + state->arrays[i].rows * state->layout->arrays[i].row_bytes, 4096) * 4096;
    *allocated_bytes = total;
    *written_bytes = state->written;
    return SHEAF_OK;
}

static sheaf_status npy_array_bytes(void *opaque, size_t i, uint64_t *stored_bytes, sheaf_error *err)
{
    (void)err;
    const npy_state *state = opaque;
    *stored_bytes = shf_array_rows(state->layout, &state->layout->arrays[i]) * state->layout->arrays[i].row_bytes;
    return SHEAF_OK;
}

static sheaf_status npy_remove(const char *path, sheaf_error *err)
{
    if (!npy_probe(path)) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "%s is no .npyd store", path);
    return shf_path_remove_tree(path, err);
}

static const char *const g_suffixes[] = {".npyd", NULL};

const shf_backend_ops shf_npy_ops = {
    .name = "npy",
    .suffixes = g_suffixes,
    .flags = SHF_BACKEND_ROWS,
    .probe = npy_probe,
    .sidecar = npy_sidecar,
    .plan = npy_plan,
    .create = npy_create,
    .moved = npy_moved,
    .open = npy_open,
    .checkpoint_begin = npy_checkpoint_begin,
    .checkpoint_end = npy_checkpoint_end,
    .put_rows = npy_put_rows,
    .publish = npy_publish,
    .get_rows = npy_get_rows,
    .map = npy_map,
    .refresh = npy_refresh,
    .sync = npy_sync,
    .usage = npy_usage,
    .verify = shf_npyd_verify,
    .array_bytes = npy_array_bytes,
    .remove = npy_remove,
    .close = npy_close,
};
