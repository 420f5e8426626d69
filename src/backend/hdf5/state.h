// SPDX-License-Identifier: Apache-2.0
/* What an open HDF5 store knows. docs/formats/hdf5.md describes the file and the order of writes.
 *
 *   0           4096        raw_end                     keep_start      keep_end
 *   | superblock | full chunks | free …                  | partial chunks, metadata | …
 *
 * Full chunks are appended at raw_end and never move. A checkpoint writes its partial chunks and metadata into a region that no reader uses yet, and
 * then overwrites superblock and seal: one write of 112 bytes. [keep_start, keep_end) may be in use by readers and is not written to. */
#ifndef SHF_HDF5_STATE_H
#define SHF_HDF5_STATE_H

#include <pthread.h>

#include "backend/hdf5/chunks.h"
#include "backend/hdf5/driver.h"
#include "backend/hdf5/image.h"

#define SHF_H5_FIRST_CHUNK ((uint64_t)4096)

/* The chunks of a partial last block. */
typedef struct shf_h5_partial {
    shf_h5_chunk *columns; /* owned; n_columns; NULL: none */
    uint64_t block;
} shf_h5_partial;

typedef struct shf_h5_array {
    shf_h5_chunks chunks;              /* writer: all full ones; reader: those that the log told of */
    shf_h5_partial partial;            /* writer: of the last checkpoint */
    shf_h5_partial next;               /* writer: of the checkpoint being made */
    json_t *attributes;                /* writer: of the last checkpoint; owned */
    uint64_t length;                   /* writer: rows of the last checkpoint */
    int64_t position, record_position; /* in a file of others: as in the schema; -1: not ours */
    hid_t dataset;                     /* reader: -1 until it is needed; under the library's lock */
    char *link;                        /* path of the dataset in the file; owned */
    int8_t filters[3];                 /* reader: position of shuffle, deflate, fletcher32 in the file's pipeline; -1: not in it */
    bool other_fill;                   /* what was never stored reads as another value than ours: libhdf5 makes it */
    bool index_wrong;                  /* its chunks do not lie where the index's checksum says: repair tells */
    bool by_library;                   /* not chunks that decode understands: read through libhdf5 */
} shf_h5_array;

typedef struct shf_h5_state {
    char *path; /* owned */
    shf_file file;
    shf_layout *layout; /* the store's */
    bool sync, writable, repair;
    pthread_mutex_t mutex; /* of what put, adopt and get share: the tables of chunks */
    shf_h5_array *arrays;
    size_t n_arrays;
    uint64_t written; /* bytes given to write calls */
    /* writer */
    uint64_t raw_end, keep_start, keep_end;
    uint64_t used_end;             /* nothing was ever written behind it; 0: not known yet */
    uint64_t ahead_until;          /* the file is long enough while raw_end stays below */
    uint64_t last_start, last_end; /* region of the last checkpoint, within [keep_start, keep_end) */
    uint64_t base;                 /* checkpoints go here or behind it */
    uint64_t region;               /* of the checkpoint being made; 0: none yet */
    uint64_t cursor;               /* end of its partial chunks so far */
    json_t *attributes;            /* of the file, of the last checkpoint; owned */
    uint64_t *lengths;             /* of the record dimensions at the last checkpoint; owned */
    bool beside;                   /* our arrays are added to a file of others: metadata changes in place, by pages */
    shf_h5_pages before;           /* beside: changed pages as they are without us */
    bool locked;                   /* no reader outside has the file open, or can open it */
    bool alone;                    /* none had it open since the checkpoint being made was begun, but those that see the last one */
    shf_h5_medium image;           /* made by begin, for end */
    /* reader */
    pthread_rwlock_t view; /* of what follows and of lengths */
    shf_h5_medium medium;
    hid_t library_file;
    bool metadata_wrong;   /* not what Sheaf wrote, though libhdf5 takes it: verify tells */
    bool superblock_wrong; /* repair has made it again: verify tells */
} shf_h5_state;

sheaf_status shf_h5_state_new(const char *path, shf_layout *layout, bool sync, bool writable, shf_h5_state **out, sheaf_error *err);
/* As many arrays and record dimensions as the layout has, with the lengths that it has; what is there stays. */
sheaf_status shf_h5_state_arrays(shf_h5_state *state, sheaf_error *err);
void shf_h5_state_free(shf_h5_state *state);
sheaf_status shf_h5_write(shf_h5_state *state, const void *bytes, size_t n, uint64_t offset, sheaf_error *err);
void shf_h5_partial_free(shf_h5_partial *partial);

/* ---- checkpoint.c ---- */
/* Moves what the last checkpoint published (its own region) to where it is not in the way. */
sheaf_status shf_h5_relocate(shf_h5_state *state, sheaf_error *err);
/* Makes the file as long, by a hole, as it will be for a while. An aid: a failure is none of the store's. */
void shf_h5_look_ahead(shf_h5_state *state);
/* Makes room for n bytes of chunks at raw_end. */
sheaf_status shf_h5_make_way(shf_h5_state *state, uint64_t n, sheaf_error *err);
/* Publishes the layout as it is, without a log: create. */
sheaf_status shf_h5_publish_first(shf_h5_state *state, sheaf_error *err);
/* Takes the layout's lengths and attributes for what was published. */
sheaf_status shf_h5_remember(shf_h5_state *state, sheaf_error *err);
sheaf_status shf_h5_put_partial(void *state, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, uint32_t mask,
                                sheaf_error *err);
