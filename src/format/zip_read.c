// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/zip.h"
#include "format/zip_inside.h"

#define LONGEST_TAIL (ZIP64_LOCATOR_SIZE + ZIP_END_SIZE + UINT16_MAX)
#define LARGEST_DIRECTORY (1U << 28)
#define INPUT 65536

struct shf_zip_reader {
    shf_zip_pread pread;
    void *context;
    uint64_t file_size;
    uint64_t directory_offset, directory_size, entries;
    uint8_t *directory; /* Owned */
    char *names;        /* Owned: one after the other with their zeros */
    shf_zip_member *members;
    size_t count;
};

struct shf_zip_stream {
    const shf_zip_reader *reader;
    const shf_zip_member *member;
    uint64_t next, left_stored, left; /* place of the next stored byte; bytes still to come, stored and in clear */
    uint32_t crc;
    bool inflating;
    z_stream z;
    uint8_t input[INPUT];
};

void *shf_zip_zalloc(void *opaque, unsigned items, unsigned size)
{
    (void)opaque;
    return shf_calloc(items, size);
}

void shf_zip_zfree(void *opaque, void *address)
{
    (void)opaque;
    shf_free(address);
}

static sheaf_status no_zip(const char *why, uint64_t byte, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, (int64_t)byte, "not a zip file that can be read: %s", why);
}

/* --- the directory --- */

/* Zip64's end of the directory, when its locator stands before the other end (at `end` in the file). */
static sheaf_status read_zip64_end(shf_zip_reader *r, const uint8_t *locator, uint64_t end, sheaf_error *err)
{
    uint8_t b[ZIP64_END_SIZE];
    uint64_t at = shf_get_u64(locator + 8);
    if (at > end || end - at < ZIP64_END_SIZE + ZIP64_LOCATOR_SIZE)
        return no_zip("the zip64 end of the directory lies outside the file", end, err);
    SHF_TRY(r->pread(r->context, at, b, sizeof b, err));
    if (shf_get_u32(b) != ZIP64_END) return no_zip("the zip64 end of the directory is missing", at, err);
    if (shf_get_u32(b + 16) || shf_get_u32(b + 20))
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "zip files of several disks are not supported");
    r->entries = shf_get_u64(b + 32);
    r->directory_size = shf_get_u64(b + 40);
    r->directory_offset = shf_get_u64(b + 48);
    return SHEAF_OK;
}

/* The end of the directory lies within the last 64 KiB, before a comment: the last match whose comment ends with the file. */
static sheaf_status find_end(shf_zip_reader *r, uint8_t *tail, sheaf_error *err)
{
    size_t n = (size_t)shf_min_u64(r->file_size, LONGEST_TAIL);
    uint64_t base = r->file_size - n;
    if (n < ZIP_END_SIZE) return no_zip("it is too short", r->file_size, err);
    SHF_TRY(r->pread(r->context, base, tail, n, err));
    size_t i = n - ZIP_END_SIZE;
    while (shf_get_u32(tail + i) != ZIP_END || i + ZIP_END_SIZE + shf_get_u16(tail + i + 20) != n) {
        if (i-- == 0) return no_zip("it has no end of a directory", r->file_size, err);
    }
    const uint8_t *b = tail + i;
    r->entries = shf_get_u16(b + 10);
    r->directory_size = shf_get_u32(b + 12);
    r->directory_offset = shf_get_u32(b + 16);
    uint64_t end = base + i;
    if (i >= ZIP64_LOCATOR_SIZE && shf_get_u32(b - ZIP64_LOCATOR_SIZE) == ZIP64_LOCATOR) {
        SHF_TRY(read_zip64_end(r, b - ZIP64_LOCATOR_SIZE, end, err));
    } else if (shf_get_u16(b + 4) || shf_get_u16(b + 6)) {
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "zip files of several disks are not supported");
    }
    if (r->directory_offset > end || r->directory_size > end - r->directory_offset)
        return no_zip("its directory lies outside it", end, err);
    if (r->directory_size > LARGEST_DIRECTORY) return no_zip("its directory is larger than 256 MiB", end, err);
    if (r->entries > r->directory_size / ZIP_ENTRY_SIZE) return no_zip("its directory is too small for its entries", end, err);
    return SHEAF_OK;
}

/* The 64-bit values that stand in an extra field for those that are all ones (4.5.3), in this order. */
static bool take_zip64(const uint8_t *extra, size_t n, shf_zip_member *m)
{
    uint64_t *const wide[] = {&m->size, &m->stored_size, &m->header_offset};
    for (size_t at = 0; n - at >= 4;) {
        size_t size = shf_get_u16(extra + at + 2);
        if (size > n - at - 4) return false;
        if (shf_get_u16(extra + at) == ZIP64_EXTRA) {
            size_t used = 0;
            for (int k = 0; k < 3; k++) {
                if (*wide[k] != UINT32_MAX) continue;
                if (size - used < 8) return false;
                *wide[k] = shf_get_u64(extra + at + 4 + used);
                used += 8;
            }
            return true;
        }
        at += 4 + size;
    }
    return true; /* an odd rest of the extra fields is left alone */
}

