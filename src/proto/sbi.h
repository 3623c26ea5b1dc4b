/* SPDX-License-Identifier: Apache-2.0 */
/* sbi.h - how service calls travel as bytes. */
#pragma once
#include "rt/call.h"

/* From now on each request and response between functions of this process is written as HTTP carries it and read
 * again into the call's arena, so a producer sees nothing of the consumer's memory nor the reverse. 0 or ERR_NOSPACE;
 * ended by sbi_json_mode_end(), before rt_free(). */
int sbi_json_mode(struct rt *);
void sbi_json_mode_end(struct rt *); /* safe when it was never begun */
