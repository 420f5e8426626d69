// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/driver.h"

#include <string.h>

#include "backend/hdf5/library.h"
#include "base/alloc.h"
#include "base/checked.h"

/* What a file access list carries. */
typedef struct access_info {
    shf_h5_medium *medium;
} access_info;

typedef struct shf_h5_driver_file {
    H5FD_t base; /* libhdf5's part, first */
    shf_h5_medium *medium;
    uint64_t serial; /* no other file has it */
} driver_file;

/* Stands for a medium that is gone: after some errors libhdf5 keeps a file open, and looks at it again when the process ends. */
static shf_h5_medium g_gone = {.failed = true};
static uint64_t g_serial;

static const driver_file *of(const H5FD_t *file)
{
    return (const void *)file;
}

static shf_h5_medium *medium_of(const H5FD_t *file)
{
    return of(file)->medium;
}

void shf_h5_medium_write(shf_h5_medium *medium, uint64_t start)
{
    memset(medium, 0, sizeof *medium);
    medium->writing = true;
    medium->start = medium->next = start;
    medium->place = medium->tree = SHF_H5_NOWHERE;
}

sheaf_status shf_h5_medium_write_beside(shf_h5_medium *medium, uint64_t start, const shf_file *file, shf_h5_pages *before, sheaf_error *err)
{
    shf_h5_medium_write(medium, start);
    medium->beside = true;
    medium->file = file;
    medium->before = before;
    SHF_TRY(shf_file_size(file, &medium->file_size, err));
    return shf_h5_pages_copy(&medium->pages, before, err);
}

void shf_h5_medium_free(shf_h5_medium *medium)
{
    shf_h5_pages_free(&medium->pages);
    if (medium->opened) medium->opened->medium = &g_gone;
    shf_buf_free(&medium->region);
    memset(medium, 0, sizeof *medium);
}

uint8_t *shf_h5_medium_at(shf_h5_medium *medium, uint64_t address, size_t n)
{
    if (address < medium->start || n > medium->region.size || address - medium->start > medium->region.size - n) return NULL;
    return medium->region.data + (address - medium->start);
}

/* Makes the region reach to `end`; new bytes are zero. */
static sheaf_status reach(shf_h5_medium *medium, uint64_t end, sheaf_error *err)
{
    size_t old = medium->region.size;
    if (end - medium->start <= old) return SHEAF_OK;
    SHF_TRY(shf_buf_resize(&medium->region, (size_t)(end - medium->start), err));
    memset(medium->region.data + old, 0, medium->region.size - old);
    return SHEAF_OK;
}

sheaf_status shf_h5_medium_take(shf_h5_medium *medium, size_t n, uint64_t *address, sheaf_error *err)
{
    *address = medium->next;
    SHF_TRY(reach(medium, medium->next + n, err));
    medium->next += n;
    medium->end = medium->next;
    return SHEAF_OK;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t max_address)
{
    (void)name;
    (void)flags;
    (void)max_address;
    const access_info *info = H5Pget_driver_info(access);
    driver_file *file = info ? shf_calloc(1, sizeof *file) : NULL;
    if (!file) return NULL;
    file->medium = info->medium;
    file->serial = ++g_serial;
    info->medium->opened = file;
    return &file->base;
}

static herr_t driver_close(H5FD_t *file)
{
    if (medium_of(file)->opened == of(file)) medium_of(file)->opened = NULL;
    shf_free(file);
    return 0;
}

/* No two openings are the same file, even on the same path. */
static int driver_compare(const H5FD_t *a, const H5FD_t *b)
{
    uint64_t x = of(a)->serial, y = of(b)->serial;
    return x < y ? -1 : x > y;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
    *flags = file && medium_of(file)->writing ? 0 : H5FD_FEAT_DATA_SIEVE;
    return 0;
}

static haddr_t driver_alloc(H5FD_t *file, H5FD_mem_t type, hid_t transfer, hsize_t size)
{
    (void)transfer;
    shf_h5_medium *medium = medium_of(file);
    /* libhdf5 calls its global heap raw data too; chunks are those that it was told of. */
    if (type == H5FD_MEM_DRAW && medium->place != SHF_H5_NOWHERE) {
        medium->placed = true;
        return medium->place;
    }
    if (type == H5FD_MEM_SUPER && medium->end == 0 && !medium->beside) {
        medium->end = medium->next;
        return 0;
    }
    uint64_t address = medium->next;
    if (size > SHF_H5_NOWHERE / 4 || address > SHF_H5_NOWHERE / 4) return HADDR_UNDEF;
    medium->next = medium->end = address + size;
    if (type == H5FD_MEM_BTREE) medium->tree = address;
    return address;
}

