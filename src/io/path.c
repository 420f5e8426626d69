// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/file.h"
#include "io/seam.h"

char *shf_path_join(const char *folder, const char *name)
{
    size_t a = strlen(folder), b = strlen(name);
    char *path = shf_malloc(a + b + 2);
    if (!path) return NULL;
    memcpy(path, folder, a);
    if (a && folder[a - 1] != '/') path[a++] = '/';
    memcpy(path + a, name, b + 1);
    return path;
}

char *shf_path_absolute(const char *path)
{
    if (path[0] == '/') return shf_strdup(path);
    char *folder = getcwd(NULL, 0); /* Owned; from the C library's own malloc */
    char *absolute = folder ? shf_path_join(folder, path) : NULL;
    free(folder);
    return absolute;
}

const char *shf_path_base(const char *path)
{
    const char *end = path + strlen(path);
    while (end > path + 1 && end[-1] == '/') end--;
    while (end > path && end[-1] != '/') end--;
    return end;
}

char *shf_path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return shf_strdup(".");
    size_t n = slash == path ? 1 : (size_t)(slash - path);
    char *parent = shf_malloc(n + 1);
    if (!parent) return NULL;
    memcpy(parent, path, n);
    parent[n] = '\0';
    return parent;
}

sheaf_status shf_path_stat(const char *path, shf_path_kind *kind, uint64_t *size_bytes, sheaf_error *err)
{
    struct stat st;
    *kind = SHF_PATH_NONE;
    if (size_bytes) *size_bytes = 0;
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_STAT, .path = path});
    int system_errno = fault > 0 && fault != EINTR ? fault : stat(path, &st) ? errno : 0;
    if (system_errno == ENOENT || system_errno == ENOTDIR) return SHEAF_OK;
    if (system_errno) return shf_fail_errno(err, system_errno, "cannot stat", path);
    *kind = S_ISREG(st.st_mode) ? SHF_PATH_FILE : S_ISDIR(st.st_mode) ? SHF_PATH_FOLDER : SHF_PATH_OTHER;
    if (size_bytes) *size_bytes = (uint64_t)st.st_size;
    return SHEAF_OK;
}

sheaf_status shf_path_read(const char *path, size_t max_bytes, shf_buf *out, sheaf_error *err)
{
    shf_file file = SHF_FILE_CLOSED;
    SHF_TRY(shf_file_open(&file, path, SHF_OPEN_READ, err));
    uint64_t size = 0;
    out->size = 0;
    sheaf_status status = shf_file_size(&file, &size, err);
    if (status == SHEAF_OK && size > max_bytes)
        status = shf_fail_at(err, SHEAF_ERR_RANGE, path, NULL, -1, -1, "%s has %llu bytes, more than the %zu allowed", path,
                             (unsigned long long)size, max_bytes);
    if (status == SHEAF_OK) status = shf_buf_resize(out, (size_t)size, err);
    if (status == SHEAF_OK) status = shf_file_read(&file, out->data, (size_t)size, 0, err);
    sheaf_status closed = shf_file_close(&file, status == SHEAF_OK ? err : NULL);
    return status != SHEAF_OK ? status : closed;
}

sheaf_status shf_path_rename(const char *from, const char *to, sheaf_error *err)
{
    for (;;) {
        int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_RENAME, .path = from, .path2 = to});
        if (fault <= 0 && !rename(from, to)) return SHEAF_OK;
        int system_errno = fault > 0 ? fault : errno;
        if (system_errno != EINTR) return shf_fail_errno(err, system_errno, "cannot rename to", to);
    }
}

/* Once, with renameat2's flags; its errno, 0 when done. */
static int rename_with(const char *from, const char *to, unsigned flags)
{
    for (;;) {
        int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_RENAME, .path = from, .path2 = to});
        if (fault <= 0 && !renameat2(AT_FDCWD, from, AT_FDCWD, to, flags)) return 0;
        int system_errno = fault > 0 ? fault : errno;
        if (system_errno != EINTR) return system_errno;
    }
}

static bool unknown_flags(int system_errno)
{
    return system_errno == EINVAL || system_errno == ENOSYS || system_errno == ENOTSUP;
}

