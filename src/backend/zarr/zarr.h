// SPDX-License-Identifier: Apache-2.0
/* Inside the Zarr back end. A state has one node per array; the shards that grow (or that the log names chunks of) are live, kept in
 * memory; all files go through a small table of open handles. The mutex guards lives and handles; data is read and written outside of it.
 *
 * What lies where in a shard: format/zarr_shard.h. Order of writes, so that a kill between any two leaves the last checkpoint whole:
 * - a full chunk goes behind the canonical area, where no index names anything;
 * - a partial chunk goes to the slot that the index on disk does not name;
 * - an index that names published chunks is written to its copy first, then in place; readers of ours fall back to the copy;
 * - a checkpoint writes data, then indexes, then each array's zarr.json, last the group's: its rename is what publishes. */
#ifndef SHF_BACKEND_ZARR_ZARR_H
#define SHF_BACKEND_ZARR_ZARR_H

#include <pthread.h>

#include "backend/backend.h"
#include "format/zarr_metadata.h"
#include "format/zarr_shard.h"
#include "io/file.h"

#define SHF_ZARR_METADATA_NAME "zarr.json"
#define SHF_ZARR_SIDECAR_NAME ".sheaf-log"
#define SHF_ZARR_MAX_METADATA ((size_t)64 << 20)
#define SHF_ZARR_MAX_KEY 192
enum {
    SHF_ZARR_SHARD_CHUNKS = 64, /* of our own shards */
    SHF_ZARR_MAX_HANDLES = 48,  /* open files of one store; the 65th of a process with threads costs 15 ms (Linux grows a table) */
    SHF_ZARR_ATTEMPTS = 5,      /* of a read while the index changes under it */
};
/* What is known about a chunk of a live shard. */
enum { SHF_ZARR_FAR_0 = 1, SHF_ZARR_FAR_1 = 2, SHF_ZARR_FULL = 4 };
/* Masks of chunks as get hands them over. */
enum {
    SHF_ZARR_ENCODED = 0, /* as the array's codec and a CRC-32C made them */
    SHF_ZARR_RAW = 1,     /* decoded already: row-major, little-endian */
    SHF_ZARR_CHECKED = 2, /* encoded, and the CRC-32C was right */
};

/* An open file that holds chunks; entries: its index on disk, as far as known. */
typedef struct shf_zarr_handle {
    shf_file file;
    size_t node;
    uint64_t shard;
    unsigned refs;
    uint64_t used;      /* clock of the table, for evicting the oldest */
    uint64_t allocated; /* as counted in the state's total */
    bool unsynced;
    shf_shard_entry *entries; /* Owned; NULL: not read */
} shf_zarr_handle;

/* A shard whose index in memory is ahead of the one on disk, or may be. */
typedef struct shf_zarr_live {
    struct shf_zarr_live *next;
    uint64_t shard;
    uint64_t end;             /* of the canonical area: where the next full chunk goes */
    size_t n_full;            /* chunks in it */
    bool published;           /* the index on disk names chunks that a checkpoint published */
    bool tail;                /* an index (in memory or on disk) names a partial chunk in the canonical area beyond end */
    bool far;                 /* the file reaches into the far area */
    bool dirty;               /* entries differ from the index on disk */
    shf_shard_entry *entries; /* n_chunks of the node */
    uint8_t *slot;            /* per chunk: SHF_ZARR_FAR_0 or _1: the index on disk names that far slot; SHF_ZARR_FULL: counted in n_full */
} shf_zarr_live;

typedef struct shf_zarr_node {
    shf_zarr_array meta; /* attributes are moved to the layout: NULL here */
    char *folder;        /* under the store; "" when the store is one array */
    shf_buf text;        /* of its zarr.json on disk; empty: not known */
    bool direct;         /* chunks are what encode makes */
    bool ours;           /* and lie as Sheaf writes them */
    size_t n_chunks;     /* of a shard; 1 when not sharded */
    uint64_t per_shard[SHEAF_MAX_NDIM];
    uint64_t shard_grid[SHEAF_MAX_NDIM]; /* shards along axes ≥ 1 */
    uint64_t n_groups;                   /* shards of one row of shards */
    shf_shard_plan plan;                 /* ours only */
    uint64_t max_bytes;                  /* of one encoded chunk */
    uint64_t published_rows;
    shf_zarr_live *live;
} shf_zarr_node;

