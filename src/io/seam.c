// SPDX-License-Identifier: Apache-2.0
#include "io/seam.h"

static shf_io_hook g_hook;
static void *g_context;

void shf_io_set_hook(shf_io_hook hook, void *context)
{
    g_hook = hook;
    g_context = context;
}

int shf_io_before(const shf_io_call *call)
{
    return g_hook ? g_hook(g_context, call) : 0;
}
