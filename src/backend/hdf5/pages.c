// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/pages.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

/* First page at or behind an address. */
static size_t lower_bound(const shf_h5_pages *pages, uint64_t address)
{
    size_t low = 0, high = pages->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pages->items[middle].address < address) low = middle + 1;
        else high = middle;
    }
    return low;
}

static uint64_t page_of(uint64_t address)
{
    return address / SHF_H5_PAGE_BYTES * SHF_H5_PAGE_BYTES;
}

shf_h5_page *shf_h5_pages_find(const shf_h5_pages *pages, uint64_t address)
{
    size_t i = lower_bound(pages, page_of(address));
    return i < pages->n && pages->items[i].address == page_of(address) ? &pages->items[i] : NULL;
}

sheaf_status shf_h5_pages_set(shf_h5_pages *pages, uint64_t address, const uint8_t *bytes, sheaf_error *err)
{
    shf_h5_page *there = shf_h5_pages_find(pages, address);
    if (!there && pages->n == pages->capacity) {
        size_t capacity = pages->capacity * 2 + 16;
        shf_h5_page *items = shf_realloc(pages->items, capacity * sizeof *items);
        if (!items) return shf_fail_memory(err, capacity * sizeof *items, "changed metadata");
        pages->items = items;
        pages->capacity = capacity;
    }
    if (!there) {
        size_t i = lower_bound(pages, page_of(address));
        there = &pages->items[i];
        memmove(there + 1, there, (pages->n - i) * sizeof *there);
        there->address = page_of(address);
        pages->n++;
    }
    memcpy(there->bytes, bytes, SHF_H5_PAGE_BYTES);
    return SHEAF_OK;
}

sheaf_status shf_h5_pages_copy(shf_h5_pages *to, const shf_h5_pages *from, sheaf_error *err)
{
    for (size_t i = 0; i < from->n; i++) SHF_TRY(shf_h5_pages_set(to, from->items[i].address, from->items[i].bytes, err));
    return SHEAF_OK;
}

static sheaf_status fetch(shf_h5_pages *pages, shf_h5_pages *before, const shf_file *file, uint64_t address, shf_h5_page **page,
                          sheaf_error *err)
{
    uint8_t bytes[SHF_H5_PAGE_BYTES] = {0};
    size_t got;
    *page = shf_h5_pages_find(pages, address);
    if (*page) return SHEAF_OK;
    SHF_TRY(shf_file_read_some(file, bytes, sizeof bytes, page_of(address), &got, err));
    SHF_TRY(shf_h5_pages_set(before, address, bytes, err));
    SHF_TRY(shf_h5_pages_set(pages, address, bytes, err));
    *page = shf_h5_pages_find(pages, address);
    return SHEAF_OK;
}

sheaf_status shf_h5_pages_write(shf_h5_pages *pages, shf_h5_pages *before, const shf_file *file, uint64_t address, const void *bytes,
                                size_t n, sheaf_error *err)
{
    const uint8_t *from = bytes;
    while (n > 0) {
        shf_h5_page *page;
        size_t at = (size_t)(address % SHF_H5_PAGE_BYTES), part = SHF_H5_PAGE_BYTES - at < n ? SHF_H5_PAGE_BYTES - at : n;
        SHF_TRY(fetch(pages, before, file, address, &page, err));
        memcpy(page->bytes + at, from, part);
        from += part;
        address += part;
        n -= part;
    }
    return SHEAF_OK;
}

void shf_h5_pages_apply(const shf_h5_pages *pages, uint64_t address, void *bytes, size_t n)
{
    for (size_t i = lower_bound(pages, page_of(address)); i < pages->n && pages->items[i].address < address + n; i++) {
        const shf_h5_page *page = &pages->items[i];
        uint64_t first = shf_max_u64(page->address, address), last = shf_min_u64(page->address + SHF_H5_PAGE_BYTES, address + n);
        memcpy((uint8_t *)bytes + (first - address), page->bytes + (first - page->address), (size_t)(last - first));
    }
}

void shf_h5_pages_free(shf_h5_pages *pages)
{
    shf_free(pages->items);
    memset(pages, 0, sizeof *pages);
}
