// SPDX-License-Identifier: Apache-2.0
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/seam.h"

/* Linux transfers at most about 2 GiB a call. */
#define MAX_TRANSFER ((size_t)1 << 30)

static int open_flags(shf_open_mode mode)
{
    switch (mode) {
    case SHF_OPEN_READ: return O_RDONLY;
    case SHF_OPEN_WRITE: return O_RDWR;
    case SHF_OPEN_CREATE: return O_RDWR | O_CREAT;
    case SHF_OPEN_EXCLUSIVE: return O_RDWR | O_CREAT | O_EXCL;
    case SHF_OPEN_TRUNCATE: return O_RDWR | O_CREAT | O_TRUNC;
    }
    return O_RDONLY;
}

sheaf_status shf_file_open(shf_file *file, const char *path, shf_open_mode mode, sheaf_error *err)
{
    file->fd = -1;
    file->path = shf_strdup(path);
    if (!file->path) return shf_fail_memory(err, 0, "a file's path");
    int fault;
    do {
        fault = shf_io_before(&(shf_io_call){.op = SHF_IO_OPEN, .path = path, .size = (size_t)mode});
        file->fd = fault > 0 ? -1 : open(path, open_flags(mode) | O_CLOEXEC, 0666);
    } while (file->fd < 0 && (fault > 0 ? fault : errno) == EINTR);
    if (file->fd >= 0) return SHEAF_OK;
    int system_errno = fault > 0 ? fault : errno;
    shf_free(file->path);
    file->path = NULL;
    return shf_fail_errno(err, system_errno, "cannot open", path);
}

sheaf_status shf_file_close(shf_file *file, sheaf_error *err)
{
    if (file->fd < 0) return SHEAF_OK;
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_CLOSE, .path = file->path});
    int rc = close(file->fd);
    int system_errno = fault > 0 ? fault : rc ? errno : 0;
    file->fd = -1;
    sheaf_status status = SHEAF_OK;
    if (system_errno && system_errno != EINTR) status = shf_fail_errno(err, system_errno, "cannot close", file->path);
    shf_free(file->path);
    file->path = NULL;
    return status;
}

sheaf_status shf_file_moved(shf_file *file, const char *path, sheaf_error *err)
{
    char *copy = shf_strdup(path);
    if (!copy) return shf_fail_memory(err, 0, "a file's path");
    shf_free(file->path);
    file->path = copy;
    return SHEAF_OK;
}

/* One transfer of at most the seam's and the kernel's size; -1 with errno. */
static ssize_t transfer_once(const shf_file *file, shf_io_op op, void *to, const void *from, size_t n, uint64_t offset)
{
    if (n > MAX_TRANSFER) n = MAX_TRANSFER;
    int fault = shf_io_before(&(shf_io_call){.op = op, .path = file->path, .bytes = from, .size = n, .offset = offset});
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    if (fault == SHF_IO_SHORT && n > 1) n /= 2;
    return op == SHF_IO_READ ? pread(file->fd, to, n, (off_t)offset) : pwrite(file->fd, from, n, (off_t)offset);
}

sheaf_status shf_file_read_some(const shf_file *file, void *to, size_t n, uint64_t offset, size_t *got, sheaf_error *err)
{
    *got = 0;
    if (offset > INT64_MAX - n)
        return shf_fail_at(err, SHEAF_ERR_RANGE, file->path, NULL, -1, -1, "offset %llu is too large", (unsigned long long)offset);
    while (*got < n) {
        ssize_t part = transfer_once(file, SHF_IO_READ, (char *)to + *got, NULL, n - *got, offset + *got);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return shf_fail_errno(err, errno, "cannot read", file->path);
        if (part == 0) break;
        *got += (size_t)part;
    }
    return SHEAF_OK;
}

sheaf_status shf_file_read(const shf_file *file, void *to, size_t n, uint64_t offset, sheaf_error *err)
{
    size_t got;
    SHF_TRY(shf_file_read_some(file, to, n, offset, &got, err));
    if (got == n) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, file->path, NULL, -1, (int64_t)offset, "%s: expected %zu bytes at byte %llu, got %zu",
                       file->path, n, (unsigned long long)offset, got);
}

sheaf_status shf_file_write(const shf_file *file, const void *from, size_t n, uint64_t offset, sheaf_error *err)
{
    size_t done = 0;
    while (done < n) {
        ssize_t part = transfer_once(file, SHF_IO_WRITE, NULL, (const char *)from + done, n - done, offset + done);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return shf_fail_errno(err, errno, "cannot write", file->path);
        done += (size_t)part;
    }
    return SHEAF_OK;
}

/* fstat with its seam. */
static sheaf_status stat_file(const shf_file *file, struct stat *st, sheaf_error *err)
{
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_STAT, .path = file->path});
    if (fault > 0 && fault != EINTR) return shf_fail_errno(err, fault, "cannot stat", file->path);
    if (fstat(file->fd, st)) return shf_fail_errno(err, errno, "cannot stat", file->path);
    return SHEAF_OK;
}

