/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - whole files. Errors: ERR_NOTFOUND, ERR_DENIED, ERR_EXISTS, ERR_NOSPACE, ERR_RANGE,
 * ERR_IO. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* The octets live in the arena, followed by a NUL that n does not count. More than max: ERR_RANGE.
 */
int file_read(const char *path, uint32_t max, struct arena *, struct bytes *out);
/* The same of an open file, which is closed. */
int file_read_fd(int fd, uint32_t max, struct arena *, struct bytes *out);
/* All of it, where the open file is at. */
int file_put(int fd, struct bytes);
/* Either the old file or the whole new one is found after a crash. mode: e.g. 0600. */
int file_write(const char *path, struct bytes, unsigned mode);
/* With mode 0700, parents included; one that exists must be a directory. */
int dir_make(const char *path);
int err_from_errno(int errno_value);