/* Where the file system knows no rename that spares what is there: a file's second name does; a folder is not renamed over what is not empty. */
static int rename_new_plainly(const char *from, const char *to)
{
    struct stat st;
    if (lstat(from, &st)) return errno;
    if (S_ISDIR(st.st_mode)) return rename(from, to) ? (errno == ENOTEMPTY || errno == ENOTDIR ? EEXIST : errno) : 0;
    if (link(from, to)) return errno;
    (void)unlink(from);
    return 0;
}

sheaf_status shf_path_rename_new(const char *from, const char *to, sheaf_error *err)
{
    int system_errno = rename_with(from, to, RENAME_NOREPLACE);
    if (unknown_flags(system_errno)) system_errno = rename_new_plainly(from, to);
    if (system_errno == EEXIST) return shf_fail_at(err, SHEAF_ERR_EXISTS, to, NULL, -1, -1, "%s exists already", to);
    return system_errno ? shf_fail_errno(err, system_errno, "cannot rename to", to) : SHEAF_OK;
}

/* In three steps, the first of them taken back when the second fails. */
static sheaf_status exchange_plainly(const char *a, const char *b, sheaf_error *err)
{
    size_t n = strlen(a);
    char *aside = shf_malloc(n + sizeof ".sheaf-old");
    if (!aside) return shf_fail_memory(err, n, "a path");
    memcpy(aside, a, n);
    memcpy(aside + n, ".sheaf-old", sizeof ".sheaf-old");
    sheaf_status status = shf_path_rename(b, aside, err);
    if (status == SHEAF_OK && (status = shf_path_rename(a, b, err)) != SHEAF_OK) (void)shf_path_rename(aside, b, NULL);
    if (status == SHEAF_OK) status = shf_path_rename(aside, a, err);
    shf_free(aside);
    return status;
}

sheaf_status shf_path_exchange(const char *a, const char *b, sheaf_error *err)
{
    int system_errno = rename_with(a, b, RENAME_EXCHANGE);
    if (unknown_flags(system_errno)) return exchange_plainly(a, b, err);
    return system_errno ? shf_fail_errno(err, system_errno, "cannot rename to", b) : SHEAF_OK;
}

sheaf_status shf_path_sync_folder(const char *folder, sheaf_error *err)
{
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_SYNC_FOLDER, .path = folder});
    if (fault > 0 && fault != EINTR) return shf_fail_errno(err, fault, "cannot sync", folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return shf_fail_errno(err, errno, "cannot open", folder);
    int rc = fsync(fd), system_errno = errno;
    close(fd);
    /* Some file systems cannot sync a folder and say EINVAL; they have nothing to lose there. */
    if (rc && system_errno != EINVAL) return shf_fail_errno(err, system_errno, "cannot sync", folder);
    return SHEAF_OK;
}

static sheaf_status no_link_at(const char *path, bool *there, sheaf_error *err)
{
    struct stat st;
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_STAT, .path = path});
    int system_errno = fault > 0 && fault != EINTR ? fault : lstat(path, &st) ? errno : 0;
    *there = !system_errno;
    if (system_errno == ENOENT || system_errno == ENOTDIR) return SHEAF_OK;
    if (system_errno) return shf_fail_errno(err, system_errno, "cannot stat", path);
    if (!S_ISLNK(st.st_mode)) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "%s is a symbolic link: within a store none is written through",
                       path);
}

sheaf_status shf_path_no_link(const char *path, size_t root_length, sheaf_error *err)
{
    char *part = shf_strdup(path);
    if (!part) return shf_fail_memory(err, strlen(path), "a path");
    sheaf_status status = SHEAF_OK;
    bool there = true;
    size_t at = root_length;
    while (part[at] == '/') at++;
    for (char *slash = strchr(part + at, '/'); status == SHEAF_OK && there && slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = no_link_at(part, &there, err);
        *slash = '/';
    }
    if (status == SHEAF_OK && there && part[at]) status = no_link_at(part, &there, err);
    shf_free(part);
    return status;
}

