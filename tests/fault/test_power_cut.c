// SPDX-License-Identifier: Apache-2.0
/* The calls of a small run with `sync` on are recorded; then the disk is rebuilt as a power cut may leave it: after each call, with what was
 * synced, and of the rest all, nothing, or a part. Whatever a commit had returned for must be there.
 *
 * The model: data written or cut stays for sure once its file was synced; names (made, renamed, removed) once their folder was synced, and
 * until then each may have come about or not, in their order: a prefix. */
#include <errno.h>

#include "fault/faults.h"

typedef struct recorded {
    shf_io_op op;
    char *path, *path2;
    uint8_t *bytes;
    size_t size;
    uint64_t offset;
    uint64_t trajectories, events, steps; /* what was promised when the call was made */
} recorded;

typedef struct recording {
    recorded *calls;
    size_t n, capacity;
    const run_progress *progress;
} recording;

static int record(void *context, const shf_io_call *call)
{
    recording *r = context;
    switch (call->op) {
    case SHF_IO_READ:
    case SHF_IO_STAT:
    case SHF_IO_LIST:
    case SHF_IO_LOCK:
    case SHF_IO_MAP:
    case SHF_IO_CLOSE: return 0;
    default: break;
    }
    if (call->op == SHF_IO_OPEN && call->size == SHF_OPEN_READ) return 0;
    if (r->n == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 256;
        r->calls = realloc(r->calls, r->capacity * sizeof *r->calls);
    }
    recorded *c = &r->calls[r->n++];
    *c = (recorded){.op = call->op, .size = call->size, .offset = call->offset};
    c->path = call->path ? strdup(call->path) : NULL;
    c->path2 = call->path2 ? strdup(call->path2) : NULL;
    if (call->op == SHF_IO_WRITE && call->size) {
        c->bytes = malloc(call->size);
        memcpy(c->bytes, call->bytes, call->size);
    }
    c->trajectories = r->progress->trajectories;
    c->events = r->progress->events;
    c->steps = r->progress->steps_done;
    return 0;
}

static bool is_name_call(const recorded *c)
{
    return c->op == SHF_IO_OPEN || c->op == SHF_IO_MKDIR || c->op == SHF_IO_RENAME || c->op == SHF_IO_UNLINK;
}

static bool in_folder(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return !strncmp(path, folder, n) && path[n] == '/' && !strchr(path + n + 1, '/');
}

/* Whether call i of a run that was cut before call `cut` is sure to be on the disk. A file keeps its data under a name that it gets later. */
static bool is_sure(const recording *r, size_t i, size_t cut)
{
    const recorded *c = &r->calls[i];
    const char *name = c->path;
    for (size_t k = i + 1; k < cut; k++) {
        const recorded *later = &r->calls[k];
        if (is_name_call(c) && later->op == SHF_IO_SYNC_FOLDER && in_folder(c->op == SHF_IO_RENAME ? c->path2 : c->path, later->path))
            return true;
        if (!is_name_call(c) && later->op == SHF_IO_SYNC && !strcmp(later->path, name)) return true;
        if (!is_name_call(c) && later->op == SHF_IO_RENAME && !strcmp(later->path, name)) name = later->path2;
    }
    return false;
}

