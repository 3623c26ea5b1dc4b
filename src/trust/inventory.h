/* SPDX-License-Identifier: Apache-2.0 */
/* inventory.h - suppliers, products, sites, elements: who built what stands where, as it was on one day. Held whole in
 * memory in flat arrays; records name each other by small integers. Built once and never changed: a new state of the
 * store is a new inventory. The fields are the rows of spec/inventory.def.
 *
 * A reference is the index plus 1 in the array of its kind; 0 names nothing. Texts are slices that the inventory owns;
 * n 0: not given. DATE: days since 1970-01-01, 0 not given. COUNT, AMOUNT, REAL, SHARE: 0 not given; a position of 0, 0
 * is none. CODE: 0 not given. COUNTRY, CURRENCY: "" not given. HASH, PLMN: all 0 not given. ADDR: family 0 not given. */
#pragma once
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"

struct store;

enum inv_kind {
#define KIND(name, file, help) INV_##name,
#include "../../spec/inventory.def"
    INV_KINDS
};
enum inv_sensitivity {
    INV_SENSITIVITY_UNKNOWN,
#define CODE(set, name, help) CODE_##set(name)
#define CODE_sensitivity(name) INV_SENSITIVITY_##name,
#define CODE_identity(name)
#include "../../spec/inventory.def"
#undef CODE_sensitivity
#undef CODE_identity
    INV_SENSITIVITIES
};
enum inv_identity {
    INV_IDENTITY_NONE, /* nothing proves who it is */
#define CODE(set, name, help) CODE_##set(name)
#define CODE_sensitivity(name)
#define CODE_identity(name) INV_IDENTITY_##name,
#include "../../spec/inventory.def"
#undef CODE_sensitivity
#undef CODE_identity
    INV_IDENTITIES
};
enum inv_class {
    INV_CLASS_UNKNOWN,
#define CLASS(name, group, help) INV_CLASS_##name,
#include "../../spec/inventory.def"
    INV_CLASSES
};
enum inv_group { /* the part of the network that a function class belongs to */
    INV_GROUP_UNKNOWN, INV_GROUP_radio, INV_GROUP_core, INV_GROUP_transport, INV_GROUP_management,
    INV_GROUP_identity, INV_GROUP_other, INV_GROUPS
};

struct inv_range { /* records that stand one after another */
    uint32_t first, n; /* index (no reference) of the first */
};

#define INV_MEMBER_TEXT(name)     struct str name;
#define INV_MEMBER_LIST(name)     struct str name; /* inv_list_next() */
#define INV_MEMBER_REF(name)      uint32_t name;
#define INV_MEMBER_CODE(name)     uint8_t name;
#define INV_MEMBER_DATE(name)     int32_t name;
#define INV_MEMBER_COUNT(name)    uint32_t name;
#define INV_MEMBER_AMOUNT(name)   uint64_t name;
#define INV_MEMBER_REAL(name)     double name;
#define INV_MEMBER_SHARE(name)    double name; /* per cent */
#define INV_MEMBER_BOOL(name)     bool name;
#define INV_MEMBER_COUNTRY(name)  char name[3];
#define INV_MEMBER_CURRENCY(name) char name[4];
#define INV_MEMBER_HASH(name)     uint8_t name[32];
#define INV_MEMBER_PLMN(name)     uint8_t name[3];
#define INV_MEMBER_ADDR(name)     struct net_addr name;
#define INV_MEMBER(number, name, type, of, use, help) INV_MEMBER_##type(name)