static haddr_t driver_get_end(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return medium_of(file)->end;
}

static herr_t driver_set_end(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    shf_h5_medium *medium = medium_of(file);
    medium->end = address;
    if (medium->writing && address >= medium->start) medium->next = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    const shf_h5_medium *medium = medium_of(file);
    return medium->writing && !medium->beside ? medium->end : medium->end > medium->file_size ? medium->end : medium->file_size;
}

static void note_failure(shf_h5_medium *medium, const sheaf_error *error)
{
    if (!medium->failed) medium->error = *error;
    medium->failed = true;
}

/* Bytes beyond the end of the file are zero, as libhdf5 expects of a driver. */
static herr_t read_file(shf_h5_medium *medium, uint64_t address, size_t size, void *buffer)
{
    sheaf_error error;
    size_t got = 0;
    memset(buffer, 0, size);
    if (!medium->file) return 0;
    if (shf_file_read_some(medium->file, buffer, size, address, &got, &error) == SHEAF_OK) {
        shf_h5_pages_apply(&medium->pages, address, buffer, size);
        return 0;
    }
    note_failure(medium, &error);
    return -1;
}

static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer)
{
    (void)transfer;
    shf_h5_medium *medium = medium_of(file);
    if (medium->probing && type == H5FD_MEM_DRAW) {
        medium->probe_offset = address;
        medium->probe_size = size;
        return 0;
    }
    const uint8_t *from = shf_h5_medium_at(medium, address, size);
    if (address < medium->head_size && size <= medium->head_size - address) from = medium->head + address;
    if (!from) return read_file(medium, address, size, buffer);
    memcpy(buffer, from, size);
    return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer)
{
    (void)transfer;
    shf_h5_medium *medium = medium_of(file);
    sheaf_error error;
    if (medium->failed || size == 0 || (type == H5FD_MEM_DRAW && address == medium->place)) return 0;
    /* in a file of others, libhdf5 may take room for an index that it freed itself, and not ask */
    if (size > 5 && !memcmp(buffer, "TREE", 4) && ((const uint8_t *)buffer)[4] == 1) medium->tree = address;
    if (address < medium->start && medium->beside) {
        if (shf_h5_pages_write(&medium->pages, medium->before, medium->file, address, buffer, size, &error) != SHEAF_OK)
            note_failure(medium, &error);
        return 0;
    }
    if (address < medium->start) {
        if (address > sizeof medium->head || size > sizeof medium->head - address) return -1;
        memcpy(medium->head + address, buffer, size);
        if (address + size > medium->head_size) medium->head_size = address + size;
        return 0;
    }
    if (reach(medium, address + size, &error) != SHEAF_OK) {
        note_failure(medium, &error);
        return 0;
    }
    memcpy(medium->region.data + (address - medium->start), buffer, size);
    return 0;
}

/* Locks are ours to take; the disk is ours to write. */
static herr_t driver_flush(H5FD_t *file, hid_t transfer, hbool_t closing)
{
    (void)file;
    (void)transfer;
    (void)closing;
    return 0;
}

hid_t shf_h5_medium_access(shf_h5_medium *medium)
{
    access_info info = {medium};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0) return -1;
    /* Version 1.8's format: checksums in all metadata, version 1 B-trees for chunks, readable by every HDF5 since 2008. */
    H5F_libver_t low = medium->writing ? H5F_LIBVER_V18 : H5F_LIBVER_EARLIEST,
                 high = medium->writing && !medium->beside ? H5F_LIBVER_V18 : H5F_LIBVER_LATEST;
    if (H5Pset_driver(access, shf_h5_driver(), &info) >= 0 && H5Pset_libver_bounds(access, low, high) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        return access;
    (void)H5Pclose(access);
    return -1;
}

const H5FD_class_t shf_h5_driver_class = {
    .name = "sheaf",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(access_info),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = driver_query,
    .alloc = driver_alloc,
    .get_eoa = driver_get_end,
    .set_eoa = driver_set_end,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .flush = driver_flush,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};
