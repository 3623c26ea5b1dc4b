/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of vectors.hex, one a line: label, octets, what they encode to after decoding ("=": the
 * same), and why if not; "!" and a cause: not decoded. What is encoded decodes to the same again.
 */
#include <stdlib.h>
#include "../test.h"
#include "codec/nas.h"

static int g_status(const char *label, const char *what)
{
    fprintf(stderr, "%s: %s\n", label, what);
    return 1;
}

static int check(const char *label, const char *hex, const char *want)
{
    static const size_t room = 8192;
    uint8_t in[2048], out[2048], again[2048];
    uint64_t block[8192 / 8], block2[8192 / 8];
    char text[2 * sizeof out + 1];
    size_t n = strlen(hex) / 2;
    struct arena a = arena_over(block, room), b = arena_over(block2, room);
    struct nas_msg m, m2;
    struct nas_report report;
    if (n > sizeof in || !hex_get(in, n, str_of(hex)))
        return g_status(label, "bad line");
    int err = nas_decode((struct bytes){in, (uint32_t)n}, &a, &m, &report);
    if (want[0] == '!')
        return err && report.cause == atoi(want + 1) ? 0 : g_status(label, "other cause");
    if (err)
        return g_status(label, "does not decode");
    int octets = nas_encode(&m, out, sizeof out);
    if (octets < 0)
        return g_status(label, "does not encode");
    hex_put(text, out, (size_t)octets);
    if (strcmp(text, want[0] == '=' ? hex : want) != 0)
        return g_status(label, text);
    if (nas_decode((struct bytes){out, (uint32_t)octets}, &b, &m2, &report) ||
        nas_encode(&m2, again, sizeof again) != octets || memcmp(out, again, (size_t)octets) != 0 ||
        report.skipped)
        return g_status(label, "is not stable");
    return nas_print(&m, text, sizeof text) > 0 ? 0 : g_status(label, "does not print");
}

int main(int argc, char **argv)
{
    char line[8192], label[128], hex[4096], want[4096];
    int bad = 0, n = 0;
    FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!f)
        return 1;
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#' || sscanf(line, "%127s %4095s %4095s", label, hex, want) != 3)
            continue;
        bad += check(label, hex, want);
        n++;
    }
    fclose(f);
    printf("%d messages, %d wrong\n", n, bad);
    return bad || n < 100;
}
