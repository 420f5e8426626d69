// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/zip.h"
#include "format/zip_inside.h"

#define OUTPUT 65536
#define LOCAL_EXTRA 20   /* id, size, two 64-bit sizes */
#define ENTRY_EXTRA 28   /* the same and the place */
#define DOS_1980 0x0021U /* 1 January 1980, the earliest date */

struct shf_zip_writer {
    shf_zip_pwrite pwrite;
    void *context;
    uint64_t offset; /* the end of what is written */
    shf_buf directory;
    uint64_t entries;
    char *name; /* Owned: of the member at hand; NULL between members */
    size_t name_size;
    shf_zip_member member; /* at hand */
    bool failed;           /* nothing but free is allowed */
    z_stream z;
    uint8_t output[OUTPUT];
};

sheaf_status shf_zip_writer_open(shf_zip_pwrite pwrite, void *context, shf_zip_writer **writer, sheaf_error *err)
{
    *writer = shf_calloc(1, sizeof **writer);
    if (!*writer) return shf_fail_memory(err, sizeof **writer, "a zip writer");
    (*writer)->pwrite = pwrite;
    (*writer)->context = context;
    return SHEAF_OK;
}

static void drop_member(shf_zip_writer *w)
{
    if (w->name && w->member.method == SHF_ZIP_DEFLATED) (void)deflateEnd(&w->z);
    shf_free(w->name);
    w->name = NULL;
}

void shf_zip_writer_free(shf_zip_writer *writer)
{
    if (!writer) return;
    drop_member(writer);
    shf_buf_free(&writer->directory);
    shf_free(writer);
}

/* Marks the writer as broken when a step failed. */
static sheaf_status mark(shf_zip_writer *w, sheaf_status status)
{
    if (status) w->failed = true;
    return status;
}

static sheaf_status put(shf_zip_writer *w, const void *bytes, size_t n, sheaf_error *err)
{
    if (n == 0) return SHEAF_OK;
    SHF_TRY(w->pwrite(w->context, w->offset, bytes, n, err));
    w->offset += n;
    return SHEAF_OK;
}

static uint16_t flags_of(const char *name)
{
    for (; *name; name++) {
        if ((unsigned char)*name >= 0x80) return ZIP_UTF8;
    }
    return 0;
}

/* The fields that a local header and a directory entry share, from "version needed" on (26 bytes); sizes stand in the extra field. */
static void shared_fields(const shf_zip_writer *w, uint8_t *to, size_t extra)
{
    shf_set_u16(to, ZIP64_VERSION);
    shf_set_u16(to + 2, w->member.flags);
    shf_set_u16(to + 4, w->member.method);
    shf_set_u16(to + 6, 0);
    shf_set_u16(to + 8, DOS_1980);
    shf_set_u32(to + 10, w->member.crc);
    shf_set_u32(to + 14, UINT32_MAX);
    shf_set_u32(to + 18, UINT32_MAX);
    shf_set_u16(to + 22, (uint16_t)w->name_size);
    shf_set_u16(to + 24, (uint16_t)extra);
}

static void zip64_extra(const shf_zip_writer *w, uint8_t *to, size_t size)
{
    shf_set_u16(to, ZIP64_EXTRA);
    shf_set_u16(to + 2, (uint16_t)(size - 4));
    shf_set_u64(to + 4, w->member.size);
    shf_set_u64(to + 12, w->member.stored_size);
    if (size == ENTRY_EXTRA) shf_set_u64(to + 20, w->member.header_offset);
}

/* At the begin of a member with zeros, at its end with what is known then. */
static sheaf_status write_local(shf_zip_writer *w, sheaf_error *err)
{
    uint8_t head[ZIP_LOCAL_SIZE], extra[LOCAL_EXTRA];
    shf_set_u32(head, ZIP_LOCAL);
    shared_fields(w, head + 4, sizeof extra);
    zip64_extra(w, extra, sizeof extra);
    uint64_t at = w->member.header_offset;
    SHF_TRY(w->pwrite(w->context, at, head, sizeof head, err));
    at += sizeof head;
    if (w->name_size) SHF_TRY(w->pwrite(w->context, at, w->name, w->name_size, err));
    return w->pwrite(w->context, at + w->name_size, extra, sizeof extra, err);
}

static sheaf_status add_entry(shf_zip_writer *w, sheaf_error *err)
{
    uint8_t head[ZIP_ENTRY_SIZE] = {0}, extra[ENTRY_EXTRA];
    shf_set_u32(head, ZIP_ENTRY);
    shf_set_u16(head + 4, 3 << 8 | ZIP64_VERSION); /* made by: Unix */
    shared_fields(w, head + 6, sizeof extra);
    shf_set_u32(head + 38, 0100644U << 16); /* a plain file, rw-r--r-- */
    shf_set_u32(head + 42, UINT32_MAX);
    zip64_extra(w, extra, sizeof extra);
    SHF_TRY(shf_buf_append(&w->directory, head, sizeof head, err));
    SHF_TRY(shf_buf_append(&w->directory, w->name, w->name_size, err));
    SHF_TRY(shf_buf_append(&w->directory, extra, sizeof extra, err));
    w->entries++;
    return SHEAF_OK;
}

