// SPDX-License-Identifier: Apache-2.0
#include "interchange/export.h"
#include "interchange/parquet_out.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

typedef struct text_file {
    shf_file *file;
    uint64_t offset;
} text_file;

static sheaf_status write_text(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    text_file *t = context;
    SHF_TRY(shf_file_write(t->file, bytes, n, t->offset, err));
    t->offset += n;
    return SHEAF_OK;
}

#define TEXT(name, text)                                                                                                           \
    static sheaf_status name(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err) \
    {                                                                                                                              \
        text_file t = {file, 0};                                                                                                   \
        return sheaf_table_write(store, spec, text, write_text, &t, n_rows, err);                                                  \
    }
TEXT(write_csv, SHEAF_TEXT_CSV)
TEXT(write_tsv, SHEAF_TEXT_TSV)
TEXT(write_json, SHEAF_TEXT_JSON)
#undef TEXT

static const shf_export_type types[] = {
    {"csv", write_csv, NULL},      {"tsv", write_tsv, NULL},      {"json", write_json, NULL},
    {"npy", shf_export_npy, NULL}, {"npz", shf_export_npz, NULL}, {"parquet", NULL, shf_export_parquet},
};
#define N_TYPES (sizeof types / sizeof types[0])

const char *sheaf_export_type(size_t i)
{
    return i < N_TYPES ? types[i].name : NULL;
}

static sheaf_status find_type(const char *path, const shf_export_type **out, sheaf_error *err)
{
    char known[120];
    size_t n = 0;
    const char *suffix = strrchr(shf_path_base(path), '.');
    for (size_t i = 0; i < N_TYPES; i++) {
        if (suffix && strcmp(types[i].name, suffix + 1) == 0) {
            *out = &types[i];
            return SHEAF_OK;
        }
        if (n < sizeof known) n += (size_t)snprintf(known + n, sizeof known - n, " .%s", types[i].name);
    }
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "unknown suffix \"%.20s\" of an export; known:%s",
                       suffix ? suffix : "", known);
}

static sheaf_status write_beside(sheaf_store *store, const sheaf_table_spec *spec, const shf_export_type *type, const char *path,
                                 const char *beside, uint64_t *n_rows, sheaf_error *err)
{
    shf_file file = SHF_FILE_CLOSED;
    SHF_TRY(shf_file_open(&file, beside, SHF_OPEN_TRUNCATE, err));
    sheaf_status status = type->write(store, spec, &file, n_rows, err);
    sheaf_status closed = shf_file_close(&file, status == SHEAF_OK ? err : NULL);
    if (status == SHEAF_OK) status = closed;
    if (status == SHEAF_OK) status = shf_path_rename(beside, path, err);
    if (status != SHEAF_OK) {
        sheaf_status removed = shf_path_unlink(beside, NULL);
        (void)removed; /* the first error is the one to tell */
    }
    return status;
}

/* Arrays and series go out whole; what cannot be honoured is refused. */
static sheaf_status check_selection(sheaf_store *store, const sheaf_table_spec *spec, const shf_export_type *type, const char *path,
                                    sheaf_error *err)
{
    bool selects = spec->ids || spec->time.kind != SHEAF_SELECT_ALL || spec->max_rows, is_long = false;
    if (!selects) return SHEAF_OK;
    if (type->write_path && !spec->wide) SHF_TRY(shf_export_is_long(store, spec->what, &is_long, err));
    bool whole = type->write == shf_export_npy || type->write == shf_export_npz || spec->wide || is_long;
    if (!whole) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1,
                       "a selection of ids, times or rows is not supported for %s; take .csv, .tsv or .json",
                       is_long || spec->wide ? "series as .parquet" : strrchr(path, '.'));
}

sheaf_status sheaf_export(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err)
{
    const shf_export_type *type;
    if (!store || !spec || !path) return shf_fail(err, SHEAF_ERR_ARGUMENT, "an export needs a store, a spec and a path");
    if (spec->size_bytes != sizeof *spec || !spec->what)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "an export needs a spec of %zu bytes that says what", sizeof *spec);
    SHF_TRY(find_type(path, &type, err));
    SHF_TRY(check_selection(store, spec, type, path, err));
    if (type->write_path) return type->write_path(store, spec, path, n_rows, err);
    if (spec->wide) return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "wide tables are written as .parquet only");
    size_t n = strlen(path) + sizeof ".sheaf-tmp";
    char *beside = shf_malloc(n);
    if (!beside) return shf_fail_memory(err, n, "a path");
    snprintf(beside, n, "%s.sheaf-tmp", path);
    sheaf_status status = write_beside(store, spec, type, path, beside, n_rows, err);
    shf_free(beside);
    return status;
}