sheaf_status shf_h5_checkpoint_begin(void *state, bool final, shf_buf *redo, bool *deferred, sheaf_error *err);
sheaf_status shf_h5_checkpoint_end(void *state, bool final, sheaf_error *err);
sheaf_status shf_h5_redo(const char *path, const void *bytes, size_t n, sheaf_error *err);

/* ---- writer.c ---- */
sheaf_status shf_h5_plan(shf_layout *layout, sheaf_error *err);
sheaf_status shf_h5_create(const char *path, shf_layout *layout, const shf_backend_options *options, void **state, sheaf_error *err);
sheaf_status shf_h5_moved(void *state, const char *path, sheaf_error *err);
sheaf_status shf_h5_put(void *state, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, shf_place *place,
                        sheaf_error *err);
sheaf_status shf_h5_adopt(void *state, size_t array, uint64_t block, uint64_t column, const shf_place *place, sheaf_error *err);
sheaf_status shf_h5_drop(void *state, size_t array, uint64_t block, uint64_t column, sheaf_error *err);

/* Writes the chunks of the fixed arrays. */
sheaf_status shf_h5_write_fixed(shf_h5_state *state, sheaf_error *err);

/* ---- beside.c ---- */
/* Nothing but chunks behind the end of the file is written before the first checkpoint. */
sheaf_status shf_h5_create_beside(const char *path, shf_layout *layout, const shf_backend_options *options, void **state, sheaf_error *err);
/* For appending to the arrays of a file that are ours; the library has it open. */
sheaf_status shf_h5_open_beside(shf_h5_state *state, sheaf_error *err);

/* ---- store.c ---- */
/* Whether the chunks lie where the writer put them: crc is the checksum of where they were found. */
sheaf_status shf_h5_check_index(shf_h5_state *state, size_t i, uint32_t crc, sheaf_error *err);
/* Enters where all chunks of an array lie in its table. */
sheaf_status shf_h5_load_array(shf_h5_state *state, size_t i, sheaf_error *err);

/* ---- reader.c ---- */
/* Opens the file in libhdf5 over a copy of its metadata that was taken at one moment. */
sheaf_status shf_h5_reader_open(shf_h5_state *state, sheaf_error *err);
sheaf_status shf_h5_open_library(shf_h5_state *state, sheaf_error *err);
void shf_h5_reader_close(shf_h5_state *state);
/* Once lengths are known. Metadata that could not be copied may change under us when arrays of ours grow in the file of others: where their chunks
 * lie is taken down now, while the lock keeps the writer away. */
sheaf_status shf_h5_settle(shf_h5_state *state, sheaf_error *err);
/* The dataset of an array, opened when it is not. Only while the library is locked; negative on failure. */
hid_t shf_h5_dataset(shf_h5_state *state, size_t array);
/* Where a chunk of the file lies; {0}: nowhere. */
sheaf_status shf_h5_locate(shf_h5_state *state, size_t array, uint64_t index, shf_h5_chunk *chunk, sheaf_error *err);
sheaf_status shf_h5_get(void *state, size_t array, uint64_t block, uint64_t column, shf_buf *out, uint32_t *mask, bool *absent,
                        sheaf_error *err);
sheaf_status shf_h5_refresh(void *state, sheaf_error *err);

/* ---- seal.c ---- */
/* Whether a file that has no sound superblock was ours. */
bool shf_h5_has_seal(const shf_file *file);
/* SHEAF_ERR_DAMAGED when the superblock is, of a file of ours; else libhdf5 says what is wrong, if anything is. */
sheaf_status shf_h5_check_superblock(const shf_h5_state *state, sheaf_error *err);
/* Writes a damaged superblock of a file of ours anew. */
sheaf_status shf_h5_mend_superblock(shf_h5_state *state, sheaf_error *err);
/* Metadata that is not what Sheaf wrote, by damage or since another program has changed it: libhdf5 reads all of it in a child process first, as it can
 * die of it. SHEAF_ERR_DAMAGED when it does, or when it finds an error. */
sheaf_status shf_h5_trial(shf_h5_state *state, sheaf_error *err);

/* ---- structure.c: the layout from the file; state->library_file is open ---- */
/* *foreign becomes true when the file holds anything that we would not write. */
sheaf_status shf_h5_structure_read(shf_h5_state *state, bool *foreign, sheaf_error *err);
/* Only the lengths of the record dimensions, into state->lengths. */
sheaf_status shf_h5_structure_lengths(shf_h5_state *state, sheaf_error *err);
/* Only the attributes, into the layout. */
sheaf_status shf_h5_structure_attributes(shf_h5_state *state, sheaf_error *err);

#endif
