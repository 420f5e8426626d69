// SPDX-License-Identifier: Apache-2.0
#include "store/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/crc32c.h"

/* A frame above this size is written in parts, its head last. */
#define STAGING_BYTES ((size_t)1 << 20)
/* What is put at once above this size is written from where it lies. Not with sync, where a frame in parts costs one sync more. */
#define DIRECT_BYTES ((size_t)64 << 10)

/* Zeros behind the last frame, where the next one's size will stand: nobody takes what an older generation left there for a frame and reads it. */
#define END_BYTES 8

/* Read at once, since most frames are small: little at first, for the poll that finds nothing, then more each time. */
#define WINDOW_FIRST_BYTES ((uint64_t)4 << 10)
#define WINDOW_BYTES ((uint64_t)256 << 10)
#define WINDOW_KEPT_BYTES ((size_t)1 << 20)

/* A tip for so many bytes of frames: few writes, and little to read behind it. */
#define TIP_EVERY_BYTES ((uint64_t)64 << 10)

#define ACQUIRE_TRIES 16
#define ACQUIRE_PAUSE_NS 30000000

void shf_log_init(shf_log *log)
{
    memset(log, 0, sizeof *log);
    log->file = (shf_file)SHF_FILE_CLOSED;
}

static sheaf_status busy(const shf_log *log, sheaf_error *err)
{
    char since[32] = "an unknown time";
    struct tm tm;
    time_t t = (time_t)log->header.since;
    if (t && gmtime_r(&t, &tm)) strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", &tm);
    return shf_fail_at(err, SHEAF_ERR_BUSY, log->path, NULL, -1, -1, "another writer is at work: process %lld on %s, since %s",
                       (long long)log->header.pid, log->header.host[0] ? log->header.host : "this host", since);
}

/* What a writer adds from now on is not in the window. */
static void drop_window(shf_log *log)
{
    log->window.size = 0;
    log->window_step = WINDOW_FIRST_BYTES;
    if (log->window.capacity > WINDOW_KEPT_BYTES) shf_buf_free(&log->window);
}

void shf_log_rewind(shf_log *log)
{
    log->position = log->header.frames_at ? log->header.frames_at : SHF_LOG_FRAMES_AT;
    log->sequence = 0;
    drop_window(log);
}

/* What is in the header, when it is whole; else zeros. */
static sheaf_status load_header(shf_log *log, sheaf_error *err)
{
    uint8_t bytes[SHF_LOG_HEADER_BYTES];
    size_t got;
    memset(&log->header, 0, sizeof log->header);
    SHF_TRY(shf_file_read_some(&log->file, bytes, sizeof bytes, 0, &got, err));
    sheaf_error ignored;
    sheaf_status status = shf_log_header_read(bytes, got, &log->header, &ignored);
    if (status == SHEAF_ERR_UNSUPPORTED) return shf_fail_at(err, status, log->path, NULL, -1, 0, "%s", ignored.message);
    shf_log_rewind(log);
    return SHEAF_OK;
}

static sheaf_status try_acquire(shf_log *log, bool *was_there, bool *again, sheaf_error *err)
{
    bool got, same;
    uint64_t size;
    *again = false;
    SHF_TRY(shf_path_no_link(log->path, (size_t)(shf_path_base(log->path) - log->path), err));
    SHF_TRY(shf_file_open(&log->file, log->path, SHF_OPEN_CREATE, err));
    SHF_TRY(shf_file_own(&log->file, &got, err));
    SHF_TRY(load_header(log, err));
    if (!got) return busy(log, err);
    /* The one who held it may have removed it before it let go. */
    SHF_TRY(shf_file_is_at(&log->file, log->path, &same, err));
    *again = !same;
    SHF_TRY(shf_file_size(&log->file, &size, err));
    *was_there = size > 0;
    return SHEAF_OK;
}