struct inv_supplier {
#define SUPPLIER INV_MEMBER
#include "../../spec/inventory.def"
    struct inv_range owners, laws; /* in ownership[], laws[] */
};
struct inv_ownership {
#define OWNERSHIP INV_MEMBER
#include "../../spec/inventory.def"
    uint32_t owner_supplier; /* where `owner` is the id of one */
};
struct inv_law {
#define LAW INV_MEMBER
#include "../../spec/inventory.def"
};
struct inv_product {
#define PRODUCT INV_MEMBER
#include "../../spec/inventory.def"
    struct inv_range certifications, advisories, components;
};
struct inv_certification {
#define CERTIFICATION INV_MEMBER
#include "../../spec/inventory.def"
};
struct inv_advisory {
#define ADVISORY INV_MEMBER
#include "../../spec/inventory.def"
};
struct inv_component {
#define COMPONENT INV_MEMBER
#include "../../spec/inventory.def"
};
struct inv_site {
#define SITE INV_MEMBER
#include "../../spec/inventory.def"
    uint32_t region_ref;      /* in regions[] */
    struct inv_range elements; /* in by_site[] */
};
/* What a record leaves to its product or site (supplier, version, region, position, sensitivity, operator) is filled in. */
struct inv_element {
#define ELEMENT INV_MEMBER
#include "../../spec/inventory.def"
    uint32_t region_ref;          /* in regions[] */
    uint32_t maintainer_supplier; /* where `maintainer` is the id of one */
    struct inv_range neighbours;  /* in neighbours[] */
};
struct inv_neighbour {
#define NEIGHBOUR INV_MEMBER
#include "../../spec/inventory.def"
};
struct inv_region {
    struct str name;
    struct inv_range elements; /* in by_region[] */
};

/* Open addressing over references; the hash of what is looked for is keyed. */
struct inv_index {
    uint32_t *slots, cap;
};
struct inventory {
    int32_t as_of; /* DATE it shows */
    bool synthetic; /* some of it was made up for a trial: every output says so */
    uint64_t generation; /* of the store it was read from: changes with each import */
    /* sorted by id, and what belongs to a record by that record */
#define KIND(name, file, help)                                                                                         \
    struct inv_##name *file;                                                                                           \
    uint32_t n_##file;
#include "../../spec/inventory.def"
    struct inv_region *regions;
    uint32_t n_regions;
    uint32_t *by_site, *by_region; /* references of elements; those without a site or region are in neither */
    struct inv_index ids[INV_KINDS], gnbs, nodes, addresses, instances, keys;
    uint64_t secret[2];
    struct inv_block *blocks; /* where texts live */
};

/* ---- reading: NULL or 0 where there is none ---- */
static inline const struct inv_supplier *inventory_supplier(const struct inventory *v, uint32_t ref)
{
    return ref && ref <= v->n_suppliers ? &v->suppliers[ref - 1] : NULL;
}
static inline const struct inv_product *inventory_product(const struct inventory *v, uint32_t ref)
{
    return ref && ref <= v->n_products ? &v->products[ref - 1] : NULL;
}
static inline const struct inv_site *inventory_site(const struct inventory *v, uint32_t ref)
{
    return ref && ref <= v->n_sites ? &v->sites[ref - 1] : NULL;
}
static inline const struct inv_element *inventory_element(const struct inventory *v, uint32_t ref)
{
    return ref && ref <= v->n_elements ? &v->elements[ref - 1] : NULL;
}
static inline const struct inv_region *inventory_region(const struct inventory *v, uint32_t ref)
{
    return ref && ref <= v->n_regions ? &v->regions[ref - 1] : NULL;
}
/* The reference of a supplier, product, site or element by its id. */
uint32_t inventory_find(const struct inventory *, enum inv_kind, struct str id);
/* A supplier by id, name or alias; upper and lower case are one. */
uint32_t inventory_find_supplier(const struct inventory *, struct str name);
uint32_t inventory_find_region(const struct inventory *, struct str name);
/* Elements by who they are on the network. Two elements never share a gNB identity, an instance or a key; node identity
 * and address only with one of another function. function 0: any, as long as there is only one. */
