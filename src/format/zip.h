// SPDX-License-Identifier: Apache-2.0
/* Zip files as .npz uses them (PKWARE APPNOTE 6.3.10): members stored or deflated, zip64, one disk, no encryption. Pure: the caller moves
 * the bytes. What is written is the same for the same members: no clock time is put in, and no data descriptors are needed.
 * A reader, stream or writer is for one thread at a time. Malformed input is SHEAF_ERR_INPUT or SHEAF_ERR_TRUNCATED where the file is no
 * zip file, SHEAF_ERR_DAMAGED where a member does not match its directory entry, SHEAF_ERR_UNSUPPORTED by name. */
#ifndef SHF_FORMAT_ZIP_H
#define SHF_FORMAT_ZIP_H

#include "sheaf/types.h"

typedef enum shf_zip_method { SHF_ZIP_STORED = 0, SHF_ZIP_DEFLATED = 8 } shf_zip_method;

/* Exactly n bytes from `offset`, all of which lie within the file. */
typedef sheaf_status (*shf_zip_pread)(void *context, uint64_t offset, void *to, size_t n, sheaf_error *err);
/* Exactly n bytes at `offset`, at or before the end of what was written so far. */
typedef sheaf_status (*shf_zip_pwrite)(void *context, uint64_t offset, const void *bytes, size_t n, sheaf_error *err);

typedef struct shf_zip_member {
    const char *name; /* Borrowed from the reader; any byte but 0 */
    uint64_t size, stored_size, header_offset;
    uint32_t crc;
    uint16_t method, flags;
} shf_zip_member;

/* --- reading --- */
typedef struct shf_zip_reader shf_zip_reader;
/* Reads the directory. context is Borrowed until free. */
sheaf_status shf_zip_open(shf_zip_pread pread, void *context, uint64_t file_size, shf_zip_reader **reader, sheaf_error *err);
void shf_zip_free(shf_zip_reader *reader); /* NULL is allowed */
size_t shf_zip_count(const shf_zip_reader *reader);
const shf_zip_member *shf_zip_member_at(const shf_zip_reader *reader, size_t i);    /* i < count; Borrowed until free */
const shf_zip_member *shf_zip_find(const shf_zip_reader *reader, const char *name); /* NULL when there is none */
/* Where a member's stored bytes begin; of use for those that are not compressed. */
sheaf_status shf_zip_data_offset(const shf_zip_reader *reader, const shf_zip_member *member, uint64_t *offset, sheaf_error *err);

typedef struct shf_zip_stream shf_zip_stream;
/* Both reader and member must outlive the stream. */
sheaf_status shf_zip_stream_open(const shf_zip_reader *reader, const shf_zip_member *member, shf_zip_stream **stream, sheaf_error *err);
/* The next bytes of the member, at most n; *got is 0 only at its end. The CRC is checked when the last byte is handed out. */
sheaf_status shf_zip_stream_read(shf_zip_stream *stream, void *to, size_t n, size_t *got, sheaf_error *err);
void shf_zip_stream_free(shf_zip_stream *stream); /* NULL is allowed */

/* --- writing --- */
typedef struct shf_zip_writer shf_zip_writer;
sheaf_status shf_zip_writer_open(shf_zip_pwrite pwrite, void *context, shf_zip_writer **writer, sheaf_error *err);
/* One member after the other: begin, add as often as needed, end. The name is Copied (at most 65,535 bytes). level: 1 to 9, for
 * deflate. */
sheaf_status shf_zip_writer_begin(shf_zip_writer *writer, const char *name, shf_zip_method method, int level, sheaf_error *err);
sheaf_status shf_zip_writer_add(shf_zip_writer *writer, const void *bytes, size_t n, sheaf_error *err);
sheaf_status shf_zip_writer_end(shf_zip_writer *writer, sheaf_error *err);
/* Writes the directory; *file_size (may be NULL) is then the size of the whole file. Only free is allowed after it. */
sheaf_status shf_zip_writer_finish(shf_zip_writer *writer, uint64_t *file_size, sheaf_error *err);
void shf_zip_writer_free(shf_zip_writer *writer); /* NULL is allowed */

#endif
