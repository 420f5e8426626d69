// SPDX-License-Identifier: Apache-2.0
/* The table that a storage format fills in. The store above it hands every chunk over once, full and encoded, in a fixed order; and at a
 * checkpoint the partial last chunks and the lengths. A slot left NULL is "not supported", by name.
 *
 * Chunk address: array (index in the layout), block (row block: rows block × chunk[0] …), column (see shf_array_column).
 * Threads: the store calls the writing callbacks one at a time; encode, decode, get and get_rows from any thread, also beside a write. */
#ifndef SHF_BACKEND_BACKEND_H
#define SHF_BACKEND_BACKEND_H

#include "backend/layout.h"
#include "base/buf.h"
#include "codec/codec.h"

/* Where an encoded chunk lies: what the tail log keeps about chunks finished since the last checkpoint. */
typedef struct shf_place {
    uint64_t offset; /* in the shard or file, as the back end means it */
    uint64_t size;   /* encoded bytes */
    uint32_t mask;   /* what encode said (HDF5: filter mask) */
    uint32_t crc;    /* crc32c of the encoded bytes */
} shf_place;

enum {
    SHF_BACKEND_ROWS = 1,     /* rows are written in place by put_rows and made visible by publish; no chunks, no tail log frames */
    SHF_BACKEND_BESIDE = 4,   /* create can add to a file that others made */
    SHF_BACKEND_VOLATILE = 2, /* lives in memory: no sidecar, no lock */
};

typedef struct shf_backend_options {
    bool sync;     /* write so that a power cut loses nothing published */
    bool writable; /* of open */
    bool beside;   /* of create: add to a file that others made, where the format can; the caller checkpoints at once */
    bool repair;   /* of open, writable: verify follows, which tells what is wrong; else what a writer would hide is an error */
} shf_backend_options;