static sheaf_status take_entry(shf_zip_reader *r, uint64_t *at, char **names, sheaf_error *err)
{
    const uint8_t *b = r->directory + *at;
    uint64_t left = r->directory_size - *at, place = r->directory_offset + *at;
    if (left < ZIP_ENTRY_SIZE || shf_get_u32(b) != ZIP_ENTRY) return no_zip("a directory entry is malformed", place, err);
    size_t name = shf_get_u16(b + 28), extra = shf_get_u16(b + 30), comment = shf_get_u16(b + 32);
    if (left - ZIP_ENTRY_SIZE < name + extra + comment) return no_zip("a directory entry is cut off", place, err);
    shf_zip_member *m = &r->members[r->count];
    *m = (shf_zip_member){.name = *names,
                          .size = shf_get_u32(b + 24),
                          .stored_size = shf_get_u32(b + 20),
                          .header_offset = shf_get_u32(b + 42),
                          .crc = shf_get_u32(b + 16),
                          .method = shf_get_u16(b + 10),
                          .flags = shf_get_u16(b + 8)};
    if (memchr(b + ZIP_ENTRY_SIZE, 0, name)) return no_zip("a member's name has a zero byte", place, err);
    if (!take_zip64(b + ZIP_ENTRY_SIZE + name, extra, m)) return no_zip("an extra field is malformed", place, err);
    memcpy(*names, b + ZIP_ENTRY_SIZE, name);
    (*names)[name] = '\0';
    *names += name + 1;
    *at += ZIP_ENTRY_SIZE + name + extra + comment;
    r->count++;
    return SHEAF_OK;
}

static sheaf_status read_directory(shf_zip_reader *r, sheaf_error *err)
{
    size_t size = (size_t)r->directory_size, entries = (size_t)r->entries;
    r->directory = shf_malloc(size);
    r->names = shf_malloc(size + 1); /* an entry is longer than its name and a zero */
    r->members = shf_calloc(entries, sizeof *r->members);
    if (!r->directory || !r->names || !r->members) return shf_fail_memory(err, 2 * size + entries * sizeof *r->members, "a zip directory");
    if (size) SHF_TRY(r->pread(r->context, r->directory_offset, r->directory, size, err));
    char *names = r->names;
    uint64_t at = 0;
    for (size_t i = 0; i < entries; i++) SHF_TRY(take_entry(r, &at, &names, err));
    shf_free(r->directory);
    r->directory = NULL;
    return SHEAF_OK;
}

sheaf_status shf_zip_open(shf_zip_pread pread, void *context, uint64_t file_size, shf_zip_reader **reader, sheaf_error *err)
{
    *reader = NULL;
    shf_zip_reader *r = shf_calloc(1, sizeof *r);
    uint8_t *tail = shf_malloc(LONGEST_TAIL);
    sheaf_status status = r && tail ? SHEAF_OK : shf_fail_memory(err, LONGEST_TAIL, "the end of a zip file");
    if (!status) {
        r->pread = pread;
        r->context = context;
        r->file_size = file_size;
        status = find_end(r, tail, err);
    }
    shf_free(tail);
    if (!status) status = read_directory(r, err);
    if (status) shf_zip_free(r);
    else *reader = r;
    return status;
}

void shf_zip_free(shf_zip_reader *reader)
{
    if (!reader) return;
    shf_free(reader->directory);
    shf_free(reader->names);
    shf_free(reader->members);
    shf_free(reader);
}

size_t shf_zip_count(const shf_zip_reader *reader)
{
    return reader->count;
}

const shf_zip_member *shf_zip_member_at(const shf_zip_reader *reader, size_t i)
{
    return &reader->members[i];
}

const shf_zip_member *shf_zip_find(const shf_zip_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->count; i++) {
        if (strcmp(reader->members[i].name, name) == 0) return &reader->members[i];
    }
    return NULL;
}

/* --- members --- */

sheaf_status shf_zip_data_offset(const shf_zip_reader *reader, const shf_zip_member *m, uint64_t *offset, sheaf_error *err)
{
    uint8_t b[ZIP_LOCAL_SIZE];
    const uint64_t limit = reader->directory_offset; /* members lie before it */
    if (m->header_offset > limit || limit - m->header_offset < sizeof b)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, m->name, -1, (int64_t)limit, "zip member '%.200s' lies outside the file", m->name);
    SHF_TRY(reader->pread(reader->context, m->header_offset, b, sizeof b, err));
    if (shf_get_u32(b) != ZIP_LOCAL)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, m->name, -1, (int64_t)m->header_offset, "zip member '%.200s' has no header",
                           m->name);
    uint64_t begin = m->header_offset + sizeof b + shf_get_u16(b + 26) + shf_get_u16(b + 28);
    if (begin > limit || limit - begin < m->stored_size)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, m->name, -1, (int64_t)m->header_offset,
                           "zip member '%.200s' is cut off: %llu bytes are stored, %llu are there", m->name,
                           (unsigned long long)m->stored_size, (unsigned long long)(begin > limit ? 0 : limit - begin));
    *offset = begin;
    return SHEAF_OK;
}