/* A link, or what a killed process left, gives way to a file of our own. */
static sheaf_status open_beside(shf_file *file, const char *temporary, sheaf_error *err)
{
    sheaf_error local;
    sheaf_status status = shf_file_open(file, temporary, SHF_OPEN_EXCLUSIVE, &local);
    if (status == SHEAF_ERR_EXISTS) {
        SHF_TRY(shf_path_unlink(temporary, err));
        return shf_file_open(file, temporary, SHF_OPEN_EXCLUSIVE, err);
    }
    if (status != SHEAF_OK && err) *err = local;
    return status;
}

static sheaf_status write_beside(const char *temporary, const void *bytes, size_t n, bool sync, sheaf_error *err)
{
    shf_file file = SHF_FILE_CLOSED;
    SHF_TRY(open_beside(&file, temporary, err));
    sheaf_status status = shf_file_write(&file, bytes, n, 0, err);
    if (status == SHEAF_OK && sync) status = shf_file_sync(&file, err);
    sheaf_status closed = shf_file_close(&file, status == SHEAF_OK ? err : NULL);
    return status != SHEAF_OK ? status : closed;
}

sheaf_status shf_path_replace(const char *path, const void *bytes, size_t n, bool sync, sheaf_error *err)
{
    size_t length = strlen(path);
    char *temporary = shf_malloc(length + sizeof ".sheaf-tmp");
    if (!temporary) return shf_fail_memory(err, length, "a path");
    memcpy(temporary, path, length);
    memcpy(temporary + length, ".sheaf-tmp", sizeof ".sheaf-tmp");
    sheaf_status status = write_beside(temporary, bytes, n, sync, err);
    if (status == SHEAF_OK) status = shf_path_rename(temporary, path, err);
    if (status != SHEAF_OK) (void)shf_path_unlink(temporary, NULL);
    shf_free(temporary);
    if (status != SHEAF_OK || !sync) return status;
    char *parent = shf_path_parent(path);
    if (!parent) return shf_fail_memory(err, length, "a path");
    status = shf_path_sync_folder(parent, err);
    shf_free(parent);
    return status;
}

sheaf_status shf_path_unlink(const char *path, sheaf_error *err)
{
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_UNLINK, .path = path});
    int system_errno = fault > 0 && fault != EINTR ? fault : unlink(path) ? errno : 0;
    if (system_errno && system_errno != ENOENT) return shf_fail_errno(err, system_errno, "cannot remove", path);
    return SHEAF_OK;
}

sheaf_status shf_path_mkdir(const char *path, sheaf_error *err)
{
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_MKDIR, .path = path});
    int system_errno = fault > 0 && fault != EINTR ? fault : mkdir(path, 0777) ? errno : 0;
    if (system_errno) return shf_fail_errno(err, system_errno, "cannot make the folder", path);
    return SHEAF_OK;
}

sheaf_status shf_path_remove_folder(const char *path, sheaf_error *err)
{
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_UNLINK, .path = path});
    int system_errno = fault > 0 && fault != EINTR ? fault : rmdir(path) ? errno : 0;
    return system_errno ? shf_fail_errno(err, system_errno, "cannot remove", path) : SHEAF_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct name_list {
    char **names;
    size_t count, capacity;
} name_list;

static void free_names(name_list *list)
{
    for (size_t i = 0; i < list->count; i++) shf_free(list->names[i]);
    shf_free(list->names);
}

static sheaf_status add_name(name_list *list, const char *name, sheaf_error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 32;
        char **names = shf_realloc(list->names, capacity * sizeof *names);
        if (!names) return shf_fail_memory(err, capacity * sizeof *names, "a folder's names");
        list->names = names;
        list->capacity = capacity;
    }
    list->names[list->count] = shf_strdup(name);
    if (!list->names[list->count]) return shf_fail_memory(err, strlen(name), "a folder's names");
    list->count++;
    return SHEAF_OK;
}

static sheaf_status read_names(const char *folder, name_list *list, sheaf_error *err)
{
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_LIST, .path = folder});
    DIR *dir = fault > 0 && fault != EINTR ? NULL : opendir(folder);
    if (!dir) return shf_fail_errno(err, fault > 0 ? fault : errno, "cannot list", folder);
    sheaf_status status = SHEAF_OK;
    const struct dirent *entry;
    while (status == SHEAF_OK && (errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) status = add_name(list, entry->d_name, err);
    }
    if (status == SHEAF_OK && errno) status = shf_fail_errno(err, errno, "cannot list", folder);
    closedir(dir);
    return status;
}

