// SPDX-License-Identifier: Apache-2.0
/** @file interchange.h  What comes in from other tools' files, and goes out to them. */
#ifndef SHEAF_INTERCHANGE_H
#define SHEAF_INTERCHANGE_H

#include "ensemble.h"
#include "table.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How an input becomes an ensemble. Make one by sheaf_import_spec_init. */
typedef struct sheaf_import_spec {
    size_t size_bytes;        /**< sizeof(sheaf_import_spec) */
    sheaf_ensemble_kind kind; /**< default SHEAF_BY_STEP: each row is a step, each further axis belongs to it (the first one is `trajectory`).
                                  SHEAF_BY_TRAJECTORY: each row is a trajectory, its second axis its steps. The array keeps its shape in both */
    const char *
        type; /**< "txt", "tsv", "csv" (all text, told apart by content), "npy", "npz", "h5", "zarr", "npyd", "parquet", …; NULL: by the suffix of the path, or the
                                  content of a folder. Borrowed, like what follows */
    const char *name;  /**< of the variable; NULL: the file's stem */
    const char *array; /**< which array of an input that holds several ("GROUP/NAME" in groups); NULL: the only one */
    const char *
        coordinate; /**< of text: the column, by its name or its number from 0, that holds the steps' times or the trajectories' ids; NULL: the first one when
                                  it is named `time` or `t`, or `trajectory`, `sim_id` or `id` */
    sheaf_dtype stored; /**< SHEAF_DTYPE_NONE: as it is (text: f64) */
    sheaf_codec codec;
    uint32_t interval;        /**< sampling interval; default 1 */
    uint32_t source_interval; /**< of a TrajectoryStorage folder: the interval that it was written with; 0 (default): told by its summaries */
    bool keep_last;
    bool no_summaries; /**< by trajectory: no general summaries */
    bool resume;       /**< go on with a store that holds the first rows already */
} sheaf_import_spec;

SHEAF_API sheaf_import_spec sheaf_import_spec_init(void);

/** What was imported. */
typedef struct sheaf_import_result {
    uint64_t n_rows;               /**< rows of the input */
    char name[SHEAF_MAX_NAME + 1]; /**< of the variable */
} sheaf_import_result;

/** Imports a file into a new store. After an error nothing of it is left (unless `resume`). result may be NULL. Errors of text name line and column
 *  (SHEAF_ERR_INPUT); SHEAF_ERR_UNSUPPORTED lists the types that are known. One thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_import(const char *input, const char *store, const sheaf_import_spec *spec,
                                                     const sheaf_store_options *options, sheaf_import_result *result, sheaf_error *err);

/** Gives the next bytes, up to n: *got, 0 at the end. */
typedef sheaf_status (*sheaf_source)(void *context, void *to, size_t n, size_t *got, sheaf_error *err);
/** As sheaf_import, from a stream. spec->type says what it is (text or npy). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_import_stream(sheaf_source source, void *context, const char *store,
                                                            const sheaf_import_spec *spec, const sheaf_store_options *options,
                                                            sheaf_import_result *result, sheaf_error *err);
/** Name of the i-th type that can be imported, NULL past the last. Any thread. */
SHEAF_API const char *sheaf_import_type(size_t i);

/** Writes a part of a store (spec->what, see table.h) to a file; its suffix says how: .csv, .tsv, .json, .npy, …; SHEAF_ERR_UNSUPPORTED lists the known ones.
 *  Trajectories come by growing id. The file is written beside its place (PATH.sheaf-tmp) and renamed, so it is there whole or not at all. *n_rows may be NULL.
 *  .npy, .npz and series as .parquet are written whole: spec->ids, time and max_rows are SHEAF_ERR_UNSUPPORTED there. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_export(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows,
                                                     sheaf_error *err);
/** Suffix of the i-th kind of file that can be written, without its dot; NULL past the last. Any thread. */
SHEAF_API const char *sheaf_export_type(size_t i);

