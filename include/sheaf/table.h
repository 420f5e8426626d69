// SPDX-License-Identifier: Apache-2.0
/** @file table.h  Tables as text: CSV (RFC 4180, lines ending in LF), TSV and JSON (RFC 8259, an array of objects), row by row in bounded memory.
 *
 * An absent value is an empty field in CSV and null in JSON; booleans are true and false; floats have the fewest digits that read back
 * equal; non-finite values are inf, -inf and nan in CSV, and in JSON null or, by option, strings. */
#ifndef SHEAF_TABLE_H
#define SHEAF_TABLE_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Takes bytes of the text as they come. An error that it returns ends the writing. */
typedef sheaf_status (*sheaf_sink)(void *context, const void *bytes, size_t n_bytes, sheaf_error *err);

typedef enum sheaf_text { SHEAF_TEXT_CSV = 1, SHEAF_TEXT_TSV = 2, SHEAF_TEXT_JSON = 3 } sheaf_text;
typedef enum sheaf_nonfinite { SHEAF_NONFINITE_NULL = 0, SHEAF_NONFINITE_STRING = 1 } sheaf_nonfinite;

/** One column of a block of rows. values, absent: Borrowed during the call. */
typedef struct sheaf_column {
    const char *name;
    sheaf_dtype dtype;
    const void *values;
    size_t stride_bytes;   /**< from one row to the next; 0: the values lie side by side */
    const uint8_t *absent; /**< 1 where there is no value; NULL: all are there */
    size_t absent_stride;  /**< 0: side by side */
} sheaf_column;

typedef struct sheaf_table_writer sheaf_table_writer;

/** Begins a table with n_columns ≥ 1 columns (only names and dtypes are read; Copied), and writes the header. *out: Owned, ended by close or free. One thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_table_writer_create(sheaf_text text, sheaf_nonfinite nonfinite, sheaf_sink sink,
                                                                  void *context, const sheaf_column *columns, size_t n_columns,
                                                                  sheaf_table_writer **out, sheaf_error *err);
/** Writes n_rows rows. columns: as many as at create, in their order. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_table_writer_rows(sheaf_table_writer *writer, const sheaf_column *columns, size_t n_rows,
                                                                sheaf_error *err);
/** Ends the text; *writer is NULL afterwards in every case. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_table_writer_close(sheaf_table_writer **writer, sheaf_error *err);
SHEAF_API void sheaf_table_writer_free(sheaf_table_writer **writer);

/** Which part of a store becomes a table. Make one by sheaf_table_spec_init. */
typedef struct sheaf_table_spec {
    size_t size_bytes; /**< sizeof(sheaf_table_spec) */
    const char *what; /**< "summaries": what there is once per trajectory (of insurance summaries: exactly their columns, the id as sim_id);
                          "all": every array over the record dimension; or the name of an array. Borrowed during the call */
    const int64_t *
        ids; /**< these trajectories, in this order, duplicates kept (SHEAF_ERR_NOT_FOUND names one that is not there); NULL: all by growing id. Of an
                ensemble by step: these columns */
    size_t n_ids;
    sheaf_selection time; /**< along the time axis, by position; default all */
    uint64_t max_rows;    /**< 0: all */
    sheaf_nonfinite nonfinite;
    bool wide; /**< Parquet only: one column for each trajectory, "0", "1", … by growing id, one row for each step, as scenario series have them */
} sheaf_table_spec;

SHEAF_API sheaf_table_spec sheaf_table_spec_init(const char *what);
/** Writes a part of a store as text, one row for each record: first its coordinate (`trajectory` or `time`), then one column for each element
 *  of each array, named by the coordinates of the other axes. Trajectories come by growing id. Values beyond a trajectory's length are
 *  absent. *n_rows (may be NULL): rows written. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_table_write(sheaf_store *store, const sheaf_table_spec *spec, sheaf_text text,
                                                          sheaf_sink sink, void *context, uint64_t *n_rows, sheaf_error *err);

#ifdef __cplusplus
}
#endif
#endif
