// SPDX-License-Identifier: Apache-2.0
/* What a worker process does until it is told to leave. */
#ifndef SHF_EXEC_WORKER_H
#define SHF_EXEC_WORKER_H

#include <sys/types.h>

#include "sheaf/executor.h"

/* Serves tasks from `fd` until it is told to quit, the other end closes, or `parent` is no longer the parent. `cancel` lies in memory
 * that the parent shares. Does not return. */
_Noreturn void shf_worker_serve(int fd, pid_t parent, const sheaf_work *work, const sheaf_cancel *cancel);

#endif
