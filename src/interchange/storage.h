// SPDX-License-Identifier: Apache-2.0
/* Folders of TrajectoryStorage (ergodic_insurance): summaries/sim_ID.json and time_series/sim_ID.dat (three rows, annual_losses, insurance_recoveries,
 * retained_losses, raw, without a header), or trajectories.h5 with groups summaries/sim_ID (attributes) and time_series/sim_ID (three datasets, the
 * attribute sample_indices). Neither says the interval; the raw files do not say their type either. Both follow from the summaries, or are asked for. */
#ifndef SHF_INTERCHANGE_STORAGE_H
#define SHF_INTERCHANGE_STORAGE_H

#include "interchange/import.h"

enum {
    SHF_STORAGE_FINAL_ASSETS,
    SHF_STORAGE_TOTAL_LOSSES,
    SHF_STORAGE_TOTAL_RECOVERIES,
    SHF_STORAGE_MEAN,
    SHF_STORAGE_MAX,
    SHF_STORAGE_MIN,
    SHF_STORAGE_GROWTH,
    SHF_STORAGE_RUIN,
    SHF_STORAGE_RUIN_YEAR,
    SHF_STORAGE_VOLATILITY,
    SHF_N_STORAGE,
};
extern const char *const shf_storage_names[SHF_N_STORAGE];
enum { SHF_STORAGE_N_SERIES = 3 };
extern const char *const shf_storage_series[SHF_STORAGE_N_SERIES];

/* One simulation. */
typedef struct shf_storage_one {
    bool has_summary, has_series;
    double summary[SHF_N_STORAGE]; /* ruin_year NaN: absent */
    size_t series_bytes;           /* of all three */
    uint64_t n_samples;            /* 0: follows from the bytes */
    uint64_t interval;             /* 0: not said */
    sheaf_dtype dtype;             /* NONE: not said */
} shf_storage_one;

typedef struct shf_storage {
    const char *path;
    void *context;
    int64_t *ids; /* growing; owned */
    size_t n_ids;
    /* Everything but the values. */
    sheaf_status (*look)(void *context, int64_t id, shf_storage_one *one, sheaf_error *err);
    /* The values, (3, n_samples) of the dtype. */
    sheaf_status (*read)(void *context, int64_t id, sheaf_dtype dtype, size_t n_samples, void *to, sheaf_error *err);
} shf_storage;

/* Adds an id; kept in growing order by shf_storage_sort, which drops doubles. */
sheaf_status shf_storage_add(shf_storage *storage, size_t *capacity, int64_t id, sheaf_error *err);
void shf_storage_sort(shf_storage *storage);
/* "sim_12" + suffix; false when the name is none. */
bool shf_storage_id(const char *name, const char *suffix, int64_t *id);

/* Years of a simulation: its total over its mean, or as many as it took to ruin (NaN: no ruin); 0: not known. */
uint64_t shf_storage_years(double total, double mean, double ruin_year);

/* From what a storage holds to the store. */
sheaf_status shf_storage_import(shf_storage *storage, shf_importer *in, sheaf_error *err);

/* The two kinds of storage. path: the folder; the .h5 file. */
sheaf_status shf_storage_import_files(const char *path, shf_importer *in, sheaf_error *err);
sheaf_status shf_storage_import_hdf5(const char *path, shf_importer *in, sheaf_error *err);
/* Whether an HDF5 file is laid out like this. */
bool shf_storage_is_hdf5(const char *path);

#endif