sheaf_status shf_log_acquire(shf_log *log, char *path, bool sync, bool *was_there, sheaf_error *err)
{
    log->path = path;
    log->sync = sync;
    if (!path) return shf_fail_memory(err, 0, "a path");
    /* Who was just killed holds the lock until its exit is over: a moment's patience. */
    for (int i = 0; i < ACQUIRE_TRIES; i++) {
        bool again = false;
        sheaf_status status = try_acquire(log, was_there, &again, err);
        if (status == SHEAF_OK && !again) return SHEAF_OK;
        (void)shf_file_close(&log->file, NULL);
        if (status != SHEAF_OK && status != SHEAF_ERR_BUSY) return status;
        if (!again) nanosleep(&(struct timespec){.tv_nsec = ACQUIRE_PAUSE_NS}, NULL);
    }
    return busy(log, err);
}

sheaf_status shf_log_moved(shf_log *log, char *path, sheaf_error *err)
{
    if (!path) return shf_fail_memory(err, 0, "a path");
    shf_free(log->path);
    log->path = path;
    return shf_file_moved(&log->file, path, err);
}

sheaf_status shf_log_attach(shf_log *log, char *path, bool *there, sheaf_error *err)
{
    *there = false;
    if (log->path != path) {
        shf_free(log->path);
        log->path = path;
    }
    if (!path) return shf_fail_memory(err, 0, "a path");
    SHF_TRY(shf_file_close(&log->file, err));
    sheaf_error local;
    sheaf_status status = shf_file_open(&log->file, path, SHF_OPEN_READ, &local);
    if (status == SHEAF_ERR_NOT_FOUND) return SHEAF_OK;
    if (status != SHEAF_OK) {
        if (err) *err = local;
        return status;
    }
    *there = true;
    return load_header(log, err);
}

/* The first time the file's name must last too. */
static sheaf_status sync_header(shf_log *log, sheaf_error *err)
{
    SHF_TRY(shf_file_sync(&log->file, err));
    if (log->written) return SHEAF_OK;
    char *folder = shf_path_parent(log->path);
    if (!folder) return shf_fail_memory(err, 64, "a path");
    sheaf_status status = shf_path_sync_folder(folder, err);
    shf_free(folder);
    return status;
}

static void fill_header(shf_log_header *header, const char *format, size_t n_arrays, size_t n_records)
{
    /* A log of its own begins at a number that no older frame carries. */
    header->generation =
        header->generation ? header->generation + 1 : (uint64_t)shf_clock_wall_s() << 24 ^ shf_clock_ns() % ((uint64_t)1 << 24);
    header->pid = (int64_t)getpid();
    header->n_arrays = (uint32_t)n_arrays;
    header->n_records = (uint32_t)n_records;
    memset(header->host, 0, sizeof header->host);
    if (gethostname(header->host, sizeof header->host - 1)) header->host[0] = '\0';
    memset(header->format, 0, sizeof header->format);
    snprintf(header->format, sizeof header->format, "%s", format);
}

sheaf_status shf_log_restart(shf_log *log, const char *format, size_t n_arrays, size_t n_records, uint64_t keep_bytes, sheaf_error *err)
{
    uint8_t bytes[SHF_LOG_FRAMES_AT + END_BYTES] = {0};
    uint64_t file_size;
    fill_header(&log->header, format, n_arrays, n_records);
    if (!log->written) log->header.since = shf_clock_wall_s();
    shf_log_header_write(&log->header, bytes);
    SHF_TRY(shf_file_write(&log->file, bytes, sizeof bytes, 0, err));
    if (log->sync) SHF_TRY(sync_header(log, err));
    SHF_TRY(shf_file_size(&log->file, &file_size, err));
    if (file_size > keep_bytes) {
        SHF_TRY(shf_file_truncate(&log->file, sizeof bytes, err));
        log->allocated = 4096;
    }
    log->header.frames_at = SHF_LOG_FRAMES_AT;
    shf_log_rewind(log);
    shf_buf_free(&log->window);
    log->tip_at = 0;
    log->written += sizeof bytes;
    return SHEAF_OK;
}

sheaf_status shf_log_begin(shf_log *log, sheaf_error *err)
{
    log->frame_crc = 0;
    log->frame_flushed = 0;
    return shf_buf_resize(&log->frame, SHF_LOG_FRAME_BYTES, err);
}

