// SPDX-License-Identifier: Apache-2.0
#include "exec/frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static bool send_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        /* No SIGPIPE: the end of a worker is an error of its task, not the end of the program. */
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int fd, void *to, size_t n)
{
    char *at = to;
    while (n > 0) {
        ssize_t got = recv(fd, at, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

bool shf_frame_send(int fd, shf_frame_kind kind, uint64_t index, const void *bytes, size_t size_bytes)
{
    shf_frame frame = {kind, index, size_bytes};
    return send_all(fd, &frame, sizeof frame) && (size_bytes == 0 || send_all(fd, bytes, size_bytes));
}

sheaf_status shf_frame_receive(int fd, shf_frame *frame, shf_buf *payload, bool *open, sheaf_error *err)
{
    *open = receive_all(fd, frame, sizeof *frame);
    if (!*open) return SHEAF_OK;
    sheaf_status status = shf_buf_resize(payload, frame->size_bytes, err);
    if (status != SHEAF_OK) return status;
    *open = frame->size_bytes == 0 || receive_all(fd, payload->data, frame->size_bytes);
    return SHEAF_OK;
}
