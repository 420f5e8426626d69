// SPDX-License-Identifier: Apache-2.0
/** @file series.h  Scenario series as input: tables of T time steps by S scenarios of f64, read lazily; the scenario map; the database.
 *
 * A series lies in a folder, one file per name: NAME.parquet (columns "0" … "S-1", T rows) or else NAME.txt (any white space), NAME.tsv
 * (tab) or NAME.csv (comma), without header; Parquet wins. The whole name counts: "load.2030" is load.2030.parquet, never load.parquet.
 * Opening reads nothing; a read touches the columns and rows asked for, and what it takes to find them is read once per handle.
 *
 * Handles may be shared by any number of threads, except for free. The files must not change while a handle is open. Time steps and
 * columns are 0-based. */
#ifndef SHEAF_SERIES_H
#define SHEAF_SERIES_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a series varies with. */
typedef enum sheaf_series_kind {
    SHEAF_SERIES_CONSTANT = 0,
    SHEAF_SERIES_TIME = 1,     /**< exactly one column */
    SHEAF_SERIES_SCENARIO = 2, /**< one row: the only line of a text file, the first row of a Parquet file (which may repeat it) */
    SHEAF_SERIES_TIME_SCENARIO = 3,
} sheaf_series_kind;
/** "constant", "time", "scenario", "time-scenario"; "unknown" otherwise. Any thread. */
SHEAF_API const char *sheaf_series_kind_name(sheaf_series_kind kind);

typedef struct sheaf_series sheaf_series;

/** Opens series `name` of a folder without reading it. SHEAF_ERR_NOT_FOUND says which files were looked for; SHEAF_ERR_INPUT for an empty
 *  file; SHEAF_ERR_ARGUMENT for a name that is empty or has a '/'. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_open(const char *folder, const char *name, sheaf_series_kind kind, sheaf_series **out,
                                                          sheaf_error *err);
/** A series that is one number. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_constant(double value, sheaf_series **out, sheaf_error *err);
/** A series in memory: values (n_times × n_scenarios, row-major, Copied). n_times is 1 for the kind SCENARIO, n_scenarios for TIME. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_from_values(const char *name, sheaf_series_kind kind, const double *values,
                                                                 int64_t n_times, int64_t n_scenarios, sheaf_series **out,
                                                                 sheaf_error *err);
/** What sheaf_series_uri described, opened again, here or in another process. With columns (n_columns of them), a series that is loaded
 *  with these; NULL: lazy. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_open_uri(const char *uri, const int64_t *columns, size_t n_columns, sheaf_series **out,
                                                              sheaf_error *err);
/** Ends the caller's hold; databases that have the series keep theirs. NULL is fine; *series is NULL afterwards. */
SHEAF_API void sheaf_series_free(sheaf_series **series);

/** Borrowed until the series ends; "" for a constant. */
SHEAF_API const char *sheaf_series_name(const sheaf_series *series);
SHEAF_API sheaf_series_kind sheaf_series_get_kind(const sheaf_series *series);
/** Describes a series: "file:///folder/load.2030.parquet?kind=time-scenario", "constant:0x1.8p+1". Borrowed until the series ends. NULL for a
 *  series that was made of values, which no URI describes. */
SHEAF_API const char *sheaf_series_uri(const sheaf_series *series);
/** Time steps and scenarios (columns) of the table; 1 where the kind lacks the axis. Reads what it takes, once. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_shape(sheaf_series *series, int64_t *n_times, int64_t *n_scenarios, sheaf_error *err);

/** Values at time steps × scenarios, in any order, duplicates kept. `out` has, row-major: one value when both are NULL, (n_times) or
 *  (n_scenarios) when the other one is NULL, else (n_times, n_scenarios); a kind that lacks an axis is repeated along it.
 *  SHEAF_ERR_ARGUMENT: an index that the kind requires is NULL. SHEAF_ERR_RANGE: an index is negative or beyond the table.
 *  SHEAF_ERR_STATE: a column that a materialized series did not load. SHEAF_ERR_MISMATCH: the file has not the shape of its kind.
 *  SHEAF_ERR_INPUT, SHEAF_ERR_DAMAGED: with file, line or column. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_get(sheaf_series *series, const int64_t *times, size_t n_times,
                                                         const int64_t *scenarios, size_t n_scenarios, double *out, sheaf_error *err);
/** A series whose values are in memory: of a time-and-scenario series the columns given (any order, duplicates are fine; NULL: all), of
 *  the other kinds everything. A series that is in memory already is shared. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_load(sheaf_series *series, const int64_t *columns, size_t n_columns,
                                                          sheaf_series **out, sheaf_error *err);
/** true when its values are in memory (constants too). */
SHEAF_API bool sheaf_series_is_loaded(const sheaf_series *series);
/** Requirement check: SHEAF_ERR_MISMATCH when the series varies with time or scenarios and its parameter does not allow that. A
 *  scenario series whose Parquet rows are not all alike fails too (this reads the file). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_series_check(sheaf_series *series, bool may_vary_with_time, bool may_vary_with_scenario,
                                                           sheaf_error *err);

/* ---- scenario map: which column a Monte Carlo scenario takes, per group ---- */

