/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - vsnprintf() for the conversions that identifiers and URIs are made of, at a quarter of its cost. */
#pragma once
#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf(): octets that the whole text has, without the NUL; what does not fit in `room` is cut. %s, %.*s, %c,
 * %d, %u, %x, %llu, %llx and the like with 0 and width are written here; a format with any other is the C library's. */
int format_text(char *to, size_t room, const char *format, va_list) __attribute__((format(printf, 3, 0)));
/* As snprintf(), likewise. */
int format_put(char *to, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
