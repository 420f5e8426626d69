// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/library.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hdf5/driver.h"

static pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;
static H5E_auto2_t g_printer; /* the process's own, put back by unlock */
static void *g_printer_data;
static hid_t g_driver = -1;

void shf_h5_lock(void)
{
    pthread_mutex_lock(&g_mutex);
    (void)H5open();
    (void)H5Eget_auto2(H5E_DEFAULT, &g_printer, &g_printer_data);
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void shf_h5_unlock(void)
{
    (void)H5Eclear2(H5E_DEFAULT);
    (void)H5Eset_auto2(H5E_DEFAULT, g_printer, g_printer_data);
    pthread_mutex_unlock(&g_mutex);
}

hid_t shf_h5_driver(void)
{
    if (g_driver < 0 || H5Iget_type(g_driver) != H5I_VFL) g_driver = H5FDregister(&shf_h5_driver_class);
    return g_driver;
}

typedef struct innermost {
    char text[200];
} innermost;

/* Walking upward, the first entry is where it went wrong. */
static herr_t take_first(unsigned n, const H5E_error2_t *entry, void *context)
{
    innermost *found = context;
    if (n == 0 && entry->desc) (void)snprintf(found->text, sizeof found->text, "%s", entry->desc);
    return 0;
}

bool shf_h5_failed_with(const char *message)
{
    innermost found = {""};
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &found);
    return !strcmp(found.text, message);
}

/* Runs before libhdf5's own end, which would print that memory of a damaged file is still held. */
static void end_quietly(void)
{
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

sheaf_status shf_h5_fail(sheaf_error *err, sheaf_status code, const char *path, const char *what)
{
    static bool registered;
    innermost found = {"no reason given"};
    if (!registered) registered = atexit(end_quietly) == 0;
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &found);
    (void)H5Eclear2(H5E_DEFAULT);
    return shf_fail_at(err, code, path, NULL, -1, -1, "%s %s: %s", what, path ? path : "", found.text);
}