/** Name of the file that a folder of series has it in. */
#define SHEAF_SCENARIO_MAP_FILE "modeler-scenariobuilder.dat"

typedef struct sheaf_scenario_map sheaf_scenario_map;

/** Reads lines "group, mc = n" (mc 0-based, n 1-based; # begins a comment). SHEAF_ERR_INPUT names the line. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_scenario_map_read(const char *path, sheaf_scenario_map **out, sheaf_error *err);
/** As sheaf_scenario_map_read, from text in memory. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_scenario_map_parse(const char *text, size_t size_bytes, sheaf_scenario_map **out,
                                                                 sheaf_error *err);
SHEAF_API void sheaf_scenario_map_free(sheaf_scenario_map **map);
SHEAF_API size_t sheaf_scenario_map_n_groups(const sheaf_scenario_map *map);
/** Groups in byte order; Borrowed until the map ends; NULL when out of range. */
SHEAF_API const char *sheaf_scenario_map_group(const sheaf_scenario_map *map, size_t position);
/** Number of the highest scenario of a group plus 1. SHEAF_ERR_NOT_FOUND: no such group. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_scenario_map_n_scenarios(const sheaf_scenario_map *map, const char *group,
                                                                       int64_t *n_scenarios, sheaf_error *err);
/** Columns (0-based) of Monte Carlo scenarios. group NULL or "": identity (map may then be NULL). SHEAF_ERR_NOT_FOUND: unknown group;
 *  SHEAF_ERR_RANGE: a negative scenario, one beyond the group's last, or one in a gap. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_scenario_map_columns(const sheaf_scenario_map *map, const char *group,
                                                                   const int64_t *scenarios, size_t n_scenarios, int64_t *columns,
                                                                   sheaf_error *err);

/* ---- database: (component, parameter) → series ---- */

typedef struct sheaf_database sheaf_database;

/** Empty. `map` (may be NULL) is Borrowed until the database and all made from it are freed. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_database_create(const sheaf_scenario_map *map, sheaf_database **out, sheaf_error *err);
/** NULL is fine; *database is NULL afterwards. */
SHEAF_API void sheaf_database_free(sheaf_database **database);
/** Adds an entry; the series is shared, not copied. group NULL or "": scenarios are columns. SHEAF_ERR_EXISTS: the entry is there already;
 *  SHEAF_ERR_NOT_FOUND: the map lacks the group. Not while other threads use the database. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_database_put(sheaf_database *database, const char *component, const char *parameter,
                                                           sheaf_series *series, const char *group, sheaf_error *err);
SHEAF_API size_t sheaf_database_n_entries(const sheaf_database *database);
/** The series of an entry: Borrowed until the database is freed. SHEAF_ERR_NOT_FOUND. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_database_series(const sheaf_database *database, const char *component, const char *parameter,
                                                              sheaf_series **series, sheaf_error *err);
/** As sheaf_series_get, with Monte Carlo scenarios, which the group of the entry maps to columns. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_database_get(const sheaf_database *database, const char *component, const char *parameter,
                                                           const int64_t *times, size_t n_times, const int64_t *scenarios,
                                                           size_t n_scenarios, double *out, sheaf_error *err);
/** A new database with every lazy entry in memory: of time-and-scenario series only the columns that these scenarios map to. Constants and
 *  loaded entries are shared; the original is unchanged. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_database_materialize(const sheaf_database *database, const int64_t *scenarios,
                                                                   size_t n_scenarios, sheaf_database **out, sheaf_error *err);
/** Bytes of values that its entries hold in memory, series that several entries share counted once. */
SHEAF_API uint64_t sheaf_database_size_bytes(const sheaf_database *database);

#ifdef __cplusplus
}
#endif
#endif
