// SPDX-License-Identifier: Apache-2.0
/* The only system calls of the library: files, folders, maps, locks; with one seam where tests fail, shorten, count, record or kill. */
#ifndef SHF_IO_FILE_H
#define SHF_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

typedef struct shf_file {
    int fd;     /* -1 when closed */
    char *path; /* Owned */
} shf_file;

// clang-format off
#define SHF_FILE_CLOSED {-1, NULL}
// clang-format on

typedef enum shf_open_mode {
    SHF_OPEN_READ,
    SHF_OPEN_WRITE,     /* read and write, must exist */
    SHF_OPEN_CREATE,    /* read and write, made when absent, kept when there */
    SHF_OPEN_EXCLUSIVE, /* read and write, an error (SHEAF_ERR_EXISTS) when there */
    SHF_OPEN_TRUNCATE,  /* read and write, made or emptied */
} shf_open_mode;

sheaf_status shf_file_open(shf_file *file, const char *path, shf_open_mode mode, sheaf_error *err);
/* NULL-safe in its state: a closed file is fine. The error of close(2) is reported, the descriptor is gone either way. */
sheaf_status shf_file_close(shf_file *file, sheaf_error *err);
/* The open file has another name from now on (errors tell it). */
sheaf_status shf_file_moved(shf_file *file, const char *path, sheaf_error *err);
/* Reads exactly n bytes; an earlier end is SHEAF_ERR_DAMAGED with "expected N bytes at OFFSET, got M". */
sheaf_status shf_file_read(const shf_file *file, void *to, size_t n, uint64_t offset, sheaf_error *err);
/* Reads up to n bytes; *got says how many (0 at the end). */
sheaf_status shf_file_read_some(const shf_file *file, void *to, size_t n, uint64_t offset, size_t *got, sheaf_error *err);
/* Writes all n bytes at offset; repeats short writes and EINTR. */
sheaf_status shf_file_write(const shf_file *file, const void *from, size_t n, uint64_t offset, sheaf_error *err);
sheaf_status shf_file_size(const shf_file *file, uint64_t *size_bytes, sheaf_error *err);
/* Bytes really allocated (st_blocks × 512). */
sheaf_status shf_file_allocated(const shf_file *file, uint64_t *allocated_bytes, sheaf_error *err);
sheaf_status shf_file_truncate(const shf_file *file, uint64_t size_bytes, sheaf_error *err);
/* fdatasync. */
sheaf_status shf_file_sync(const shf_file *file, sheaf_error *err);
/* Advisory lock of the whole file (flock): exclusive or shared, without waiting. *got says whether it was had. A dead process leaves none. */
sheaf_status shf_file_lock(const shf_file *file, bool exclusive, bool *got, sheaf_error *err);
sheaf_status shf_file_unlock(const shf_file *file, sheaf_error *err);
/* The writer's lock of a store (an open-file-description lock, apart from flock): taken without waiting; and the question whether another holds it, which
 * disturbs nobody. */
sheaf_status shf_file_own(const shf_file *file, bool *got, sheaf_error *err);
sheaf_status shf_file_owned(const shf_file *file, bool *owned, sheaf_error *err);
/* Whether path still names the file that is open. */
sheaf_status shf_file_is_at(const shf_file *file, const char *path, bool *same, sheaf_error *err);

/* Whole files. shf_path_read refuses files above max_bytes (SHEAF_ERR_RANGE). */
sheaf_status shf_path_read(const char *path, size_t max_bytes, shf_buf *out, sheaf_error *err);
/* Writes beside the place (PATH.sheaf-tmp) and renames over it, so that readers see the old or the new whole; with sync, data and folder
 * are synced. */
sheaf_status shf_path_replace(const char *path, const void *bytes, size_t n, bool sync, sheaf_error *err);