sheaf_status shf_path_list(const char *folder, sheaf_status (*visit)(void *context, const char *name, sheaf_error *err), void *context,
                           sheaf_error *err)
{
    name_list list = {0};
    sheaf_status status = read_names(folder, &list, err);
    if (status == SHEAF_OK && list.count) qsort(list.names, list.count, sizeof *list.names, by_bytes);
    for (size_t i = 0; status == SHEAF_OK && i < list.count; i++) status = visit(context, list.names[i], err);
    free_names(&list);
    return status;
}

static sheaf_status remove_below(void *context, const char *name, sheaf_error *err)
{
    char *path = shf_path_join(context, name);
    if (!path) return shf_fail_memory(err, strlen(name), "a path");
    sheaf_status status = shf_path_remove_tree(path, err);
    shf_free(path);
    return status;
}

sheaf_status shf_path_remove_tree(const char *path, sheaf_error *err)
{
    struct stat st;
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_UNLINK, .path = path});
    int system_errno = fault > 0 && fault != EINTR ? fault : lstat(path, &st) ? errno : 0;
    if (system_errno == ENOENT) return SHEAF_OK;
    if (system_errno) return shf_fail_errno(err, system_errno, "cannot remove", path);
    if (!S_ISDIR(st.st_mode)) return shf_path_unlink(path, err);
    char *folder = shf_strdup(path);
    if (!folder) return shf_fail_memory(err, strlen(path), "a path");
    sheaf_status status = shf_path_list(folder, remove_below, folder, err);
    shf_free(folder);
    return status == SHEAF_OK ? shf_path_remove_folder(path, err) : status;
}

/* "run.h5/" names the file as well. */
static bool stat_without_slash(const char *path, struct stat *out)
{
    char name[PATH_MAX];
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    if (n >= sizeof name) return false;
    memcpy(name, path, n);
    name[n] = '\0';
    return stat(name, out) == 0;
}

bool shf_path_same(const char *a, const char *b)
{
    struct stat x, y;
    if (!stat_without_slash(a, &x) || !stat_without_slash(b, &y)) return false;
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool shf_path_within(const char *path, const char *folder)
{
    char name[PATH_MAX], real[PATH_MAX], *slash;
    size_t n = strlen(path);
    if (n >= sizeof name) return false;
    memcpy(name, path, n + 1);
    /* FILE.h5/GROUP: the part that is there. */
    while (!realpath(name, real)) {
        if (!(slash = strrchr(name, '/')) || slash == name) return false;
        *slash = '\0';
    }
    for (bool within = shf_path_same(real, folder);; within = shf_path_same(real, folder)) {
        if (within || !(slash = strrchr(real, '/')) || slash == real) return within;
        *slash = '\0';
    }
}

typedef struct allocated_walk {
    const char *folder;
    uint64_t total;
} allocated_walk;

static sheaf_status add_allocated(void *context, const char *name, sheaf_error *err)
{
    allocated_walk *walk = context;
    char *path = shf_path_join(walk->folder, name);
    if (!path) return shf_fail_memory(err, strlen(name), "a path");
    uint64_t below = 0;
    sheaf_status status = shf_path_allocated(path, &below, err);
    /* A growing store may lose a file between listing and looking. */
    if (status == SHEAF_ERR_NOT_FOUND) status = SHEAF_OK;
    walk->total += below;
    shf_free(path);
    return status;
}

sheaf_status shf_path_allocated(const char *path, uint64_t *allocated_bytes, sheaf_error *err)
{
    struct stat st;
    *allocated_bytes = 0;
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_STAT, .path = path});
    int system_errno = fault > 0 && fault != EINTR ? fault : lstat(path, &st) ? errno : 0;
    if (system_errno) return shf_fail_errno(err, system_errno, "cannot stat", path);
    allocated_walk walk = {path, (uint64_t)st.st_blocks * 512};
    if (S_ISDIR(st.st_mode)) SHF_TRY(shf_path_list(path, add_allocated, &walk, err));
    *allocated_bytes = walk.total;
    return SHEAF_OK;
}
