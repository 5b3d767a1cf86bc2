/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_source: certificates that a domain publishes in its zone. SMIMEA (RFC 8162) is believed only where the zone is
 * proven, and says itself what its certificates are worth; CERT (RFC 4398), as the Direct Project uses it, only brings
 * certificates, and trust decides as for any other. All names of a question are asked at once:
 *
 *     SMIMEA  of the mailbox, as it is written and in lower case
 *     SMIMEA  of the domain's authority, by the address that RFC 3183 gives it
 *     CERT    at local.domain, then at domain
 *
 * A record that has only a digest or a key agrees with certificates that the same zone has elsewhere, and restricts
 * them; it does not look for them in other sources.
 */
#include "index_names.h"
#include "source.h"

#include "certs/association.h"
#include "net/dns.h"

#include <string.h>

enum name { SMIMEA_OWN, SMIMEA_LOWER, SMIMEA_DOMAIN, CERT_OWN, CERT_DOMAIN, NAMES };

struct dns_source {
    struct dns *dns;
    unsigned timeout;
    bool smimea, cert;
};

/* What is asked for one question. */
struct lookup {
    struct certs_question *question;
    char *names[NAMES]; /* NULL: not asked */
    struct dns_answer answers[NAMES];
    struct associations *associations[NAMES];
    GPtrArray *certificates[NAMES]; /* X509 *: those that are no authorities */
    STACK_OF(X509) * authorities;   /* of all answers; kept by the question */
    size_t unusable[NAMES], elsewhere;
    int64_t began;
};

/* --- names --- */

/* The local part's own dots part labels; whatever a zone file could read otherwise is written as a number. */
static char *cert_name(const char *local, const char *domain)
{
    GString *name = g_string_new(NULL);
    for (const char *each = local; *each != '\0'; each++)
        if (g_ascii_isalnum(*each) || strchr("-_.", *each) != NULL)
            g_string_append_c(name, *each);
        else
            g_string_append_printf(name, "\\%03u", (unsigned char)*each);
    g_string_append_printf(name, ".%s", domain);
    return g_string_free(name, FALSE);
}

static void choose_names(const struct dns_source *source, struct lookup *lookup)
{
    const struct certs_query *query = lookup->question->query;
    const char *local = query->address->local, *domain = query->address->domain;
    const char *role = role_name(query->purpose == CERTS_SIGNER ? ROLE_DOMAIN_SIGNING : ROLE_DOMAIN_CONFIDENTIALITY);
    if (domain[0] == '[')
        return; /* a host, which has no zone */
    if (source->smimea) {
        g_autofree char *lower = g_utf8_strdown(local, -1);
        lookup->names[SMIMEA_OWN] = smimea_name(local, domain);
        if (strcmp(lower, local) != 0)
            lookup->names[SMIMEA_LOWER] = smimea_name(lower, domain);
        if (strcmp(lower, role) != 0)
            lookup->names[SMIMEA_DOMAIN] = smimea_name(role, domain);
    }
    if (source->cert) {
        lookup->names[CERT_OWN] = cert_name(local, domain);
        lookup->names[CERT_DOMAIN] = g_strdup(domain);
    }
}

static void ask_all(const struct dns_source *source, struct lookup *lookups, size_t count, int64_t deadline)
{
    g_autofree struct dns_question *questions = g_new(struct dns_question, count * NAMES);
    g_autofree struct dns_answer *answers = g_new0(struct dns_answer, count * NAMES);
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        for (int name = 0; name < NAMES; name++)
            if (lookups[i].names[name] != NULL)
                questions[asked++] =
                    (struct dns_question){lookups[i].names[name], name < CERT_OWN ? DNS_SMIMEA : DNS_CERT};
    dns_ask(source->dns, questions, asked, deadline, answers);
    for (size_t i = 0, next = 0; i < count; i++)
        for (int name = 0; name < NAMES; name++)
            if (lookups[i].names[name] != NULL)
                lookups[i].answers[name] = answers[next++];
}

