// SPDX-License-Identifier: Apache-2.0
/* A small store of a loss stream, one file of which is changed as the input says: {u8 format, u8 file, then u16 place, u8 byte, repeated; a place beyond
 * the end cuts the file}. Opening and reading it may fail, no more. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sheaf/loss.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "io/file.h"

enum { FORMATS = 2, MOST_FILES = 64 };

typedef struct stored_file {
    char *path;
    shf_buf bytes;
} stored_file;

static char folder[64];
static stored_file files[FORMATS][MOST_FILES];
static size_t n_files[FORMATS];
static const char *const names[FORMATS] = {"s.zarr", "s.npyd"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct walk {
    const char *folder;
    size_t format;
} walk;

static sheaf_status note(void *context, const char *name, sheaf_error *err)
{
    const walk *w = context;
    shf_path_kind kind;
    char *path = shf_path_join(w->folder, name);
    if (!path || shf_path_stat(path, &kind, NULL, err)) abort();
    if (kind == SHF_PATH_FOLDER) {
        walk below = {path, w->format};
        sheaf_status status = shf_path_list(path, note, &below, err);
        shf_free(path);
        return status;
    }
    if (n_files[w->format] == MOST_FILES) abort();
    stored_file *f = &files[w->format][n_files[w->format]++];
    f->path = path;
    return shf_path_read(path, 1 << 24, &f->bytes, err);
}

static void clean_up(void)
{
    (void)!shf_path_remove_tree(folder, NULL);
}

static void make_stores(void)
{
    static const int32_t words[] = {0x02000001, 12, 1, 1, -4, 0x3e800000, 1, 0x40000000, 3, 0x41000000, 0, 0, 1, 2, 2,
                                    0x7fc00001, 0,  7, 2, 1,  5,          1, 1,          6, 0,          0, 3, 9, 4, 0x42000000};
    snprintf(folder, sizeof folder, "/tmp/sheaf-fuzz-XXXXXX");
    if (!mkdtemp(folder)) abort();
    atexit(clean_up);
    for (size_t i = 0; i < FORMATS; i++) {
        sheaf_store_options options = sheaf_store_options_init();
        sheaf_loss_store_options o = sheaf_loss_store_options_init();
        sheaf_loss_store *store;
        o.store = &options;
        char *path = shf_path_join(folder, names[i]);
        if (sheaf_loss_store_create(path, &o, &store, NULL) || sheaf_loss_store_feed(store, words, sizeof words, NULL) ||
            sheaf_loss_store_end_stream(store, NULL) || sheaf_loss_store_close(&store, NULL))
            abort();
        walk w = {path, i};
        if (shf_path_list(path, note, &w, NULL)) abort();
        shf_free(path);
    }
}

static void put_file(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) abort();
}

static sheaf_status drop(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    (void)bytes, (void)err;
    *(size_t *)context += n;
    return SHEAF_OK;
}

static void read_store(const char *path)
{
    sheaf_loss_replay *replay;
    sheaf_store_options options = sheaf_store_options_init();
    options.memory_bytes = 16 << 20;
    size_t n = 0;
    const int32_t event = 1;
    if (sheaf_loss_replay_open(path, &options, &replay, NULL)) return;
    if (sheaf_loss_replay_run(replay, NULL, 0, NULL, 0, 0, drop, &n, NULL) == SHEAF_OK && n < 8) abort();
    if (sheaf_loss_replay_run(replay, &event, 1, NULL, 0, 0, drop, &n, NULL) == SHEAF_OK && n < 8) abort();
    sheaf_loss_replay_free(&replay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!folder[0]) make_stores();
    if (size < 5) return 0;
    size_t format = data[0] % FORMATS;
    stored_file *f = &files[format][data[1] % n_files[format]];
    size_t n = f->bytes.size;
    uint8_t *changed = malloc(n ? n : 1);
    if (!changed) return 0;
    if (n) memcpy(changed, f->bytes.data, n);
    for (size_t at = 2; at + 3 <= size; at += 3) {
        size_t place = (size_t)data[at] | (size_t)data[at + 1] << 8;
        if (place < n) changed[place] ^= data[at + 2];
        else n = n * data[at + 2] / 256;
    }
    put_file(f->path, changed, n);
    char *path = shf_path_join(folder, names[format]);
    read_store(path);
    shf_free(path);
    put_file(f->path, f->bytes.data, f->bytes.size);
    free(changed);
    return 0;
}