sheaf_status shf_file_size(const shf_file *file, uint64_t *size_bytes, sheaf_error *err)
{
    struct stat st;
    SHF_TRY(stat_file(file, &st, err));
    *size_bytes = (uint64_t)st.st_size;
    return SHEAF_OK;
}

sheaf_status shf_file_allocated(const shf_file *file, uint64_t *allocated_bytes, sheaf_error *err)
{
    struct stat st;
    SHF_TRY(stat_file(file, &st, err));
    *allocated_bytes = (uint64_t)st.st_blocks * 512;
    return SHEAF_OK;
}

sheaf_status shf_file_truncate(const shf_file *file, uint64_t size_bytes, sheaf_error *err)
{
    for (;;) {
        int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_TRUNCATE, .path = file->path, .size = size_bytes});
        if (fault <= 0 && !ftruncate(file->fd, (off_t)size_bytes)) return SHEAF_OK;
        int system_errno = fault > 0 ? fault : errno;
        if (system_errno != EINTR) return shf_fail_errno(err, system_errno, "cannot set the size of", file->path);
    }
}

sheaf_status shf_file_sync(const shf_file *file, sheaf_error *err)
{
    for (;;) {
        int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_SYNC, .path = file->path});
        if (fault <= 0 && !fdatasync(file->fd)) return SHEAF_OK;
        int system_errno = fault > 0 ? fault : errno;
        if (system_errno != EINTR) return shf_fail_errno(err, system_errno, "cannot sync", file->path);
    }
}

sheaf_status shf_file_lock(const shf_file *file, bool exclusive, bool *got, sheaf_error *err)
{
    *got = false;
    for (;;) {
        int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_LOCK, .path = file->path});
        if (fault <= 0 && !flock(file->fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB)) {
            *got = true;
            return SHEAF_OK;
        }
        int system_errno = fault > 0 ? fault : errno;
        if (system_errno == EWOULDBLOCK) return SHEAF_OK;
        if (system_errno != EINTR) return shf_fail_errno(err, system_errno, "cannot lock", file->path);
    }
}

sheaf_status shf_file_unlock(const shf_file *file, sheaf_error *err)
{
    if (flock(file->fd, LOCK_UN)) return shf_fail_errno(err, errno, "cannot unlock", file->path);
    return SHEAF_OK;
}

sheaf_status shf_file_own(const shf_file *file, bool *got, sheaf_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *got = false;
    for (;;) {
        int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_LOCK, .path = file->path});
        if (fault <= 0 && !fcntl(file->fd, F_OFD_SETLK, &lock)) {
            *got = true;
            return SHEAF_OK;
        }
        int system_errno = fault > 0 ? fault : errno;
        if (system_errno == EAGAIN || system_errno == EACCES) return SHEAF_OK;
        if (system_errno != EINTR) return shf_fail_errno(err, system_errno, "cannot lock", file->path);
    }
}

sheaf_status shf_file_owned(const shf_file *file, bool *owned, sheaf_error *err)
{
    /* A shared lock is asked for: only an exclusive one conflicts, and a descriptor open for reading may ask. */
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_LOCK, .path = file->path});
    if (fault > 0 && fault != EINTR) return shf_fail_errno(err, fault, "cannot ask for the lock of", file->path);
    if (fcntl(file->fd, F_OFD_GETLK, &lock)) return shf_fail_errno(err, errno, "cannot ask for the lock of", file->path);
    *owned = lock.l_type != F_UNLCK;
    return SHEAF_OK;
}

sheaf_status shf_file_is_at(const shf_file *file, const char *path, bool *same, sheaf_error *err)
{
    struct stat mine, there;
    SHF_TRY(stat_file(file, &mine, err));
    *same = !stat(path, &there) && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
    return SHEAF_OK;
}

sheaf_status shf_map_open(shf_map *map, const shf_file *file, size_t size_bytes, sheaf_error *err)
{
    map->data = NULL;
    map->size = size_bytes;
    if (!size_bytes) return SHEAF_OK;
    int fault = shf_io_before(&(shf_io_call){.op = SHF_IO_MAP, .path = file->path, .size = size_bytes});
    void *data = fault > 0 ? MAP_FAILED : mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, file->fd, 0);
    if (data == MAP_FAILED) return shf_fail_errno(err, fault > 0 ? fault : errno, "cannot map", file->path);
    map->data = data;
    return SHEAF_OK;
}

void shf_map_close(shf_map *map)
{
    if (map->data) {
        union {
            const void *in;
            void *as_declared;
        } u = {map->data};
        munmap(u.as_declared, map->size);
    }
    map->data = NULL;
    map->size = 0;
}