/* --- answers --- */

static void x509_clear(void *certificate)
{
    X509_free(certificate);
}

/* Sorts a certificate in; takes a reference of its own. */
static void add_certificate(struct lookup *lookup, enum name name, X509 *certificate)
{
    if (index_is_authority(certificate)) {
        if (!X509_add_cert(lookup->authorities, certificate, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
            g_error("out of memory");
    } else if (X509_up_ref(certificate)) {
        g_ptr_array_add(lookup->certificates[name], certificate);
    }
}

static void read_smimea(struct lookup *lookup, enum name name)
{
    const struct dns_answer *answer = &lookup->answers[name];
    if (!answer->secure)
        return;
    lookup->associations[name] = associations_read(answer->records, answer->count, &lookup->unusable[name]);
    STACK_OF(X509) *found =
        lookup->associations[name] != NULL ? associations_certificates(lookup->associations[name]) : NULL;
    for (int i = 0; i < sk_X509_num(found); i++)
        add_certificate(lookup, name, sk_X509_value(found, i));
}

/* Whether it names exactly this domain. One above it is another's. */
static bool names_domain(const X509 *certificate, const char *domain)
{
    g_autoptr(GArray) domains = index_domains(certificate);
    for (guint i = 0; i < domains->len; i++)
        if (strcmp(g_array_index(domains, struct index_domain, i).name, domain) == 0)
            return true;
    g_auto(GStrv) mailboxes = index_mailboxes(certificate);
    for (char **each = mailboxes; *each != NULL; each++)
        if (strcmp(strrchr(*each, '@') + 1, domain) == 0)
            return true;
    return false;
}

static void read_cert(struct lookup *lookup, enum name name)
{
    const struct dns_answer *answer = &lookup->answers[name];
    const char *domain = lookup->question->query->address->domain;
    for (size_t i = 0; i < answer->count; i++) {
        owned(X509) X509 *certificate = cert_record_read(answer->records[i]);
        if (certificate == NULL)
            lookup->unusable[name]++;
        else if (name == CERT_DOMAIN && !index_is_authority(certificate) && !names_domain(certificate, domain))
            lookup->elsewhere++;
        else
            add_certificate(lookup, name, certificate);
    }
}

static void read_all(struct lookup *lookup)
{
    lookup->authorities = sk_X509_new_null();
    if (lookup->authorities == NULL)
        g_error("out of memory");
    certs_question_keep(lookup->question, lookup->authorities);
    for (int name = 0; name < NAMES; name++) {
        lookup->certificates[name] = g_ptr_array_new_with_free_func(x509_clear);
        if (lookup->answers[name].found != FOUND)
            continue;
        if (name < CERT_OWN)
            read_smimea(lookup, (enum name)name);
        else
            read_cert(lookup, (enum name)name);
    }
}

/* --- what is said --- */

/* What the zone says of the certificates under a name. */
static struct associations *associations_for(const struct lookup *lookup, enum name name)
{
    if (name == SMIMEA_DOMAIN || name == CERT_DOMAIN)
        return lookup->associations[SMIMEA_DOMAIN];
    return lookup->associations[SMIMEA_OWN] != NULL ? lookup->associations[SMIMEA_OWN]
                                                    : lookup->associations[SMIMEA_LOWER];
}

/* NULL: there is nothing to say. */
static char *note_of(const struct lookup *lookup, enum name name)
{
    const struct dns_answer *answer = &lookup->answers[name];
    if (answer->found == FOUND_FAILED)
        return g_strdup(answer->error.text);
    if (answer->found == FOUND && name < CERT_OWN && !answer->secure)
        return g_strdup("the zone is not signed, so that its records do not count");
    if (name == CERT_DOMAIN && lookup->elsewhere > 0)
        return g_strdup_printf("%zu of %zu records are for another domain", lookup->elsewhere, answer->count);
    if (lookup->unusable[name] > 0)
        return g_strdup_printf("%zu of %zu records cannot be used", lookup->unusable[name], answer->count);
    if (answer->found == FOUND && name < CERT_OWN && lookup->certificates[name]->len == 0)
        return g_strdup("the records hold no certificate, only what one has to agree with");
    return NULL;
}

static void say(const struct lookup *lookup, enum name name)
{
    static const char *const types[] = {"SMIMEA", "SMIMEA", "SMIMEA", "CERT", "CERT"};
    bool personal = name != SMIMEA_DOMAIN && name != CERT_DOMAIN;
    const GPtrArray *certificates = lookup->certificates[name];
    const struct dns_answer *answer = &lookup->answers[name];
    struct associations *associations = associations_for(lookup, name);
    g_autofree char *note = note_of(lookup, name);
    /* The name in lower case is a guess, and is not needed where the other one is known. */
    bool counts = name != SMIMEA_LOWER || lookup->associations[SMIMEA_OWN] == NULL;
    for (guint i = 0; i < certificates->len && counts; i++)
        certs_question_add_associated(lookup->question, g_ptr_array_index(certificates, i), personal,
                                      lookup->authorities, associations);
    certs_question_step(lookup->question, answer->found == FOUND_FAILED && counts, lookup->began, note, "%s at %s",
                        types[name], lookup->names[name]);
    if (answer->found == FOUND_FAILED && counts)
        certs_question_failed(lookup->question, personal, &answer->error);
}

static void finish(struct lookup *lookup)
{
    unsigned seconds = G_MAXUINT;
    read_all(lookup);
    for (int name = 0; name < NAMES; name++) {
        if (lookup->names[name] == NULL)
            continue;
        seconds = MIN(seconds, lookup->answers[name].ttl);
        say(lookup, (enum name)name);
    }
    certs_question_valid_for(lookup->question, seconds != G_MAXUINT ? seconds : 0);
    certs_question_answered(lookup->question);
}

static void lookup_clear(struct lookup *lookup)
{
    dns_answers_clear(lookup->answers, NAMES);
    for (int name = 0; name < NAMES; name++) {
        g_free(lookup->names[name]);
        associations_unref(lookup->associations[name]);
        g_ptr_array_unref(lookup->certificates[name]);
    }
}

static void dns_source_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    const struct dns_source *source = state;
    g_autofree struct lookup *lookups = g_new0(struct lookup, count);
    int64_t began = g_get_monotonic_time();
    for (size_t i = 0; i < count; i++) {
        lookups[i].question = questions[i];
        lookups[i].began = began;
        choose_names(source, &lookups[i]);
    }
    ask_all(source, lookups, count, MIN(deadline, began + source->timeout * G_USEC_PER_SEC));
    for (size_t i = 0; i < count; i++) {
        finish(&lookups[i]);
        lookup_clear(&lookups[i]);
    }
}

/* --- opening --- */

static bool dns_source_open(const struct conf *conf, void **state, struct faults *faults)
{
    const struct dns_conf *dns = &conf->dns;
    struct error error = {0};
    if (!dns->is_used)
        return true;
    struct dns_source *source = g_new0(struct dns_source, 1);
    source->timeout = dns->timeout;
    source->smimea = g_strv_contains((const char *const *)dns->records, "smimea");
    source->cert = g_strv_contains((const char *const *)dns->records, "cert");
    if (source->smimea && dns->anchors[0] == NULL)
        error_set(&error, ERROR_CONFIGURATION,
                  "dns: no zone can be proven without anchors: install the package dns-root-data, or set dns.anchors");
    else
        source->dns = dns_open(dns, &error);
    if (source->dns != NULL) {
        *state = source;
        return true;
    }
    faults_add(faults, conf->file, dns->line, "%s", error.text);
    g_free(source);
    return false;
}

static void dns_source_close(void *state)
{
    struct dns_source *source = state;
    dns_close(source->dns);
    g_free(source);
}

const struct certs_source certs_source_dns = {
    .name = "dns", .waits = true, .open = dns_source_open, .close = dns_source_close, .ask = dns_source_ask};
