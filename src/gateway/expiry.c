/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiry: one list of all certificates with their end, from which `domsec check`, `domsec status`, the daily log and
 * the metrics are made. Of certificates that take turns (rollover), only the last one counts.
 */
#include "gateway/expiry.h"

#include "base/metrics.h"
#include "certs/certs.h"
#include "keys/keys.h"

#include <string.h>

#define DAY 86400
#define METRIC "domsec_certificate_expiry_timestamp_seconds"
#define WHO_MAX 100 /* octets in a label */

struct reader {
    GPtrArray *list;
    GHashTable *index; /* "role\nwho" → its struct expiry, lent */
};

static void expiry_free(struct expiry *expiry)
{
    g_free(expiry->who);
    g_free(expiry->file);
    g_free(expiry->origin);
    g_free(expiry);
}

static char *name_of(const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    return addresses[0] != NULL ? g_strdup(addresses[0]) : certificate_subject(certificate);
}

/* like: everything, lent; its end, if it is not 0, may come before the certificate's; who NULL: as the certificate
 * says. */
static void add(struct reader *reader, const struct expiry *like, const X509 *certificate)
{
    g_autofree char *who = like->who != NULL ? g_strdup(like->who) : name_of(certificate);
    g_autofree char *key = g_strdup_printf("%s\n%s", like->role, who);
    struct expiry *expiry = g_hash_table_lookup(reader->index, key);
    time_t ends = certificate_ends(certificate);
    if (like->ends != 0)
        ends = MIN(ends, like->ends);
    if (expiry != NULL && expiry->ends >= ends)
        return;
    if (expiry == NULL) {
        expiry = g_new0(struct expiry, 1);
        g_ptr_array_add(reader->list, expiry);
        g_hash_table_insert(reader->index, steal(&key), expiry);
    }
    g_free(expiry->who);
    g_free(expiry->file);
    g_free(expiry->origin);
    *expiry = *like;
    expiry->who = steal(&who);
    expiry->file = g_strdup(like->file);
    expiry->origin = g_strdup(like->origin);
    expiry->ends = ends;
}

static void read_file(struct reader *reader, struct expiry *like, const char *file)
{
    struct error ignored = {0};
    owned(x509_stack) STACK_OF(X509) *found = certificates_load(file, &ignored);
    like->file = (char *)file;
    for (int i = 0; i < sk_X509_num(found); i++)
        add(reader, like, sk_X509_value(found, i));
}

static void read_identities(struct reader *reader, const struct conf *conf)
{
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        struct expiry like = {EXPIRY_OWN,
                              (char *)identity_owner(identity),
                              role_name(identity->role),
                              NULL,
                              conf->file,
                              identity->line,
                              identity->until};
        struct error ignored = {0};
        owned(x509_stack) STACK_OF(X509) *chain = identity_certificates(identity, &ignored);
        like.file = identity->certificate;
        if (chain != NULL)
            add(reader, &like, sk_X509_value(chain, 0)); /* the others have their own owner */
    }
}

static void read_anchors(struct reader *reader, char *const *files, const char *origin, unsigned line)
{
    struct expiry like = {EXPIRY_ANCHOR, NULL, "anchor", NULL, (char *)origin, line, 0};
    for (; *files != NULL; files++)
        read_file(reader, &like, *files);
}

/* A bundle is refused once its signer has expired. */
static void read_signers(struct reader *reader, const struct bundles_conf *bundles, const char *origin)
{
    for (size_t i = 0; i < bundles->count; i++) {
        struct expiry like = {EXPIRY_ANCHOR, NULL, "bundle signer", NULL, (char *)origin, bundles->list[i].line, 0};
        for (char **file = bundles->list[i].signers; *file != NULL; file++)
            read_file(reader, &like, *file);
    }
}

