/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/policies.h"
#include "base/suggest.h"
#include "os/file.h"
#include "rt/config_rows.h"
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *policies_folder(char path[POLICY_PATH])
{
    static const char *const below[] = {"../share/redoubt/regimes", "../../../share/regimes", "../share/regimes"};
    char exe[4000];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; slash && i < ARRAY_LEN(below); i++) {
        snprintf(path, POLICY_PATH, "%s/%s", exe, below[i]);
        if (access(path, R_OK | X_OK) == 0) {
            char whole[PATH_MAX];
            if (realpath(path, whole))
                snprintf(path, POLICY_PATH, "%s", whole);
            return path;
        }
    }
    snprintf(path, POLICY_PATH, "/usr/share/redoubt/regimes");
    return path;
}

static bool is_path(const char *name)
{
    size_t n = strlen(name);
    return strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".yaml") == 0);
}
const char *policy_path(const char *name, char path[POLICY_PATH])
{
    char folder[POLICY_PATH];
    if (is_path(name))
        snprintf(path, POLICY_PATH, "%.4100s", name);
    else
        snprintf(path, POLICY_PATH, "%.4000s/%.128s.yaml", policies_folder(folder), name);
    return path;
}

static void not_there(const char *name, const char *path, int e, struct config_report *r)
{
    char folder[POLICY_PATH], near[256] = "";
    uint32_t best = UINT32_MAX;
    DIR *d = is_path(name) ? NULL : opendir(policies_folder(folder));
    for (struct dirent *at; d && (at = readdir(d));) {
        size_t n = strlen(at->d_name);
        struct str id = {at->d_name, n > 5 ? (uint32_t)n - 5 : 0};
        if (id.n && strcmp(at->d_name + id.n, ".yaml") == 0 && str_is_nearer(str_of(name), id, &best))
            str_copy(near, sizeof near, id);
    }
    if (d)
        closedir(d);
    if (*near)
        config_say(r, true, "%s: found no such regime, expected one of redoubt trust policy list, or a path; did you mean '%s'?", name, near);
    else
        config_say(r, true, "%s: %s", path, err_text(e));
}
int policies_add(struct policy *p, const char *name, int fd, struct config_report *r)
{
    char path[POLICY_PATH];
    void *memory = malloc(CONFIG_TEXT_MAX + 4096);
    struct arena a = arena_over(memory, memory ? CONFIG_TEXT_MAX + 4096 : 0);
    struct bytes text;
    if (fd >= 0) /* whoever opened it knows where it is */
        snprintf(path, sizeof path, "%.4100s", name);
    else
        policy_path(name, path);
    int e = fd >= 0 ? file_read_fd(fd, CONFIG_TEXT_MAX, &a, &text) : file_read(path, CONFIG_TEXT_MAX, &a, &text);
    if (e < 0)
        not_there(name, path, e, r);
    else if ((e = policy_read(p, str_of(path), (struct str){(const char *)text.p, text.n}, r)) == ERR_FULL)
        config_say(r, true, "%s: found more than %d files, expected fewer", path, POLICY_FILES_MAX);
    free(memory);
    return e;
}
struct policy *policies_load(const struct str *names, uint32_t n, struct config_report *r)
{
    struct policy *p = policy_new();
    uint32_t before = r->errors;
    char name[4100];
    for (uint32_t i = 0; p && i < n; i++) {
        str_copy(name, sizeof name, names[i]);
        policies_add(p, name, -1, r);
    }
    if (p && (r->errors != before || policy_join(p, r) < 0)) {
        policy_free(p);
        p = NULL;
    }
    return p;
}
