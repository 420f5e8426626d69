// SPDX-License-Identifier: Apache-2.0
/* Where a store is made, and where a replaced or removed one goes: the folder `.NAME.sheaf-new` beside its place. Whoever holds the lock in it is at
 * work there; what a dead process left is cleared away by the next. */
#ifndef SHF_STORE_STAGE_H
#define SHF_STORE_STAGE_H

#include "io/file.h"

typedef struct shf_stage {
    char *folder; /* owned, as the others */
    char *store;  /* FOLDER/NAME: made here */
    char *parent; /* folder of path and of the stage */
    shf_file lock;
} shf_stage;

/* The stage of path, empty and ours; SHEAF_ERR_BUSY while another process makes a store for this path. */
sheaf_status shf_stage_open(shf_stage *stage, const char *path, sheaf_error *err);
/* Removes the stage and what is in it. */
void shf_stage_close(shf_stage *stage);

#endif