/* Writes the next part of the payload behind the head's place. */
static sheaf_status write_part(shf_log *log, const uint8_t *part, size_t n, sheaf_error *err)
{
    log->frame_crc = shf_crc32c(log->frame_crc, part, n);
    SHF_TRY(shf_file_write(&log->file, part, n, log->position + SHF_LOG_FRAME_BYTES + log->frame_flushed, err));
    log->frame_flushed += n;
    log->written += n;
    return SHEAF_OK;
}

static sheaf_status flush(shf_log *log, sheaf_error *err)
{
    size_t n = log->frame.size - SHF_LOG_FRAME_BYTES;
    if (n) SHF_TRY(write_part(log, log->frame.data + SHF_LOG_FRAME_BYTES, n, err));
    log->frame.size = SHF_LOG_FRAME_BYTES;
    return SHEAF_OK;
}

sheaf_status shf_log_put(shf_log *log, const void *bytes, size_t n, sheaf_error *err)
{
    const uint8_t *from = bytes;
    if (n >= DIRECT_BYTES && !log->sync) {
        SHF_TRY(flush(log, err));
        return write_part(log, from, n, err);
    }
    while (n > 0) {
        size_t room = STAGING_BYTES > log->frame.size ? STAGING_BYTES - log->frame.size : 0;
        size_t part = (size_t)shf_min_u64(n, room);
        if (part == 0) {
            SHF_TRY(flush(log, err));
            continue;
        }
        SHF_TRY(shf_buf_append(&log->frame, from, part, err));
        from += part;
        n -= part;
    }
    return SHEAF_OK;
}

sheaf_status shf_log_put_number(shf_log *log, uint64_t value, sheaf_error *err)
{
    uint8_t bytes[SHF_LOG_VARINT_MAX];
    return shf_log_put(log, bytes, shf_log_put_varint(bytes, value), err);
}

static const uint8_t g_end[END_BYTES] = {0};

/* Of a frame that is in the file but for its head and what is staged: all is there, with sync on the disk too, before the head makes it whole. */
static sheaf_status end_in_parts(shf_log *log, sheaf_error *err)
{
    SHF_TRY(flush(log, err));
    SHF_TRY(shf_file_write(&log->file, g_end, sizeof g_end, log->position + SHF_LOG_FRAME_BYTES + log->frame_flushed, err));
    log->written += sizeof g_end;
    return log->sync ? shf_file_sync(&log->file, err) : SHEAF_OK;
}

/* Of a frame that is staged as a whole, and goes out with its head. */
static sheaf_status end_at_once(shf_log *log, sheaf_error *err)
{
    log->frame_crc = shf_crc32c(0, log->frame.data + SHF_LOG_FRAME_BYTES, log->frame.size - SHF_LOG_FRAME_BYTES);
    return shf_buf_append(&log->frame, g_end, sizeof g_end, err);
}

sheaf_status shf_log_end(shf_log *log, sheaf_error *err)
{
    uint64_t payload = log->frame_flushed + (log->frame.size - SHF_LOG_FRAME_BYTES);
    if (log->frame_flushed > 0) SHF_TRY(end_in_parts(log, err));
    else SHF_TRY(end_at_once(log, err));
    shf_log_frame_head(payload, shf_log_frame_crc(log->frame_crc, log->header.generation, log->sequence, payload), log->frame.data);
    SHF_TRY(shf_file_write(&log->file, log->frame.data, log->frame.size, log->position, err));
    if (log->sync) SHF_TRY(shf_file_sync(&log->file, err));
    log->written += log->frame.size;
    log->position += SHF_LOG_FRAME_BYTES + payload;
    log->sequence++;
    log->allocated = shf_max_u64(log->allocated, shf_ceil_div(log->position + END_BYTES, 4096) * 4096);
    return SHEAF_OK;
}