static sheaf_status check_member(const shf_zip_member *m, sheaf_error *err)
{
    if (m->flags & ZIP_ENCRYPTED) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "zip member '%.200s' is encrypted", m->name);
    if (m->method != SHF_ZIP_STORED && m->method != SHF_ZIP_DEFLATED)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "zip member '%.200s': method %u is not supported; stored (0) and deflated (8) are",
                        m->name, m->method);
    if (m->method == SHF_ZIP_STORED && m->size != m->stored_size)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "zip member '%.200s' is stored, but of %llu bytes where %llu are expected", m->name,
                        (unsigned long long)m->stored_size, (unsigned long long)m->size);
    return SHEAF_OK;
}

sheaf_status shf_zip_stream_open(const shf_zip_reader *reader, const shf_zip_member *member, shf_zip_stream **stream, sheaf_error *err)
{
    uint64_t offset;
    *stream = NULL;
    SHF_TRY(check_member(member, err));
    SHF_TRY(shf_zip_data_offset(reader, member, &offset, err));
    shf_zip_stream *s = shf_calloc(1, sizeof *s);
    if (!s) return shf_fail_memory(err, sizeof *s, "reading a zip member");
    s->reader = reader;
    s->member = member;
    s->next = offset;
    s->left_stored = member->stored_size;
    s->left = member->size;
    s->inflating = member->method == SHF_ZIP_DEFLATED;
    s->z.zalloc = shf_zip_zalloc;
    s->z.zfree = shf_zip_zfree;
    if (s->inflating && inflateInit2(&s->z, -15) != Z_OK) {
        shf_free(s);
        return shf_fail_memory(err, sizeof *s, "inflating a zip member");
    }
    *stream = s;
    return SHEAF_OK;
}

void shf_zip_stream_free(shf_zip_stream *stream)
{
    if (!stream) return;
    if (stream->inflating) (void)inflateEnd(&stream->z);
    shf_free(stream);
}

static sheaf_status damaged(const shf_zip_stream *s, const char *what, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, s->member->name, -1, (int64_t)s->next, "zip member '%.200s': %s", s->member->name,
                       what);
}

static sheaf_status fetch(shf_zip_stream *s, void *to, size_t n, sheaf_error *err)
{
    SHF_TRY(s->reader->pread(s->reader->context, s->next, to, n, err));
    s->next += n;
    s->left_stored -= n;
    return SHEAF_OK;
}

/* Inflates until n bytes are there. */
static sheaf_status inflate_some(shf_zip_stream *s, uint8_t *to, size_t n, sheaf_error *err)
{
    s->z.next_out = to;
    s->z.avail_out = (unsigned)n;
    while (s->z.avail_out > 0) {
        if (s->z.avail_in == 0) {
            size_t size = (size_t)shf_min_u64(s->left_stored, INPUT);
            if (size == 0) return damaged(s, "its compressed bytes end too early", err);
            SHF_TRY(fetch(s, s->input, size, err));
            s->z.next_in = s->input;
            s->z.avail_in = (unsigned)size;
        }
        int result = inflate(&s->z, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR) return shf_fail_memory(err, n, "inflating a zip member");
        if (result == Z_STREAM_END && s->z.avail_out > 0) return damaged(s, "it is shorter than its directory entry says", err);
        if (result != Z_OK && result != Z_STREAM_END) return damaged(s, s->z.msg ? s->z.msg : "its compressed bytes are malformed", err);
    }
    return SHEAF_OK;
}

sheaf_status shf_zip_stream_read(shf_zip_stream *stream, void *to, size_t n, size_t *got, sheaf_error *err)
{
    shf_zip_stream *s = stream;
    size_t most = (size_t)shf_min_u64(shf_min_u64(n, s->left), 1U << 30);
    *got = 0;
    if (most) SHF_TRY(s->inflating ? inflate_some(s, to, most, err) : fetch(s, to, most, err));
    s->crc = (uint32_t)crc32(s->crc, to, (unsigned)most);
    s->left -= most;
    if (s->left == 0 && s->crc != s->member->crc)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, s->member->name, -1, (int64_t)s->next,
                           "zip member '%.200s': expected CRC %08x, got %08x", s->member->name, s->member->crc, s->crc);
    *got = most;
    return SHEAF_OK;
}