uint32_t inventory_by_gnb(const struct inventory *, const uint8_t plmn[3], uint32_t gnb_id, uint32_t bits);
uint32_t inventory_by_node_id(const struct inventory *, uint8_t function, struct str node_id); /* either case */
uint32_t inventory_by_address(const struct inventory *, uint8_t function, const struct net_addr *); /* any port */
uint32_t inventory_by_nf_instance(const struct inventory *, struct str uuid);
uint32_t inventory_by_key(const struct inventory *, const uint8_t key_sha256[32]);
/* True for the supplier itself, and where `group` is its parent, or the parent's, and so on. */
bool inventory_in_group(const struct inventory *, uint32_t supplier, uint32_t group);

static inline bool inv_has_position(double latitude, double longitude) { return latitude != 0 || longitude != 0; }
/* On the sphere, km. */
double inv_distance_km(double latitude1, double longitude1, double latitude2, double longitude2);
static inline bool inv_in_service(const struct inv_element *e, int32_t date)
{
    return (!e->service_from || e->service_from <= date) && (!e->service_until || date <= e->service_until);
}
/* Takes the next text of a LIST; false at the end. */
bool inv_list_next(struct str *list, struct str *item);

/* ---- words and dates ---- */
enum inv_group inv_class_group(uint8_t function);
/* Never NULL: "" for what is not given. */
const char *inv_class_text(uint8_t function);
const char *inv_class_help(uint8_t function);
const char *inv_group_text(uint8_t group);
const char *inv_sensitivity_text(uint8_t sensitivity);
const char *inv_identity_text(uint8_t identity);
const char *inv_kind_text(enum inv_kind);
/* 0: no such word. '-' as '_', upper and lower case are one. */
uint8_t inv_class_parse(struct str);
uint8_t inv_group_parse(struct str);
uint8_t inv_sensitivity_parse(struct str);
uint8_t inv_identity_parse(struct str);
/* "2027-12-31"; false: no such day, or not in 1971 to 2199. */
bool inv_date_parse(struct str, int32_t *date);
enum { INV_DATE_TEXT = 12 };
const char *inv_date_text(int32_t date, char buf[INV_DATE_TEXT]); /* "" for 0 */
enum { INV_TIME_TEXT = 32 };
const char *inv_time_text(uint64_t unix_us, char buf[INV_TIME_TEXT]); /* "2027-12-31 23:59:59 UTC" */
static inline int32_t inv_date_of_unix_us(uint64_t us) { return (int32_t)(us / 86400000000u); }

/* ---- life ---- */
struct inv_asked {
    int32_t as_of;       /* valid on this day; 0: whatever is newest */
    uint64_t known_us;   /* leaving out what was recorded later (UTC since 1970); 0: all */
    uint64_t secret[2];  /* random, of the lookups */
};
/* ---- from text: what import reads, and what tests write ---- */
struct inv_text {
    struct str name, text; /* name: for what is said of it, as "elements.csv" */
    bool is_json;          /* an object with a member of objects for each kind; otherwise CSV of `kind` */
    enum inv_kind kind;
};
enum { INV_WHY = 240, INV_FINDINGS_MAX = 1000 };
struct inv_finding {
    uint32_t text, line, column; /* of texts[]; line 0: what the store holds */
    char why[INV_WHY];           /* names the other line where there are two */
};
struct inv_report {
    struct inv_finding *findings; /* the first INV_FINDINGS_MAX; inv_report_free() */
    uint32_t n_findings, cut;     /* and how many more there were */
};
/* Whole and checked, or nothing: ERR_SYNTAX with findings, ERR_NOSPACE. */
int inventory_read(struct inventory **, const struct inv_text *texts, uint32_t n_texts, const struct inv_asked *,
                   struct inv_report *);
void inv_report_free(struct inv_report *);

/* From the store. ERR_STORE; ERR_NOSPACE; ERR_SYNTAX: what is stored does not hold together, why[cap] says what. */
int inventory_load(struct inventory **, struct store *, const struct inv_asked *, char *why, uint32_t cap);
/* Changes with every import; cheap. ERR_STORE. */
int inventory_generation(struct store *, uint64_t *generation);
void inventory_free(struct inventory *); /* NULL is fine */
