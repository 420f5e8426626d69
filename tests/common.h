// SPDX-License-Identifier: Apache-2.0
/* What many test programs share: a folder of their own, and statuses that say why. Include after cmocka.h. */
#ifndef TESTS_COMMON_H
#define TESTS_COMMON_H

#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "sheaf/store.h"

static char folder[64];

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sheaf-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    return shf_path_remove_tree(folder, NULL) == SHEAF_OK ? 0 : -1;
}

/* "FOLDER/NAME", good for the next seven calls. */
static inline const char *at(const char *name)
{
    static char paths[8][128];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, 128, "%s/%s", folder, name);
    return path;
}

static inline void expect_ok(sheaf_status status, const sheaf_error *err)
{
    if (status != SHEAF_OK) fprintf(stderr, "%s: %s\n", sheaf_status_name(status), err->message);
    assert_int_equal(status, SHEAF_OK);
}

/* No threads, and nothing by the clock. */
static inline sheaf_store_options quiet_options(void)
{
    sheaf_store_options o = sheaf_store_options_init();
    o.n_threads = 0;
    o.commit_interval_ms = o.checkpoint_interval_ms = 0;
    return o;
}

#endif
