/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a fuzz target over every file of a corpus folder, and over simple mutations of each: every
 * truncation, every octet flipped. No libFuzzer needed, so the corpus is a test on any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;
static void run(const uint8_t *p, size_t n)
{
    /* an allocation of the exact size lets AddressSanitizer see a read one past the end */
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, p, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    runs++;
}

static void run_file(const char *path)
{
    static uint8_t buf[1 << 16];
    FILE *f = fopen(path, "rb");
    if (!f)
        return;
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    run(buf, n);
    size_t step = n > 512 ? n / 512 + 1 : 1;
    for (size_t i = 0; i < n; i += step) {
        static const uint8_t flips[] = {0x01, 0x80, 0xff, 0x40};
        run(buf, i);
        for (size_t k = 0; k < sizeof flips; k++) {
            buf[i] ^= flips[k];
            run(buf, n);
            buf[i] ^= flips[k];
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    DIR *d = opendir(argv[1]);
    if (!d) {
        perror(argv[1]);
        return 2;
    }
    unsigned files = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        run_file(path);
        files++;
    }
    closedir(d);
    printf("%u files, %lu inputs\n[  PASSED  ] 1 test(s).\n", files, runs);
    return files ? 0 : 1;
}