typedef enum shf_path_kind { SHF_PATH_NONE, SHF_PATH_FILE, SHF_PATH_FOLDER, SHF_PATH_OTHER } shf_path_kind;
/* What lies at path; errors other than "not there" are reported. */
sheaf_status shf_path_stat(const char *path, shf_path_kind *kind, uint64_t *size_bytes, sheaf_error *err);
/* Whether both name one file or folder; false when either is not there. */
bool shf_path_same(const char *a, const char *b);
/* Whether path names folder itself or something in it (a group of an HDF5 file too), links followed. */
bool shf_path_within(const char *path, const char *folder);
/* SHEAF_ERR_UNSUPPORTED when a part of path below the first root_length bytes is a symbolic link: a writer does not follow those, so that nothing
 * outside of a store is written. What is not there is fine. */
sheaf_status shf_path_no_link(const char *path, size_t root_length, sheaf_error *err);
sheaf_status shf_path_rename(const char *from, const char *to, sheaf_error *err);
/* SHEAF_ERR_EXISTS, and nothing done, when something is at `to`. */
sheaf_status shf_path_rename_new(const char *from, const char *to, sheaf_error *err);
/* Each gets the other's name, at one moment where the file system can. */
sheaf_status shf_path_exchange(const char *a, const char *b, sheaf_error *err);
sheaf_status shf_path_unlink(const char *path, sheaf_error *err);        /* absent is fine */
sheaf_status shf_path_remove_tree(const char *path, sheaf_error *err);   /* does not follow symbolic links; absent is fine */
sheaf_status shf_path_remove_folder(const char *path, sheaf_error *err); /* an empty one */
sheaf_status shf_path_mkdir(const char *path, sheaf_error *err);         /* SHEAF_ERR_EXISTS when there */
sheaf_status shf_path_sync_folder(const char *folder, sheaf_error *err);
/* Bytes allocated by a file, or by a folder and all below it: what du counts. */
sheaf_status shf_path_allocated(const char *path, uint64_t *allocated_bytes, sheaf_error *err);
/* Calls visit for each entry's name (sorted by byte order, "." and ".." left out), until it returns not SHEAF_OK. */
sheaf_status shf_path_list(const char *folder, sheaf_status (*visit)(void *context, const char *name, sheaf_error *err), void *context,
                           sheaf_error *err);
/* "FOLDER/NAME"; Owned by the caller, NULL when out of memory. */
char *shf_path_join(const char *folder, const char *name);
/* path as an absolute path, without resolving symbolic links; Owned by the caller, NULL when out of memory or the working folder is gone. */
char *shf_path_absolute(const char *path);
/* The last name, Borrowed from path: slashes that end the path stay with it ("x/" of "a/x/"). */
const char *shf_path_base(const char *path);
/* Folder that holds path ("." when it names none); Owned by the caller. */
char *shf_path_parent(const char *path);

typedef struct shf_map {
    const void *data;
    size_t size;
} shf_map;
/* Read-only shared map of the first size_bytes of a file (which must be there). Whoever shortens the file under a map kills the process. */
sheaf_status shf_map_open(shf_map *map, const shf_file *file, size_t size_bytes, sheaf_error *err);
void shf_map_close(shf_map *map);

/* ---- the seam ---- */
typedef enum shf_io_op {
    SHF_IO_OPEN,
    SHF_IO_READ,
    SHF_IO_WRITE,
    SHF_IO_TRUNCATE,
    SHF_IO_SYNC,
    SHF_IO_RENAME,
    SHF_IO_UNLINK,
    SHF_IO_MKDIR,
    SHF_IO_CLOSE,
    SHF_IO_LOCK,
    SHF_IO_STAT,
    SHF_IO_LIST,
    SHF_IO_MAP,
    SHF_IO_SYNC_FOLDER,
} shf_io_op;
typedef struct shf_io_call {
    shf_io_op op;
    const char *path;  /* may be NULL where only a descriptor is known */
    const char *path2; /* target of a rename */
    const void *bytes; /* of a write */
    size_t size;       /* of a read or write; new size of a truncate */
    uint64_t offset;
} shf_io_call;
/* Called before each system call. Returns 0 to go on, an errno to fail with it, or SHF_IO_SHORT to transfer only half the bytes (reads
 * and writes of 2 bytes and more). */
#define SHF_IO_SHORT (-1)
typedef int (*shf_io_hook)(void *context, const shf_io_call *call);
/* NULL turns it off. Not while other threads are in calls. */
void shf_io_set_hook(shf_io_hook hook, void *context);

#endif