/* Reads the window anew from position, n bytes or more ahead: as many as there are. */
static sheaf_status move_window(shf_log *log, uint64_t n, sheaf_error *err)
{
    size_t got;
    log->window.size = 0;
    log->window_at = log->position;
    if (n > log->window_step) {
        /* A frame's size is not trusted before the file is that long. */
        uint64_t file_size;
        SHF_TRY(shf_file_size(&log->file, &file_size, err));
        if (file_size < log->position || n > file_size - log->position) return SHEAF_OK;
    }
    SHF_TRY(shf_buf_resize(&log->window, (size_t)shf_max_u64(n, log->window_step), err));
    sheaf_status status = shf_file_read_some(&log->file, log->window.data, log->window.size, log->position, &got, err);
    log->window.size = status == SHEAF_OK ? got : 0;
    log->window_step = shf_min_u64(log->window_step * 4, WINDOW_BYTES);
    return status;
}

/* The first n bytes from position on; NULL when the file ends before. */
static sheaf_status look(shf_log *log, uint64_t n, const uint8_t **bytes, sheaf_error *err)
{
    *bytes = NULL;
    uint64_t end = log->position - log->window_at + n;
    if (end > log->window.size) {
        SHF_TRY(move_window(log, n, err));
        if (n > log->window.size) return SHEAF_OK;
    }
    *bytes = log->window.data + (log->position - log->window_at);
    return SHEAF_OK;
}

void shf_log_tell(shf_log *log, const uint64_t *lengths, size_t n_records)
{
    uint8_t bytes[SHF_LOG_TIP_BYTES];
    const shf_log_tip tip = {log->sequence, log->position};
    if (log->tip_at && log->position - log->tip_at < TIP_EVERY_BYTES) return;
    if (!shf_log_tip_write(&tip, log->header.generation, lengths, n_records, bytes)) return;
    if (shf_file_write(&log->file, bytes, sizeof bytes, SHF_LOG_HEADER_BYTES, NULL) == SHEAF_OK) log->tip_at = log->position;
    log->written += sizeof bytes;
}

sheaf_status shf_log_seek_tip(shf_log *log, uint64_t *lengths, size_t n_records, bool *at_tip, sheaf_error *err)
{
    uint8_t bytes[SHF_LOG_FRAMES_AT] = {0};
    size_t got;
    shf_log_tip tip;
    *at_tip = false;
    SHF_TRY(shf_file_read_some(&log->file, bytes, sizeof bytes, 0, &got, err));
    if (shf_log_header_read(bytes, got, &log->header, NULL) != SHEAF_OK) return shf_fail(err, SHEAF_ERR_STATE, "the log is being begun");
    shf_log_rewind(log);
    if (log->header.frames_at < SHF_LOG_FRAMES_AT) return SHEAF_OK;
    *at_tip = shf_log_tip_read(bytes + SHF_LOG_HEADER_BYTES, log->header.generation, &tip, lengths, n_records);
    if (*at_tip && tip.position >= SHF_LOG_FRAMES_AT) {
        log->position = tip.position;
        log->sequence = tip.sequence;
    }
    return SHEAF_OK;
}

static sheaf_status read_frame(shf_log *log, shf_log_payload *payload, bool *whole, sheaf_error *err)
{
    const uint8_t *frame;
    *whole = false;
    SHF_TRY(look(log, SHF_LOG_FRAME_BYTES, &frame, err));
    if (!frame) return SHEAF_OK;
    uint64_t size = shf_get_u64(frame);
    if (size == 0 || size > INT64_MAX) return SHEAF_OK;
    SHF_TRY(look(log, SHF_LOG_FRAME_BYTES + size, &frame, err));
    /* The window may have been read again: the size too. */
    if (!frame || shf_get_u64(frame) != size) return SHEAF_OK;
    *payload = (shf_log_payload){frame + SHF_LOG_FRAME_BYTES, (size_t)size};
    uint32_t crc = shf_log_frame_crc(shf_crc32c(0, payload->bytes, payload->n), log->header.generation, log->sequence, size);
    *whole = crc == shf_get_u32(frame + 8);
    return SHEAF_OK;
}