typedef struct shf_zarr_state {
    char *path;
    shf_layout *layout;
    shf_backend_options options;
    int version; /* of the store's metadata: 2 or 3 */
    bool is_group;
    bool ours;
    bool recovered; /* what a killed writer left beyond the end has been cleared away */
    shf_zarr_node *nodes;
    size_t n_nodes;
    shf_buf text; /* of the group's metadata */
    pthread_mutex_t mutex;
    shf_zarr_handle *handles[SHF_ZARR_MAX_HANDLES];
    uint64_t clock;
    uint64_t allocated, written;
} shf_zarr_state;

/* Where a chunk lies. */
typedef struct shf_zarr_spot {
    uint64_t at[SHEAF_MAX_NDIM]; /* grid coordinates of what its key names */
    uint64_t shard;              /* the same as one number */
    size_t slot;                 /* in the shard */
} shf_zarr_spot;

/* geometry.c */
void shf_zarr_choose_shard(const shf_array *array, uint64_t shard[SHEAF_MAX_NDIM]);
sheaf_status shf_zarr_node_finish(shf_zarr_node *node, const shf_array *array, sheaf_error *err);
sheaf_status shf_zarr_locate(const shf_zarr_state *state, size_t node, uint64_t block, uint64_t column, shf_zarr_spot *spot,
                             sheaf_error *err);
void shf_zarr_shard_at(const shf_zarr_node *node, uint64_t shard, uint64_t at[SHEAF_MAX_NDIM]);
/* Owned by the caller. */
sheaf_status shf_zarr_shard_path(const shf_zarr_state *state, size_t node, uint64_t shard, char **out, sheaf_error *err);
/* Chunks of the shard that lie within the array, all rows of blocks counted for growing arrays. */
size_t shf_zarr_shard_valid(const shf_zarr_node *node, const shf_array *array, uint64_t shard);
/* Row block of a chunk of a shard. */
uint64_t shf_zarr_slot_block(const shf_zarr_node *node, uint64_t shard, size_t slot);

/* handles.c: with the mutex held (write and sync let go of it meanwhile).
 * acquire: *out NULL (and SHEAF_OK) when the file is not there and not to be made. */
sheaf_status shf_zarr_acquire(shf_zarr_state *state, size_t node, uint64_t shard, bool make, shf_zarr_handle **out, sheaf_error *err);
void shf_zarr_release(shf_zarr_state *state, shf_zarr_handle *handle);
/* Forgets what is known about indexes on disk (of one shard; of all: shard = UINT64_MAX). With the mutex held. */
void shf_zarr_forget(shf_zarr_state *state, size_t node, uint64_t shard);
/* The index on disk into handle->entries (fresh: again); its copy is taken when the one in place is torn. */
sheaf_status shf_zarr_load_index(const shf_zarr_state *state, shf_zarr_handle *handle, bool fresh, sheaf_error *err);
sheaf_status shf_zarr_write(shf_zarr_state *state, shf_zarr_handle *handle, const void *bytes, size_t n, uint64_t offset, sheaf_error *err);
sheaf_status shf_zarr_truncate(shf_zarr_state *state, shf_zarr_handle *handle, uint64_t size, sheaf_error *err);
sheaf_status shf_zarr_sync_handle(shf_zarr_state *state, shf_zarr_handle *handle, sheaf_error *err);
sheaf_status shf_zarr_close_handles(shf_zarr_state *state, sheaf_error *err);

/* live.c: with the mutex held. */
shf_zarr_live *shf_zarr_find_live(const shf_zarr_node *node, uint64_t shard);
/* Finds or makes it. fresh: one that is not published is begun anew, else what is there is kept. repair: a missing shard or index becomes an
 * empty one. */
sheaf_status shf_zarr_make_live(shf_zarr_state *state, size_t node, uint64_t shard, bool fresh, bool repair, shf_zarr_live **out,
                                sheaf_error *err);
void shf_zarr_drop_live(shf_zarr_state *state, size_t node, const shf_zarr_live *live);
/* Chunk i is whole and in its place. */
void shf_zarr_count_full(shf_zarr_live *live, size_t i);
void shf_zarr_free_lives(shf_zarr_node *node);

