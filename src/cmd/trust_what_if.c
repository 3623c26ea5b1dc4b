/* SPDX-License-Identifier: Apache-2.0 */
/* trust_what_if.c - redoubt trust what-if: asks src/trust/whatif.h of the inventory in the store. */
#include "cmd/trust_what_if.h"
#include "cmd/policies.h"
#include "cmd/trust_store.h"
#include "os/file.h"
#include "trust/whatif.h"
#include <stdio.h>
#include <stdlib.h>

enum { POLICIES_MAX = 32 };
struct what_if {
    struct trust_store store;
    struct str policy[POLICIES_MAX], supplier[WHATIF_BANS_MAX];
    uint32_t n_policies, n_suppliers, per_month;
    int32_t today;
    const char *as, *output;
    struct inventory *inventory;
    struct policy *policy_read;
    struct policy_set *set;
};

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust what-if: %s: %s\n", what, why);
    return EXIT_FAILED;
}

static int option(struct what_if *c, struct args *a)
{
    const char *v = NULL;
    int status = EXIT_OK;
    if (args_value(a, NULL, "--policy", &v)) {
        if (!v || c->n_policies == POLICIES_MAX)
            return v ? usage("trust what-if", "more than %d policies", POLICIES_MAX) : EXIT_USAGE;
        c->policy[c->n_policies++] = str_of(v);
    } else if (args_value(a, NULL, "--supplier", &v)) {
        if (!v || c->n_suppliers == WHATIF_BANS_MAX)
            return v ? usage("trust what-if", "more than %d suppliers", WHATIF_BANS_MAX) : EXIT_USAGE;
        c->supplier[c->n_suppliers++] = str_of(v);
    } else if (args_value(a, NULL, "--today", &v)) {
        if (!v || !inv_date_parse(str_of(v), &c->today))
            return v ? usage("trust what-if", "--today: found '%.40s', expected a day as 2027-12-31", v) : EXIT_USAGE;
    } else if (args_value(a, NULL, "--per-month", &v)) {
        return v && args_number("--per-month", v, 1, 1000000, &c->per_month) ? EXIT_OK : EXIT_USAGE;
    } else if (args_value(a, NULL, "--as", &c->as)) {
        return c->as ? EXIT_OK : EXIT_USAGE;
    } else if (args_value(a, NULL, "--output", &c->output)) {
        return c->output ? EXIT_OK : EXIT_USAGE;
    } else if (!trust_store_option(&c->store, a, &status)) {
        return usage("trust what-if", "'%s' is not an option", args_now(a));
    }
    return status;
}

/* The policy and the bans, as the inventory knows them. */
static int load(struct what_if *c, struct whatif_ask *ask)
{
    static struct config_report report;
    char name[200];
    c->inventory = trust_inventory_load(&c->store, "what-if");
    if (!c->inventory)
        return EXIT_FAILED;
    if (!c->inventory->n_elements)
        return refuse("inventory", "it is empty; redoubt trust inventory import fills it, redoubt trust synth makes one up");
    for (uint32_t i = 0; i < c->n_suppliers; i++) {
        ask->ban[i] = inventory_find_supplier(c->inventory, c->supplier[i]);
        str_copy(name, sizeof name, c->supplier[i]);
        if (!ask->ban[i])
            return refuse(name, "the inventory has no supplier of this name; redoubt trust inventory list supplier shows all");
    }
    ask->n_bans = c->n_suppliers;
    ask->inventory = c->inventory;
    if (!c->n_policies)
        return EXIT_OK;
    c->policy_read = policies_load(c->policy, c->n_policies, &report);
    fputs(report.text, stderr);
    if (!c->policy_read)
        return EXIT_USAGE;
    if (policy_compile(&c->set, c->policy_read, c->inventory) < 0)
        return refuse("policy", "no memory");
    ask->set = c->set;
    return EXIT_OK;
}

static int put(const struct what_if *c, const char *text, uint32_t n)
{
    if (!text)
        return refuse("report", "no memory");
    if (!c->output)
        return fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0 ? EXIT_OK : refuse("standard output", "it could not be written");
    int e = file_write(c->output, (struct bytes){(const uint8_t *)text, n}, 0644);
    return e < 0 ? refuse(c->output, err_text(e)) : EXIT_OK;
}

static int answer(const struct what_if *c, const struct whatif_ask *ask)
{
    struct whatif *w;
    uint32_t n = 0;
    int e = whatif_run(&w, ask);
    if (e < 0)
        return e == ERR_RANGE ? usage("trust what-if", "--at: found a day before today, which what-if cannot change") : refuse("what-if", err_text(e));
    char *text = strcmp(c->as, "json") == 0 ? whatif_json(w, &n) : strcmp(c->as, "html") == 0 ? whatif_html(w, &n) : whatif_text(w, &n);
    int status = put(c, text, n);
    free(text);
    whatif_free(w);
    return status;
}

int trust_what_if(int argc, char **argv)
{
    struct what_if c = {.as = "text"};
    struct args a = {argc, argv, 1};
    struct whatif_ask ask = {0};
    int status = EXIT_OK;
    while (args_more(&a) && !status)
        status = option(&c, &a);
    if (status)
        return status;
    if (strcmp(c.as, "text") != 0 && strcmp(c.as, "json") != 0 && strcmp(c.as, "html") != 0)
        return usage("trust what-if", "--as: found '%.20s', expected text, json or html", c.as);
    if (!c.n_policies && !c.n_suppliers)
        return usage("trust what-if", "say what to try: --policy, --supplier, or both");
    ask.today = c.today ? c.today : inv_date_of_unix_us(trust_now_us());
    ask.date = c.store.at ? c.store.at : ask.today;
    ask.per_month = c.per_month;
    c.store.at = ask.today; /* the inventory of today; what is planned in it says from when it is in service */
    status = trust_store_open(&c.store, "what-if");
    if (status == EXIT_OK)
        status = load(&c, &ask);
    if (status == EXIT_OK)
        status = answer(&c, &ask);
    policy_set_free(c.set);
    policy_free(c.policy_read);
    inventory_free(c.inventory);
    return trust_store_close(&c.store, "what-if", status);
}
