/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h - redoubt trust: a row for each word in trust.c, whose function gets the arguments from the word on and whose
 * help is printed by trust.c. */
#pragma once
#include "cmd/cmd.h"

int cmd_trust(int argc, char **argv);