/* put.c */
sheaf_status shf_zarr_put(void *state, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, shf_place *place,
                          sheaf_error *err);
sheaf_status shf_zarr_adopt(void *state, size_t array, uint64_t block, uint64_t column, const shf_place *place, sheaf_error *err);
sheaf_status shf_zarr_put_partial(void *state, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, uint32_t mask,
                                  sheaf_error *err);
sheaf_status shf_zarr_drop(void *state, size_t array, uint64_t block, uint64_t column, sheaf_error *err);
sheaf_status shf_zarr_write_index(shf_zarr_state *state, size_t node, shf_zarr_live *live, sheaf_error *err);
/* Frees the canonical area beyond live->end of partial chunks that a closed store keeps there. */
sheaf_status shf_zarr_make_room(shf_zarr_state *state, size_t node, shf_zarr_live *live, sheaf_error *err);

/* checkpoint.c */
sheaf_status shf_zarr_checkpoint_begin(void *state, bool final, shf_buf *redo, bool *deferred, sheaf_error *err);
sheaf_status shf_zarr_checkpoint_end(void *state, bool final, sheaf_error *err);
sheaf_status shf_zarr_sync(void *state, sheaf_error *err);

/* publish.c */
sheaf_status shf_zarr_publish_metadata(shf_zarr_state *state, sheaf_error *err);
/* Replaces a file and counts its blocks. name: under the store. */
sheaf_status shf_zarr_replace(shf_zarr_state *state, const char *folder, const char *name, const shf_buf *text, sheaf_error *err);
/* Makes a folder unless it is there, counts it, with sync makes its entry durable. */
sheaf_status shf_zarr_make_folder(shf_zarr_state *state, const char *path, sheaf_error *err);

/* load.c: metadata of a store into nodes and an empty layout. */
sheaf_status shf_zarr_load(shf_zarr_state *state, sheaf_error *err);
/* For refresh: lengths and attributes of the same arrays. */
sheaf_status shf_zarr_reload(shf_zarr_state *state, sheaf_error *err);

/* layout.c: names and lengths of dimensions from the nodes. */
sheaf_status shf_zarr_make_layout(shf_zarr_state *state, const json_t *sheaf_member, sheaf_error *err);

/* get.c */
sheaf_status shf_zarr_get(void *state, size_t array, uint64_t block, uint64_t column, shf_buf *out, uint32_t *mask, bool *absent,
                          sheaf_error *err);
sheaf_status shf_zarr_array_bytes(void *state, size_t array, uint64_t *stored_bytes, sheaf_error *err);

/* chain.c */
sheaf_status shf_zarr_encode(shf_codec_work *work, const shf_array *array, const void *chunk, shf_buf *out, uint32_t *mask,
                             sheaf_error *err);
sheaf_status shf_zarr_decode(shf_codec_work *work, const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk,
                             sheaf_error *err);
/* Any chain: out becomes chunk_bytes, row-major, little-endian. */
sheaf_status shf_zarr_decode_chain(const shf_zarr_node *node, const shf_array *array, const void *bytes, size_t n, shf_buf *out,
                                   sheaf_error *err);
/* Of a chain ours as encode makes them: the CRC-32C alone. */
sheaf_status shf_zarr_check_crc(const void *bytes, size_t n, sheaf_error *err);

/* verify.c */
sheaf_status shf_zarr_verify(void *state, void (*tell)(void *context, const sheaf_error *damage), void *context, sheaf_error *err);

/* state.c */
void shf_zarr_state_free(shf_zarr_state *state);
/* NULL when out of memory. */
shf_zarr_state *shf_zarr_state_new(const char *path, const shf_backend_options *options, shf_layout *layout);
sheaf_status shf_zarr_add_node(shf_zarr_state *state, const char *folder, shf_zarr_node **out, sheaf_error *err);
sheaf_status shf_zarr_create(const char *path, shf_layout *layout, const shf_backend_options *options, void **state, sheaf_error *err);
/* No file is open after create. */
sheaf_status shf_zarr_moved(void *state, const char *path, sheaf_error *err);
sheaf_status shf_zarr_open(const char *path, const shf_backend_options *options, shf_layout *layout, void **state, sheaf_error *err);

#endif