typedef struct shf_backend_ops {
    const char *name;            /* "zarr" */
    const char *const *suffixes; /* {".zarr", NULL} */
    unsigned flags;

    /* Whether path looks like a store of this format (by content, cheaply; no error: a doubtful one is false). */
    bool (*probe)(const char *path);
    /* Path of the transient sidecar (tail log and writer's lock); owned by the caller, NULL when out of memory. */
    char *(*sidecar)(const char *path);
    /* At create, before anything is written: sets codec and level where they are default, refuses what the format cannot hold. */
    sheaf_status (*plan)(shf_layout *layout, sheaf_error *err);
    /* Makes the store with all lengths 0 and fixed arrays written, complete for outside tools; nothing is at path but with `beside`. With sync all but the
     * name of path itself is durable. layout stays the caller's and valid until
     * close; its record lengths and attributes are what checkpoint publishes. After an error nothing is left behind. */
    sheaf_status (*create)(const char *path, shf_layout *layout, const shf_backend_options *options, void **state, sheaf_error *err);
    /* A store that create has made is about to be renamed to path. */
    sheaf_status (*moved)(void *state, const char *path, sheaf_error *err);
    /* Reads the metadata of the last checkpoint into *layout (empty before, shf_layout_finish called). With writable also cuts off what lies beyond it, but for
     * chunks that the log may still name. layout stays the caller's and valid until close. */
    sheaf_status (*open)(const char *path, const shf_backend_options *options, shf_layout *layout, void **state, sheaf_error *err);

    /* Chunks. encode: *out is replaced by the encoded bytes of one whole chunk. decode: fills chunk (chunk_bytes) or fails with DAMAGED; checks
     * whatever checksum the format has. Both pure, any thread; work: what that thread keeps between calls, may be NULL. */
    sheaf_status (*encode)(shf_codec_work *work, const shf_array *array, const void *chunk, shf_buf *out, uint32_t *mask, sheaf_error *err);
    sheaf_status (*decode)(shf_codec_work *work, const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk,
                           sheaf_error *err);
    /* Stores a full chunk; the address is new, in order of block then column for each array. place->crc and mask are given, offset and size are filled. Not visible to
     * outside readers before the next checkpoint. */
    sheaf_status (*put)(void *state, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, shf_place *place,
                        sheaf_error *err);
    /* A chunk that put had stored before (recovery by a writer; or what a reader learns from the log): from now on get finds it at place. */
    sheaf_status (*adopt)(void *state, size_t array, uint64_t block, uint64_t column, const shf_place *place, sheaf_error *err);
    /* Within a checkpoint: the partial last chunk (padded with fill values). Replaces the one of the last checkpoint without harming it
     * until the checkpoint is published. */
    sheaf_status (*put_partial)(void *state, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, uint32_t mask,
                                sheaf_error *err);
    /* Publishes all chunks, the record lengths and the attributes of the layout, in two steps. begin writes what harms nobody; *redo
     * (empty before) may be filled with bytes that the store keeps in its log before it calls end, so that `redo` below can finish a
     * checkpoint that was cut short. *deferred = true: not now (an outside reader holds the file); end is then not called.
     * final: the writer closes; the layout on disk must be the canonical one now (the same bytes whatever the checkpoints before). */
    sheaf_status (*checkpoint_begin)(void *state, bool final, shf_buf *redo, bool *deferred, sheaf_error *err);
    sheaf_status (*checkpoint_end)(void *state, bool final, sheaf_error *err);
    /* Before open for writing: finishes a checkpoint from its redo bytes; idempotent. */
    sheaf_status (*redo)(const char *path, const void *bytes, size_t n, sheaf_error *err);
    /* Encoded bytes of a chunk, *out replaced. *absent = true when nothing was stored (all fill values). */
    sheaf_status (*get)(void *state, size_t array, uint64_t block, uint64_t column, shf_buf *out, uint32_t *mask, bool *absent,
                        sheaf_error *err);

    /* Rows (SHF_BACKEND_ROWS): write n rows at row (rows NULL: fill values, may be a hole); publish = the layout's record lengths become
     * visible and, with sync, durable. */
    sheaf_status (*put_rows)(void *state, size_t array, uint64_t row, uint64_t n, const void *rows, sheaf_error *err);
    sheaf_status (*publish)(void *state, sheaf_error *err);
    /* Bytes [offset, offset + n_bytes) of each row in turn of n_rows rows, into out (n_rows × n_bytes). */
    sheaf_status (*get_rows)(void *state, size_t array, uint64_t row, uint64_t n_rows, size_t offset, size_t n_bytes, void *out,
                             sheaf_error *err);
    sheaf_status (*map)(void *state, size_t array, const void **data, uint64_t *n_rows, sheaf_error *err);

    /* Reader: reads the metadata again; the layout's record lengths and attributes become those of the last checkpoint (rows: publish). Forgets adopted
     * chunks and cached indexes. */
    sheaf_status (*refresh)(void *state, sheaf_error *err);
    /* fdatasync of everything that put wrote since the last sync (so that a commit may name it). */
    sheaf_status (*sync)(void *state, sheaf_error *err);
    /* Bytes allocated on disk, in O(1) (kept up to date by the writing callbacks). written: bytes given to write calls so far. */
    sheaf_status (*usage)(void *state, uint64_t *allocated_bytes, uint64_t *written_bytes, sheaf_error *err);
    sheaf_status (*array_bytes)(void *state, size_t array, uint64_t *stored_bytes, sheaf_error *err);
    /* Format's own checks beyond reading every chunk (index checksums, sizes, metadata that agree); tells each damage. */
    sheaf_status (*verify)(void *state, void (*tell)(void *context, const sheaf_error *damage), void *context, sheaf_error *err);
    /* Repair: from now on the chunk reads as fill values (published by the next checkpoint). */
    sheaf_status (*drop)(void *state, size_t array, uint64_t block, uint64_t column, sheaf_error *err);
    sheaf_status (*remove)(const char *path, sheaf_error *err);
    /* Ends; frees state whatever the status. Publishes nothing. */
    sheaf_status (*close)(void *state, sheaf_error *err);
} shf_backend_ops;

/* Back ends of this build, NULL past the last. */
const shf_backend_ops *shf_backend_at(size_t i);
/* By name; NULL: by suffix of path, then (when it is there) by probing. An unknown one: SHEAF_ERR_UNSUPPORTED that lists the known. */
sheaf_status shf_backend_find(const char *format, const char *path, const shf_backend_ops **out, sheaf_error *err);

extern const shf_backend_ops shf_mem_ops;
extern const shf_backend_ops shf_npy_ops;
extern const shf_backend_ops shf_zarr_ops;
extern const shf_backend_ops shf_hdf5_ops;

#endif
