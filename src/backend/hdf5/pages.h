// SPDX-License-Identifier: Apache-2.0
/* Changed pages of a file that is not ours alone: kept in memory, sorted by address. */
#ifndef SHF_HDF5_PAGES_H
#define SHF_HDF5_PAGES_H

#include "io/file.h"

enum { SHF_H5_PAGE_BYTES = 512 };

typedef struct shf_h5_page {
    uint64_t address;
    uint8_t bytes[SHF_H5_PAGE_BYTES];
} shf_h5_page;

typedef struct shf_h5_pages {
    shf_h5_page *items; /* owned */
    size_t n, capacity;
} shf_h5_pages;

/* NULL when the page of that address is not there. */
shf_h5_page *shf_h5_pages_find(const shf_h5_pages *pages, uint64_t address);
/* Keeps a page as it is now; one that is there is replaced. */
sheaf_status shf_h5_pages_set(shf_h5_pages *pages, uint64_t address, const uint8_t *bytes, sheaf_error *err);
sheaf_status shf_h5_pages_copy(shf_h5_pages *to, const shf_h5_pages *from, sheaf_error *err);
/* Changes bytes; a page that is not there is taken from the file first, and kept in `before` as it was. */
sheaf_status shf_h5_pages_write(shf_h5_pages *pages, shf_h5_pages *before, const shf_file *file, uint64_t address, const void *bytes,
                                size_t n, sheaf_error *err);
/* Puts what is there over n bytes that were read from the file at address. */
void shf_h5_pages_apply(const shf_h5_pages *pages, uint64_t address, void *bytes, size_t n);
void shf_h5_pages_free(shf_h5_pages *pages);

#endif