sheaf_status shf_log_read(shf_log *log, shf_log_payload *payload, bool *more, sheaf_error *err)
{
    sheaf_status status = read_frame(log, payload, more, err);
    if (status != SHEAF_OK || !*more) {
        drop_window(log);
        return status;
    }
    log->position += SHF_LOG_FRAME_BYTES + payload->n;
    log->sequence++;
    return SHEAF_OK;
}

/* Whether a whole frame follows the one at position, which is not. */
static sheaf_status is_followed(shf_log *log, bool *followed, sheaf_error *err)
{
    const uint8_t *frame;
    shf_log_payload payload;
    uint64_t position = log->position, sequence = log->sequence, next;
    SHF_TRY(look(log, SHF_LOG_FRAME_BYTES, &frame, err));
    uint64_t size = frame ? shf_get_u64(frame) : 0;
    if (size == 0 || size > INT64_MAX || !shf_add_u64(position + SHF_LOG_FRAME_BYTES, size, &next)) return SHEAF_OK;
    drop_window(log);
    log->position = next;
    log->sequence++;
    sheaf_status status = read_frame(log, &payload, followed, err);
    drop_window(log);
    log->position = log->window_at = position;
    log->sequence = sequence;
    return status;
}

sheaf_status shf_log_lost(shf_log *log, size_t n_records, bool *lost, sheaf_error *err)
{
    uint8_t bytes[SHF_LOG_TIP_BYTES] = {0};
    uint64_t lengths[SHF_LOG_TIP_BYTES / sizeof(uint64_t)], size; /* a tip of more is none */
    size_t got;
    shf_log_tip tip;
    *lost = false;
    SHF_TRY(shf_file_size(&log->file, &size, err));
    if (log->header.generation == 0) {
        *lost = size > SHF_LOG_FRAMES_AT + END_BYTES;
        return SHEAF_OK;
    }
    SHF_TRY(shf_file_read_some(&log->file, bytes, sizeof bytes, SHF_LOG_HEADER_BYTES, &got, err));
    if (log->header.frames_at >= SHF_LOG_FRAMES_AT && shf_log_tip_read(bytes, log->header.generation, &tip, lengths, n_records))
        *lost = tip.position > log->position;
    return *lost ? SHEAF_OK : is_followed(log, lost, err);
}

sheaf_status shf_log_check(shf_log *log, bool *same, sheaf_error *err)
{
    uint8_t bytes[SHF_LOG_HEADER_BYTES];
    size_t got;
    shf_log_header header;
    SHF_TRY(shf_file_is_at(&log->file, log->path, same, err));
    if (!*same) return SHEAF_OK;
    SHF_TRY(shf_file_read_some(&log->file, bytes, sizeof bytes, 0, &got, err));
    *same = shf_log_header_read(bytes, got, &header, NULL) == SHEAF_OK && header.generation == log->header.generation;
    return SHEAF_OK;
}

sheaf_status shf_log_close(shf_log *log, bool remove, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    /* Removed before the lock goes, so that the next writer finds none or one of its own. */
    if (remove && log->file.fd >= 0) status = shf_path_unlink(log->path, err);
    sheaf_status closed = shf_file_close(&log->file, status == SHEAF_OK ? err : NULL);
    shf_buf_free(&log->frame);
    shf_buf_free(&log->window);
    shf_free(log->path);
    log->path = NULL;
    return status != SHEAF_OK ? status : closed;
}

sheaf_status shf_log_writer(const char *path, shf_log_header *header, bool *there, bool *alive, sheaf_error *err)
{
    shf_log log;
    shf_log_init(&log);
    *alive = false;
    memset(header, 0, sizeof *header);
    sheaf_status status = shf_log_attach(&log, shf_strdup(path), there, err);
    if (status == SHEAF_OK && *there) {
        *header = log.header;
        status = shf_file_owned(&log.file, alive, err);
    }
    sheaf_status closed = shf_log_close(&log, false, status == SHEAF_OK ? err : NULL);
    return status != SHEAF_OK ? status : closed;
}
