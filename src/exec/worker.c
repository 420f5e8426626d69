// SPDX-License-Identifier: Apache-2.0
#include "exec/worker.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "exec/executor.h"
#include "exec/frame.h"

/* How long a worker waits before it looks whether its parent still lives: another process may hold the socket's other end open. */
#define PARENT_CHECK_MS 1000

typedef struct worker {
    int fd;
    const sheaf_work *work;
    const sheaf_cancel *cancel;
    bool begun;
    void *state;
    sheaf_error begin_error; /* code SHEAF_OK when begin went well */
} worker;

static bool wait_for_frame(int fd, pid_t parent)
{
    struct pollfd poll_fd = {fd, POLLIN, 0};
    for (;;) {
        int n = poll(&poll_fd, 1, PARENT_CHECK_MS);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return false;
        if (getppid() != parent) return false;
    }
}

static void end_run(worker *w)
{
    if (w->begun && w->work->end) w->work->end(w->work->context, w->state);
    w->begun = false;
    w->state = NULL;
}

static void begin_run(worker *w, const shf_buf *common)
{
    end_run(w);
    w->begun = true;
    w->begin_error = (sheaf_error){.code = SHEAF_OK};
    if (!w->work->begin) return;
    sheaf_status status = w->work->begin(w->work->context, common->data, common->size, NULL, &w->state, &w->begin_error);
    if (status == SHEAF_OK) w->begin_error.code = SHEAF_OK;
    else if (w->begin_error.code == SHEAF_OK) shf_fail(&w->begin_error, status, "%s", sheaf_status_text(status));
}

static bool answer_task(worker *w, uint64_t index, const shf_buf *payload)
{
    sheaf_error error = w->begin_error;
    sheaf_output result = {{0}};
    sheaf_status status = error.code;
    if (status == SHEAF_OK) {
        sheaf_task task = {(size_t)index, payload->data, payload->size, w->cancel};
        status = w->work->task(w->work->context, w->state, &task, &result, &error);
        if (status != SHEAF_OK && error.code == SHEAF_OK) shf_fail(&error, status, "the task failed without saying why");
    }
    bool sent = status == SHEAF_OK ? shf_frame_send(w->fd, SHF_FRAME_RESULT, index, result.buf.data, result.buf.size)
                                   : shf_frame_send(w->fd, SHF_FRAME_ERROR, index, &error, sizeof error);
    shf_buf_free(&result.buf);
    return sent;
}

void shf_worker_serve(int fd, pid_t parent, const sheaf_work *work, const sheaf_cancel *cancel)
{
    worker w = {.fd = fd, .work = work, .cancel = cancel};
    shf_buf payload = {0};
    bool go_on = true;
    while (go_on && wait_for_frame(fd, parent)) {
        shf_frame frame;
        sheaf_error error = {.code = SHEAF_OK};
        bool open;
        if (shf_frame_receive(fd, &frame, &payload, &open, &error) != SHEAF_OK || !open) break;
        switch (frame.kind) {
        case SHF_FRAME_BEGIN: begin_run(&w, &payload); break;
        case SHF_FRAME_TASK: go_on = answer_task(&w, frame.index, &payload); break;
        case SHF_FRAME_END: end_run(&w); break;
        default: go_on = false; break;
        }
    }
    end_run(&w);
    shf_buf_free(&payload);
    /* Not exit: what the parent registered with atexit, and its unwritten stdio, are the parent's. */
    _exit(0);
}