/* ---- one store into another ---- */

/** Told now and then how far a long call is: `done` of `total` records. */
typedef void (*sheaf_progress_callback)(void *context, uint64_t done, uint64_t total);

/** How a store is copied into another format. Make one by sheaf_convert_spec_init. */
typedef struct sheaf_convert_spec {
    size_t size_bytes;         /**< sizeof(sheaf_convert_spec) */
    const char *source_format; /**< NULL: by content or suffix. Borrowed, like what follows */
    uint32_t every;            /**< keep each K-th position along time; default 1 */
    const char *time;          /**< the dimension that is meant; NULL: `time`, or the record dimension of an ensemble stored by step */
    sheaf_dtype
        stored; /**< SHEAF_F32 or SHEAF_F64: type of floating values in the copy, but for coordinates and summaries; default: as they are */
    sheaf_codec codec; /**< default: the target format's own choice */
    int level;
    sheaf_progress_callback progress; /**< or NULL */
    void *context;
} sheaf_convert_spec;

SHEAF_API sheaf_convert_spec sheaf_convert_spec_init(void);

/** What was copied. */
typedef struct sheaf_copy_result {
    uint64_t n_arrays;
    uint64_t n_records;         /**< over all record dimensions */
    uint64_t n_groups_left_out; /**< groups inside a foreign Zarr group, which are not copied (sheaf_convert of PATH/GROUP copies one) */
} sheaf_copy_result;

/** Copies what is committed in a store (or a foreign Zarr group or HDF5 file) into a new store: values, ids, fixed arrays, attributes. options are those of the
 *  new store; its memory bound is that of the whole call. Arrays of a foreign file grow along their first axis, and those in groups are named
 *  GROUP.NAME. After an error nothing of the new store is left. spec, options, result may be NULL. Errors: SHEAF_ERR_NOT_FOUND (no such store; no dimension to thin),
 *  SHEAF_ERR_ARGUMENT (source and target are the same), SHEAF_ERR_EXISTS, SHEAF_ERR_BUDGET, I/O. One thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_convert(const char *source, const char *target, const sheaf_convert_spec *spec,
                                                      const sheaf_store_options *options, sheaf_copy_result *result, sheaf_error *err);

/** How stores are joined. Make one by sheaf_merge_spec_init. */
typedef struct sheaf_merge_spec {
    size_t size_bytes; /**< sizeof(sheaf_merge_spec) */
    const char *
        axis; /**< NULL: records are joined, store after store; of ensembles stored by step with equal times, the columns `trajectory`. A name: that fixed dimension is
                          joined, (time, d, N1) and (time, d, N2) to (time, d, N1 + N2), and everything else must be equal. Borrowed */
    bool renumber; /**< joining columns: ids along the axis are made anew, 0, 1, 2, …, where they would be refused as duplicates */
    sheaf_codec codec;
    int level;
    sheaf_progress_callback progress; /**< or NULL */
    void *context;
} sheaf_merge_spec;

SHEAF_API sheaf_merge_spec sheaf_merge_spec_init(void);

/** Joins what is committed in n_sources ≥ 1 stores of one schema (the ones that workers or ranks wrote) into a new store. Ids are kept; one that two stores have is SHEAF_ERR_DUPLICATE and
 *  names both. A difference in arrays, types, shapes, coordinates or how the ensembles are stored is SHEAF_ERR_MISMATCH with both values. Other attributes that differ
 *  (a seed, a rank) are left out of the new store and listed, store by store, in its attribute `sheaf_merged_from`. Formats may differ. After an error nothing of the new store is left. One thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_merge(const char *target, const char *const *sources, size_t n_sources,
                                                    const sheaf_merge_spec *spec, const sheaf_store_options *options,
                                                    sheaf_copy_result *result, sheaf_error *err);

#ifdef __cplusplus
}
#endif
#endif
