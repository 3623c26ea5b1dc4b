/* SPDX-License-Identifier: Apache-2.0 */
/* test.h - what every unit test includes: cmocka in the order that it wants, and one line to run a list. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define unit(f) cmocka_unit_test(f)
#define RUN(...)                                                                                   \
    cmocka_run_group_tests(((const struct CMUnitTest[]){__VA_ARGS__}), NULL, NULL)
