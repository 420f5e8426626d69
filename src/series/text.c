// SPDX-License-Identifier: Apache-2.0
/* Series in text files. The first use finds where the lines begin (without reading their numbers); after that a read parses the lines
 * that it needs and no others. The file is open during a read only, so a study may have thousands of series. */
#include "base/alloc.h"
#include "series/sources.h"
#include "series/text.h"

static bool is_indexed(shf_text *source)
{
    pthread_mutex_lock(&source->mutex);
    bool indexed = source->indexed;
    pthread_mutex_unlock(&source->mutex);
    return indexed;
}

static sheaf_status text_shape(void *state, int64_t *n_times, int64_t *n_columns, sheaf_error *err)
{
    shf_text *source = state;
    sheaf_status status = SHEAF_OK;
    if (!is_indexed(source)) {
        shf_file file;
        char *buffer;
        status = shf_text_begin_read(source, &file, &buffer, err);
        shf_text_end_read(&file, buffer);
    }
    *n_times = source->n_rows;
    *n_columns = source->n_columns;
    return status;
}

static void text_free(void *state)
{
    shf_text *source = state;
    if (!source) return;
    pthread_mutex_destroy(&source->mutex);
    shf_free(source->row_at);
    shf_free(source->path);
    shf_free(source);
}

static const shf_source_ops text_ops = {text_shape, shf_text_read, text_free, false};

static sheaf_status open_text(const char *path, char delimiter, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    shf_text *source = shf_calloc(1, sizeof *source);
    char *copy = shf_strdup(path);
    if (!source || !copy) {
        shf_free(source);
        shf_free(copy);
        return shf_fail_memory(err, sizeof *source, "a series");
    }
    source->path = copy;
    source->delimiter = delimiter;
    pthread_mutex_init(&source->mutex, NULL);
    *ops = &text_ops;
    *state = source;
    return SHEAF_OK;
}

sheaf_status shf_text_open_blank(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    return open_text(path, ' ', ops, state, err);
}

sheaf_status shf_text_open_tab(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    return open_text(path, '\t', ops, state, err);
}

sheaf_status shf_text_open_comma(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    return open_text(path, ',', ops, state, err);
}