static sheaf_status begin(shf_zip_writer *w, const char *name, shf_zip_method method, int level, sheaf_error *err)
{
    w->name_size = strlen(name);
    w->member = (shf_zip_member){.header_offset = w->offset, .method = SHF_ZIP_STORED, .flags = flags_of(name)};
    w->name = shf_strdup(name);
    if (!w->name) return shf_fail_memory(err, w->name_size, "a zip member's name");
    if (method == SHF_ZIP_DEFLATED) {
        memset(&w->z, 0, sizeof w->z);
        w->z.zalloc = shf_zip_zalloc;
        w->z.zfree = shf_zip_zfree;
        if (deflateInit2(&w->z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            return shf_fail_memory(err, OUTPUT, "deflating a zip member");
        w->member.method = SHF_ZIP_DEFLATED;
    }
    SHF_TRY(write_local(w, err));
    w->offset += ZIP_LOCAL_SIZE + w->name_size + LOCAL_EXTRA;
    return SHEAF_OK;
}

sheaf_status shf_zip_writer_begin(shf_zip_writer *writer, const char *name, shf_zip_method method, int level, sheaf_error *err)
{
    if (writer->failed || writer->name)
        return shf_fail(err, SHEAF_ERR_STATE, "a zip member cannot begin before the last one has ended well");
    if (strlen(name) > UINT16_MAX)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "a zip member's name of %zu bytes: at most 65535 are allowed", strlen(name));
    if (method == SHF_ZIP_DEFLATED && (level < 1 || level > 9))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "deflate level %d must lie in 1 .. 9", level);
    if (method != SHF_ZIP_DEFLATED && method != SHF_ZIP_STORED)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "zip method %d is unknown", (int)method);
    return mark(writer, begin(writer, name, method, level, err));
}

static sheaf_status deflate_some(shf_zip_writer *w, const uint8_t *bytes, size_t n, int flush, sheaf_error *err)
{
    w->z.next_in = bytes;
    w->z.avail_in = (unsigned)n;
    do {
        w->z.next_out = w->output;
        w->z.avail_out = OUTPUT;
        (void)deflate(&w->z, flush); /* cannot fail on a sound stream with room */
        size_t made = OUTPUT - w->z.avail_out;
        w->member.stored_size += made;
        SHF_TRY(put(w, w->output, made, err));
    } while (w->z.avail_out == 0);
    return SHEAF_OK;
}

static sheaf_status add(shf_zip_writer *w, const uint8_t *bytes, size_t n, sheaf_error *err)
{
    for (size_t at = 0; at < n;) {
        size_t piece = n - at < 1U << 30 ? n - at : 1U << 30; /* zlib counts in 32 bits */
        w->member.crc = (uint32_t)crc32(w->member.crc, bytes + at, (unsigned)piece);
        w->member.size += piece;
        if (w->member.method == SHF_ZIP_DEFLATED) {
            SHF_TRY(deflate_some(w, bytes + at, piece, Z_NO_FLUSH, err));
        } else {
            SHF_TRY(put(w, bytes + at, piece, err));
            w->member.stored_size += piece;
        }
        at += piece;
    }
    return SHEAF_OK;
}

sheaf_status shf_zip_writer_add(shf_zip_writer *writer, const void *bytes, size_t n, sheaf_error *err)
{
    if (writer->failed || !writer->name) return shf_fail(err, SHEAF_ERR_STATE, "no zip member has begun");
    return mark(writer, add(writer, bytes, n, err));
}

static sheaf_status end(shf_zip_writer *w, sheaf_error *err)
{
    if (w->member.method == SHF_ZIP_DEFLATED) SHF_TRY(deflate_some(w, NULL, 0, Z_FINISH, err));
    SHF_TRY(write_local(w, err));
    SHF_TRY(add_entry(w, err));
    drop_member(w);
    return SHEAF_OK;
}

sheaf_status shf_zip_writer_end(shf_zip_writer *writer, sheaf_error *err)
{
    if (writer->failed || !writer->name) return shf_fail(err, SHEAF_ERR_STATE, "no zip member has begun");
    return mark(writer, end(writer, err));
}

/* Zip64's end, its locator, and the old end that points nowhere but to them. */
static sheaf_status write_ends(shf_zip_writer *w, uint64_t directory_offset, sheaf_error *err)
{
    uint8_t b[ZIP64_END_SIZE + ZIP64_LOCATOR_SIZE + ZIP_END_SIZE] = {0}, *locator = b + ZIP64_END_SIZE, *old = locator + ZIP64_LOCATOR_SIZE;
    shf_set_u32(b, ZIP64_END);
    shf_set_u64(b + 4, ZIP64_END_SIZE - 12);
    shf_set_u16(b + 12, 3 << 8 | ZIP64_VERSION);
    shf_set_u16(b + 14, ZIP64_VERSION);
    shf_set_u64(b + 24, w->entries);
    shf_set_u64(b + 32, w->entries);
    shf_set_u64(b + 40, w->directory.size);
    shf_set_u64(b + 48, directory_offset);
    shf_set_u32(locator, ZIP64_LOCATOR);
    shf_set_u64(locator + 8, directory_offset + w->directory.size);
    shf_set_u32(locator + 16, 1);
    shf_set_u32(old, ZIP_END);
    uint16_t entries = (uint16_t)shf_min_u64(w->entries, UINT16_MAX);
    shf_set_u16(old + 8, entries);
    shf_set_u16(old + 10, entries);
    shf_set_u32(old + 12, (uint32_t)shf_min_u64(w->directory.size, UINT32_MAX));
    shf_set_u32(old + 16, (uint32_t)shf_min_u64(directory_offset, UINT32_MAX));
    return put(w, b, sizeof b, err);
}

sheaf_status shf_zip_writer_finish(shf_zip_writer *writer, uint64_t *file_size, sheaf_error *err)
{
    if (writer->failed || writer->name)
        return shf_fail(err, SHEAF_ERR_STATE, "a zip file cannot end before its last member has ended well");
    uint64_t directory_offset = writer->offset;
    writer->failed = true; /* it is over either way */
    SHF_TRY(put(writer, writer->directory.data, writer->directory.size, err));
    SHF_TRY(write_ends(writer, directory_offset, err));
    if (file_size) *file_size = writer->offset;
    return SHEAF_OK;
}
