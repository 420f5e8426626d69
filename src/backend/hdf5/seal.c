// SPDX-License-Identifier: Apache-2.0
/* What stands between damaged metadata and libhdf5, which can die of it. */
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/hdf5/library.h"
#include "backend/hdf5/state.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"

/* Of one array, in a trial. */
#define MOST_CHUNKS ((uint64_t)1 << 20)
/* A trial that takes longer has met an endless loop. */
enum { TRIAL_MS = 20000 };

/* A seal behind the damaged superblock, or at the end of the file, that fits the file. */
static bool find_seal(const shf_file *file, uint8_t seal[SHF_H5_SEAL_BYTES], shf_h5_superblock *superblock)
{
    uint64_t size;
    if (shf_file_size(file, &size, NULL) != SHEAF_OK || size < SHF_H5_FIRST_CHUNK) return false;
    const uint64_t places[] = {SHF_H5_SUPERBLOCK_BYTES, size - SHF_H5_SEAL_BYTES};
    for (int i = 0; i < 2; i++) {
        size_t got = 0;
        if (shf_file_read_some(file, seal, SHF_H5_SEAL_BYTES, places[i], &got, NULL) != SHEAF_OK || got != SHF_H5_SEAL_BYTES) continue;
        if (shf_h5_seal_parse(seal, superblock) && superblock->root >= SHF_H5_FIRST_CHUNK && superblock->end <= size) return true;
    }
    return false;
}

bool shf_h5_has_seal(const shf_file *file)
{
    uint8_t seal[SHF_H5_SEAL_BYTES];
    shf_h5_superblock superblock;
    return find_seal(file, seal, &superblock);
}

sheaf_status shf_h5_check_superblock(const shf_h5_state *state, sheaf_error *err)
{
    if (!shf_h5_has_seal(&state->file)) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, 0,
                       "%s: the superblock at byte 0 is damaged; its copy at the end of the metadata is whole, so repair can restore it",
                       state->path);
}

sheaf_status shf_h5_mend_superblock(shf_h5_state *state, sheaf_error *err)
{
    uint8_t head[SHF_H5_HEAD_BYTES] = {0};
    size_t got;
    shf_h5_superblock superblock;
    SHF_TRY(shf_file_read_some(&state->file, head, sizeof head, 0, &got, err));
    if (shf_h5_superblock_parse(head, got, &superblock) || !find_seal(&state->file, head + SHF_H5_SUPERBLOCK_BYTES, &superblock))
        return SHEAF_OK;
    memcpy(head, head + SHF_H5_SUPERBLOCK_BYTES + 8, SHF_H5_SUPERBLOCK_BYTES);
    SHF_TRY(shf_h5_write(state, head, sizeof head, 0, err));
    state->superblock_wrong = true;
    return state->sync ? shf_file_sync(&state->file, err) : SHEAF_OK;
}

/* Asks libhdf5 all that a reader or writer will. */
static sheaf_status ask_all(shf_h5_state *state)
{
    bool foreign;
    sheaf_error err;
    SHF_TRY(shf_h5_open_library(state, &err));
    SHF_TRY(shf_h5_structure_read(state, &foreign, &err));
    for (size_t i = 0; i < state->n_arrays; i++) {
        const shf_array *array = &state->layout->arrays[i];
        uint64_t rows = array->record >= 0 ? state->lengths[array->record] : array->shape[0], n;
        if (state->arrays[i].by_library || !shf_mul_u64(shf_ceil_div(rows, array->chunk[0]), array->n_columns, &n))
            return SHEAF_ERR_DAMAGED;
        for (uint64_t index = 0; index < shf_min_u64(n, MOST_CHUNKS); index++) {
            shf_h5_chunk chunk;
            sheaf_status status = shf_h5_locate(state, i, index, &chunk, &err);
            if (status != SHEAF_OK && !state->repair) return status;
        }
        (void)shf_h5_check_index(state, i, 0, &err);
    }
    SHF_TRY(shf_h5_structure_lengths(state, &err));
    return shf_h5_structure_attributes(state, &err);
}

/* Closing too: a heap that was broken on the way shows then. */
static sheaf_status read_all(shf_h5_state *state)
{
    sheaf_status status = ask_all(state);
    shf_h5_reader_close(state);
    void *probes[64];
    for (int i = 0; i < 64; i++) probes[i] = shf_malloc((size_t)24 << i % 12);
    for (int i = 0; i < 64; i++) shf_free(probes[i]);
    return status;
}

/* In the child; ends it. */
static void try_in_child(const shf_h5_state *state)
{
    shf_layout layout = {0};
    shf_h5_state *own;
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    /* What is used before it is set does harm here, not only where the heap happens to be dirty. */
#ifdef M_PERTURB
    (void)mallopt(M_PERTURB, 0xa5);
#endif
    shf_h5_lock();
    (void)H5garbage_collect();
    shf_h5_unlock();
    (void)close(STDERR_FILENO); /* what the C library has to say of a broken heap is not for the user */
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) (void)signal(deadly[i], SIG_DFL);
    if (shf_h5_state_new(state->path, &layout, false, false, &own, NULL) != SHEAF_OK) _exit(1);
    own->medium = state->medium;
    own->medium.file = &state->file;
    own->repair = state->repair;
    _exit(read_all(own) == SHEAF_OK ? 0 : 1);
}

/* Its exit status; -1 when it died, was too slow, or cannot be known. */
static int await(pid_t child)
{
    int how = 0;
    pid_t ended = 0;
    for (int ms = 0; ms < TRIAL_MS && (ended = waitpid(child, &how, WNOHANG)) == 0; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (ended == 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &how, 0);
    }
    return ended == child && WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

sheaf_status shf_h5_trial(shf_h5_state *state, sheaf_error *err)
{
    const shf_h5_medium *medium = &state->medium;
    /* No other thread is in libhdf5 while its state is copied. */
    shf_h5_lock();
    pid_t child = fork();
    if (child != 0) shf_h5_unlock();
    if (child == 0) {
        shf_h5_unlock();
        try_in_child(state);
    }
    if (child > 0 && await(child) == 0) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, (int64_t)medium->start,
                       "%s: the metadata (bytes %llu to %llu) is damaged: it is not what its checksum says, and cannot be read",
                       state->path, (unsigned long long)medium->start, (unsigned long long)(medium->start + medium->region.size));
}