/* Does one call again, on the real disk. A file that does not exist (its making was lost) has no data to lose. */
static void do_again(const recorded *c)
{
    sheaf_error err;
    shf_file file = SHF_FILE_CLOSED;
    shf_path_kind kind;
    switch (c->op) {
    case SHF_IO_OPEN:
        if (c->size == SHF_OPEN_WRITE) return;
        if (shf_file_open(&file, c->path, c->size == SHF_OPEN_TRUNCATE ? SHF_OPEN_TRUNCATE : SHF_OPEN_CREATE, &err) == SHEAF_OK)
            expect_ok(shf_file_close(&file, &err));
        return;
    case SHF_IO_MKDIR: (void)!shf_path_mkdir(c->path, NULL); return;
    case SHF_IO_RENAME: (void)!shf_path_rename(c->path, c->path2, NULL); return;
    case SHF_IO_UNLINK:
        expect_ok(shf_path_stat(c->path, &kind, NULL, &err));
        if (kind == SHF_PATH_FILE) expect_ok(shf_path_unlink(c->path, &err));
        return;
    case SHF_IO_WRITE:
    case SHF_IO_TRUNCATE:
        if (shf_file_open(&file, c->path, SHF_OPEN_WRITE, NULL) != SHEAF_OK) return;
        if (c->op == SHF_IO_WRITE) expect_ok(shf_file_write(&file, c->bytes, c->size, c->offset, &err));
        else expect_ok(shf_file_truncate(&file, c->size, &err));
        expect_ok(shf_file_close(&file, &err));
        return;
    default: return;
    }
}

/* How the unsynced calls fared: all done, none, the names without the data, the data without the names, each data call by chance. */
typedef enum fate { ALL, NONE, NAMES, DATA, SOME, N_FATES } fate;

static void rebuild(const recording *r, size_t cut, fate how, const char *folder, uint64_t *random)
{
    sheaf_error err;
    expect_ok(shf_path_remove_tree(folder, &err));
    expect_ok(shf_path_mkdir(folder, &err));
    for (size_t i = 0; i < cut; i++) {
        const recorded *c = &r->calls[i];
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        bool name = is_name_call(c);
        bool lucky = how == ALL || (how == NAMES && name) || (how == DATA && !name) || (how == SOME && (name || *random >> 63));
        if (lucky || is_sure(r, i, cut)) do_again(c);
    }
}

static void cut_everywhere(size_t format)
{
    sheaf_error err;
    test_folder folder;
    char path[512], inner[400];
    folder_make(&folder);
    snprintf(inner, sizeof inner, "%s/disk", folder.path);
    expect_ok(shf_path_mkdir(inner, &err));
    test_folder disk;
    snprintf(disk.path, sizeof disk.path, "%.250s", inner);
    store_path(&disk, format, "run", path, sizeof path);
    run_progress progress = {0};
    recording r = {.progress = &progress};
    shf_io_set_hook(record, &r);
    expect_ok(run_steps_with(format, path, true, &progress, &err));
    shf_io_set_hook(NULL, NULL);
    uint64_t random = 1, disks = 0;
    /* The store's own making is over when the first step is promised. */
    for (size_t cut = 0; cut <= r.n; cut += run_stride()) {
        const recorded *next = cut < r.n ? &r.calls[cut] : NULL;
        run_progress promised = {1, next ? next->trajectories : progress.trajectories, next ? next->events : progress.events,
                                 next ? next->steps : progress.steps_done};
        if (!promised.steps_done) continue;
        for (int how = ALL; how < N_FATES; how++, disks++) {
            rebuild(&r, cut, (fate)how, inner, &random);
            if (getenv("SHEAF_TEST_TRACE")) {
                fprintf(stderr, "cut %zu, fate %d\n", cut, how);
                for (size_t i = cut > 12 ? cut - 12 : 0; i < cut; i++)
                    fprintf(stderr, "   %d %s %s %zu at %llu\n", (int)r.calls[i].op, r.calls[i].path,
                            r.calls[i].path2 ? r.calls[i].path2 : "", r.calls[i].size, (unsigned long long)r.calls[i].offset);
            }
            expect_survived(format, path, &promised);
        }
    }
    printf("%s: %zu calls recorded, %llu disks rebuilt, nothing committed was lost\n", sheaf_format_name(format), r.n,
           (unsigned long long)disks);
    for (size_t i = 0; i < r.n; i++) {
        free(r.calls[i].path);
        free(r.calls[i].path2);
        free(r.calls[i].bytes);
    }
    free(r.calls);
    folder_remove(&folder);
}

static void power_cut_loses_nothing_that_was_committed_with_sync(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++)
        if (!is_mem(f)) cut_everywhere(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(power_cut_loses_nothing_that_was_committed_with_sync)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