static void read_partner(struct reader *reader, const struct partner *partner)
{
    struct expiry like = {EXPIRY_PARTNER, NULL, "partner", NULL, partner->file, partner->certificates_line, 0};
    for (char **file = partner->certificates; *file != NULL; file++)
        read_file(reader, &like, *file);
    for (size_t i = 0; i < partner->group_count; i++) {
        like.line = partner->groups[i].line;
        for (char **file = partner->groups[i].certificates; *file != NULL; file++)
            read_file(reader, &like, *file);
    }
    read_anchors(reader, partner->anchors, partner->file, partner->anchors_line);
    read_signers(reader, &partner->bundles, partner->file);
}

static void read_store(struct reader *reader, const struct conf *conf)
{
    owned(faults) struct faults *ignored = faults_new();
    owned(x509_stack) STACK_OF(X509) *stored =
        conf->certificate_dir != NULL ? certs_directory_list(conf, ignored) : NULL;
    struct expiry like = {
        EXPIRY_STORE, NULL, "store", conf->certificate_dir, conf->file, conf->certificate_dir_line, 0};
    for (int i = 0; i < sk_X509_num(stored); i++)
        add(reader, &like, sk_X509_value(stored, i));
}

void expiries_read(const struct conf *conf, struct expiries *expiries)
{
    g_autoptr(GHashTable) index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct reader reader = {g_ptr_array_new(), index};
    read_identities(&reader, conf);
    read_anchors(&reader, conf->trust_anchors, conf->file, conf->trust_anchors_line);
    read_signers(&reader, &conf->bundles, conf->file);
    for (size_t i = 0; i < conf->partner_count; i++)
        read_partner(&reader, conf->partners[i]);
    read_store(&reader, conf);
    expiries->count = reader.list->len;
    expiries->list = (struct expiry **)g_ptr_array_free(reader.list, FALSE);
}

void expiries_clear(struct expiries *expiries)
{
    for (size_t i = 0; i < expiries->count; i++)
        expiry_free(expiries->list[i]);
    g_free(expiries->list);
    *expiries = (struct expiries){0};
}

bool expiry_is_near(const struct expiry *expiry, time_t now)
{
    return expiry->ends >= now && expiry->ends < now + EXPIRY_DAYS * (time_t)DAY;
}

static const char *remedy_of(enum expiry_kind kind)
{
    switch (kind) {
    case EXPIRY_OWN:
        return "replace it (domsec key rollover)";
    case EXPIRY_PARTNER:
    case EXPIRY_ANCHOR:
        return "ask for the new one, and name it beside this one";
    case EXPIRY_STORE:
        break;
    }
    return "ask for the new one, and import it (domsec cert import)";
}

void expiries_check(const struct expiries *expiries, time_t now, struct faults *faults)
{
    for (size_t i = 0; i < expiries->count; i++) {
        const struct expiry *expiry = expiries->list[i];
        if (!expiry_is_near(expiry, now))
            continue;
        g_autoptr(GDateTime) end = g_date_time_new_from_unix_utc(expiry->ends);
        g_autofree char *date = g_date_time_format(end, "%F");
        faults_warn(faults, expiry->origin, expiry->line, "%s: the certificate of %s (%s) ends on %s, in %ld days; %s",
                    expiry->file, expiry->who, expiry->role, date, (long)(expiry->ends - now) / DAY,
                    remedy_of(expiry->kind));
    }
}

/* As a label's value is written (quotes, backslashes). */
static char *label_of(const char *text)
{
    char printable[WHO_MAX];
    text_printable(printable, sizeof(printable), text, strlen(text));
    GString *label = g_string_new(printable);
    g_string_replace(label, "\\", "\\\\", 0);
    g_string_replace(label, "\"", "\\\"", 0);
    return g_string_free(label, FALSE);
}

void expiries_measure(const struct expiries *expiries)
{
    metrics_forget(METRIC);
    for (size_t i = 0; i < expiries->count; i++) {
        const struct expiry *expiry = expiries->list[i];
        if (expiry->kind == EXPIRY_STORE)
            continue;
        g_autofree char *who = label_of(expiry->who);
        g_autofree char *labels = g_strdup_printf("who=\"%s\",role=\"%s\"", who, expiry->role);
        metrics_set(METRIC, labels, (double)expiry->ends);
    }
}
