/* SPDX-License-Identifier: Apache-2.0 */
/* sbi.h - the services: structs, operations and their descriptions, all from spec/sbi (dialect: common.def).
 * Slices and items point into the call's arena (or longer-lived memory) and are owned by nobody. A zeroed struct
 * has every optional member absent; has.member says that one is present. Times are microseconds. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"

struct sbi_schema;
enum sbi_kind {
    SBI_TEXT, SBI_INT, SBI_BOOL, SBI_CODE, SBI_DOUBLE, SBI_HEX, SBI_B64, SBI_OBJ, SBI_ANY, SBI_BIN,
    SBI_TEXTS, SBI_INTS, SBI_CODES, SBI_OBJS, SBI_MAPOF, SBI_TEXTMAP
};
enum sbi_flag {
    SBI_OPTIONAL = 1, SBI_SECRET = 2, SBI_IDENTITY = 4, SBI_PATH = 8, SBI_QUERY = 16, SBI_HEADER = 32,
    SBI_FORM = 64, SBI_BODY = 128
};
enum sbi_nf {
    SBI_NF_AMF, SBI_NF_SMF, SBI_NF_AUSF, SBI_NF_UDM, SBI_NF_UDR, SBI_NF_PCF, SBI_NF_NSSF, SBI_NF_NRF,
    SBI_NF_TRUST, SBI_NF_CALLBACK,
    SBI_NF_UPF, /* offers no services; a place among the functions of a process */
    SBI_NF_MAX
};
enum sbi_method { SBI_GET, SBI_POST, SBI_PUT, SBI_PATCH, SBI_DELETE };

struct sbi_text_entry {
    struct str key, value;
};
struct sbi_code_desc { /* texts[0] is NULL: SBI_T_OTHER */
    const char *name;
    const char *const *texts;
    uint32_t n;
};
struct sbi_field {
    const char *json, *member, *content_type;
    uint8_t kind, flags;
    uint32_t off, has_off; /* octets into the struct */
    int64_t lo, hi;
    const struct sbi_schema *sub;
    const struct sbi_code_desc *(*code)(void);
    uint32_t item; /* octets an item of an array or map */
};
struct sbi_schema {
    const char *name;
    const struct sbi_field *(*fields)(void); /* n of them */
    uint32_t n, size;                        /* rows; octets of the struct */
};
/* Any array or map member, seen by an engine. */
struct sbi_items {
    const void *p;
    uint32_t n;
};

/* Pass 1: enumerations, and who is present. */
#define ENUM(T)                       enum sbi_##T { SBI_##T##_OTHER = 0,
#define VAL(T, X)                     SBI_##T##_##X,
#define VALT(T, X, text)              SBI_##T##_##X,
#define END_ENUM(T)                   SBI_##T##_MAX };
#define MSG(T)                        struct sbi_has_##T {
#define END(T)                        bool none_; };
#define OP(name, ...)                 struct sbi_has_req_##name {
#define END_OP(name)                  bool none_; };
#define FAIL(...)
#define ROW_(m)                       bool m;
#include "codec/sbi_rows.h"

/* Pass 2: the structs. */
#define ENUM(T)
#define VAL(T, X)
#define VALT(T, X, text)
#define END_ENUM(T)
#define MSG(T)       struct sbi_##T { struct sbi_has_##T has;
#define END(T)       }; struct sbi_entry_##T { struct str key; struct sbi_##T value; };
#define OP(name, ...) struct sbi_req_##name { struct sbi_has_req_##name has;
#define END_OP(name) };
#define FAIL(...)
#define SBI_MEMBERS_
#include "codec/sbi_rows.h"

enum sbi_op {
#define ENUM(T)
#define VAL(T, X)
#define VALT(T, X, text)
#define END_ENUM(T)
#define MSG(T)
#define END(T)
#define OP(name, ...) SBI_##name,
#define END_OP(name)
#define FAIL(...)
#define ROW_(m)
#include "codec/sbi_rows.h"
    SBI_OP_MAX
};

/* Typed views of an operation: struct sbi_req_NAME is its request; these are its response and error bodies. */
#define ENUM(T)
#define VAL(T, X)
#define VALT(T, X, text)
#define END_ENUM(T)
#define MSG(T)
#define END(T)
#define OP(name, nf, method, path, Rsp, Err, ok, deadline)                                         \
    typedef struct sbi_##Rsp sbi_rsp_##name;                                                       \
    typedef struct sbi_##Err sbi_err_##name;
#define END_OP(name)
#define FAIL(...)
#define ROW_(m)
#include "codec/sbi_rows.h"
#define SBI_REQ(op) struct sbi_req_##op
#define SBI_RSP(op) sbi_rsp_##op
#define SBI_ERR(op) sbi_err_##op

struct sbi_op_desc {
    const char *name, *path;
    enum sbi_nf nf;
    enum sbi_method method;
    const struct sbi_schema *req, *rsp, *err;
    int ok; /* HTTP status */
    uint64_t deadline_us;
};
extern const struct sbi_op_desc sbi_ops[SBI_OP_MAX];
/* An enumeration's text; "" for SBI_T_OTHER and for numbers outside. */
const char *sbi_code_text(const struct sbi_code_desc *d, int value);
/* The ProblemDetails within an op's error body: the whole of it, or its member "error"; NULL: it has none. */
struct sbi_ProblemDetails *sbi_problem_in(const struct sbi_schema *err, void *value);
const struct sbi_schema *sbi_problem_schema(void);
