/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include <stdio.h>
static int not_yet(const char *name)
{
    fprintf(stderr, "redoubt %s is not there yet at this version: README.md says what works\n", name);
    return EXIT_FAILED;
}
int cmd_demo(int argc, char **argv) { return not_yet(argv[0]); }
int cmd_up(int argc, char **argv) { return not_yet(argv[0]); }
int cmd_down(int argc, char **argv) { return not_yet(argv[0]); }
int cmd_phone(int argc, char **argv) { return not_yet(argv[0]); }
