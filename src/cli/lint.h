/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint: what stands in the way of a request or certificate of ours: under the S/MIME Baseline Requirements of the
 * CA/Browser Forum ("BR"), which public authorities follow, and under RFC 3183 with its naming modes. This is advice
 * for who orders a certificate. No verdict on mail depends on it.
 */
#ifndef DOMSEC_CLI_LINT_H
#define DOMSEC_CLI_LINT_H

#include "keys/profile.h"

struct lint_note {
    bool warning;        /* the source says SHOULD, or it depends on what is not in the file */
    const char *section; /* "BR 7.1.4.2.2", "RFC 3183 3.1.1"; static */
    char *text;
};

struct lint_notes {
    GPtrArray *list; /* struct lint_note * */
};
void lint_notes_init(struct lint_notes *notes);
void lint_notes_clear(struct lint_notes *notes);
void lint_fault(struct lint_notes *notes, const char *section, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lint_warn(struct lint_notes *notes, const char *section, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
unsigned lint_faults(const struct lint_notes *notes);

/* What is examined. Of a request, the certificate is a stand-in with its names, key and extensions. */
struct lint_subject {
    X509 *certificate;
    bool is_request;
    struct certificate_profile profile;
    char **common_names, **addresses, **san_addresses; /* of the subject; all; of subjectAltName */
    bool odd;                                          /* a name cannot be parsed safely */
};
/* The first certificate or the request in a file, PEM or DER. */
bool lint_subject_read(const char *file, struct lint_subject *subject, struct error *error);
void lint_subject_clear(struct lint_subject *subject);

/* --- lint_names.c --- */

#define LINT_TYPES 4
extern const char *const lint_types[LINT_TYPES]; /* as in keys/profile.h */
/* Whether the names fit a certificate of that type (BR §7.1.4.2); legacy: by the rules of that generation. */
void lint_names(const struct lint_subject *subject, size_t type, bool legacy, struct lint_notes *notes);

/* --- lint_profile.c --- */

/* Key, extensions, validity and signature (BR §6, §7.1). A request is asked only for what it contains: the authority
 * adds the rest. */
void lint_profile(const struct lint_subject *subject, struct lint_notes *notes);

/* --- lint_roles.c --- */

/* What a certificate with these names may do for a partner that sets `naming` so. */
struct lint_role {
    enum naming naming;
    enum role role;
    bool fits;
    char *reason;
};
/* One for each naming mode and each role that the key serves, as struct lint_role *; the domain is that of the first
 * address, or of the dc= components. *domain: NULL if the names have no domain; g_free(). */
GPtrArray *lint_roles(const struct lint_subject *subject, char **domain);

static inline __attribute__((unused)) void cleanup_lint_notes(struct lint_notes *notes)
{
    lint_notes_clear(notes);
}
static inline __attribute__((unused)) void cleanup_lint_subject(struct lint_subject *subject)
{
    lint_subject_clear(subject);
}

#endif
