/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_domains: asks for the CAA and MX records. The search for CAA records climbs from each domain to the one below
 * the root (RFC 8659 §3), all domains side by side, and ends where a lookup fails: what lies above does not count then.
 */
#include "mail_domains.h"

#include "keys/keys.h"
#include "net/dns.h"

#include <string.h>

#define DOMAINS_MAX 32 /* a certificate from outside could name thousands */

/* --- which domains --- */

static void domain_free(void *data)
{
    struct mail_domain *domain = data;
    g_free(domain->name);
    g_free(domain->caa_at);
    g_free(domain->caa.reason);
    g_free(domain->mx.reason);
    g_ptr_array_unref(domain->issuemail);
    g_ptr_array_unref(domain->critical);
    g_ptr_array_unref(domain->hosts);
    g_free(domain);
}

static struct mail_domain *domain_new(const char *name)
{
    struct mail_domain *domain = g_new0(struct mail_domain, 1);
    domain->name = g_strdup(name);
    domain->issuemail = g_ptr_array_new_with_free_func(g_free);
    domain->critical = g_ptr_array_new_with_free_func(g_free);
    domain->hosts = g_ptr_array_new_with_free_func(g_free);
    return domain;
}

static void collect(const X509 *certificate, struct mail_domains *domains)
{
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (char **each = addresses; *each != NULL; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        bool is_host = address.domain[0] == '[';
        if (is_host || !g_hash_table_add(seen, g_strdup(address.domain)))
            ;
        else if (domains->list->len < DOMAINS_MAX)
            g_ptr_array_add(domains->list, domain_new(address.domain));
        else
            domains->omitted++;
        address_clear(&address);
    }
}

/* --- CAA --- */

static bool is_known(struct slice tag)
{
    static const char *const known[] = {"issue", "issuewild", "issuemail", "iodef", "contactemail", "contactphone"};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (slice_equal_nocase(tag, known[i]))
            return true;
    return false;
}

#define WORD "[0-9A-Za-z](?:-*[0-9A-Za-z])*+"
#define PARAMETER WORD "[ \\t]*=[ \\t]*[!-:<-~]*"
/* RFC 8659 §4.2, which RFC 9495 takes over. */
#define ISSUE                                                                                                          \
    "^[ \\t]*(" WORD "(?:\\." WORD ")*)?[ \\t]*(?:;[ \\t]*(?:" PARAMETER "[ \\t]*(?:;[ \\t]*" PARAMETER                \
    "[ \\t]*)*+)?)?\\z"

/* Whether it names an authority; *malformed is set if it does not have the form. */
static bool names_authority(struct slice value, bool *malformed)
{
    g_autoptr(GRegex) form = g_regex_new(ISSUE, G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    int start = -1, end = -1;
    if (!g_regex_match_full(form, value.len > 0 ? value.data : "", (gssize)value.len, 0, 0, &match, NULL)) {
        *malformed = true;
        return false;
    }
    return g_match_info_fetch_pos(match, 1, &start, &end) && end > start;
}

static void read_caa(struct mail_domain *domain, const struct dns_answer *answer)
{
    bool named = false;
    for (size_t i = 0; i < answer->count; i++) {
        struct dns_caa caa;
        if (!dns_read_caa(answer->records[i], &caa)) {
            domain->malformed = true;
        } else if (slice_equal_nocase(caa.tag, "issuemail")) {
            g_ptr_array_add(domain->issuemail, text_printable_copy(caa.value.data, caa.value.len));
            named = names_authority(caa.value, &domain->malformed) || named;
        } else if (caa.critical && !is_known(caa.tag)) {
            g_ptr_array_add(domain->critical, text_printable_copy(caa.tag.data, caa.tag.len));
        }
    }
    bool forbidden = domain->critical->len > 0 || (domain->issuemail->len > 0 && !named);
    domain->issuance = forbidden ? ISSUANCE_FORBIDDEN : named ? ISSUANCE_NAMED : ISSUANCE_ANY;
}

/* Returns true if the search goes on above. */
static bool take_caa(struct mail_domain *domain, const char *at, const struct dns_answer *answer)
{
    if (answer->found == FOUND_NONE && strchr(at, '.') != NULL)
        return true;
    if (answer->found == FOUND_FAILED) {
        domain->issuance = ISSUANCE_UNKNOWN;
    } else if (answer->found == FOUND) {
        domain->caa_at = g_strdup(at);
        read_caa(domain, answer);
    }
    return false;
}

/* --- asking --- */

/* The weakest of the answers on the way counts. */
static void note_answer(struct zone_answer *kept, const struct dns_answer *answer, bool has_anchors)
{
    kept->found = answer->found;
    if (answer->found == FOUND_FAILED) {
        kept->dnssec = answer->bogus ? "bogus" : "failed";
        kept->reason = g_strdup(answer->error.text);
    } else if (!has_anchors) {
        kept->dnssec = "unchecked";
    } else if (!answer->secure || kept->dnssec == NULL) {
        kept->dnssec = answer->secure ? "secure" : "insecure";
    }
}

struct asking {
    struct dns *dns;
    int64_t deadline;
    bool has_anchors;
};

static void ask_mx(const struct asking *asking, GPtrArray *list)
{
    g_autofree struct dns_question *questions = g_new(struct dns_question, list->len);
    g_autofree struct dns_answer *answers = g_new0(struct dns_answer, list->len);
    for (guint i = 0; i < list->len; i++)
        questions[i] = (struct dns_question){((struct mail_domain *)list->pdata[i])->name, DNS_MX};
    dns_ask(asking->dns, questions, list->len, asking->deadline, answers);
    for (guint i = 0; i < list->len; i++) {
        struct mail_domain *domain = list->pdata[i];
        note_answer(&domain->mx, &answers[i], asking->has_anchors);
        for (size_t j = 0; j < answers[i].count; j++) {
            struct dns_mx mx = {0};
            if (dns_read_mx(answers[i].records[j], &mx)) {
                bool is_root = *mx.host == '\0';
                domain->null_mx = is_root && answers[i].count == 1;
                g_ptr_array_add(domain->hosts, is_root ? g_strdup(".") : steal(&mx.host));
                g_free(mx.host);
            } else if (domain->mx.reason == NULL) {
                domain->mx.found = FOUND_FAILED;
                domain->mx.reason = g_strdup("an MX record is malformed");
            }
        }
    }
    dns_answers_clear(answers, list->len);
}

static void ask_caa(const struct asking *asking, GPtrArray *list)
{
    g_autofree struct dns_question *questions = g_new(struct dns_question, list->len);
    g_autofree struct dns_answer *answers = g_new0(struct dns_answer, list->len);
    g_autofree struct mail_domain **domains = g_new(struct mail_domain *, list->len);
    size_t count = list->len;
    for (size_t i = 0; i < count; i++) {
        domains[i] = list->pdata[i];
        questions[i] = (struct dns_question){domains[i]->name, DNS_CAA};
    }
    while (count > 0) {
        size_t asked = count;
        dns_ask(asking->dns, questions, asked, asking->deadline, answers);
        count = 0;
        for (size_t i = 0; i < asked; i++) {
            const char *at = questions[i].name;
            note_answer(&domains[i]->caa, &answers[i], asking->has_anchors);
            if (!take_caa(domains[i], at, &answers[i]))
                continue;
            domains[count] = domains[i];
            questions[count++].name = strchr(at, '.') + 1;
        }
        dns_answers_clear(answers, asked);
    }
}

bool mail_domains_ask(const struct conf *conf, const X509 *certificate, struct mail_domains *domains,
                      struct error *error)
{
    *domains = (struct mail_domains){.list = g_ptr_array_new_with_free_func(domain_free)};
    collect(certificate, domains);
    owned(dns) struct dns *dns = dns_open(&conf->dns, error);
    if (dns == NULL)
        return false;
    const struct asking asking = {dns, g_get_monotonic_time() + conf->dns.timeout * G_USEC_PER_SEC,
                                  conf->dns.anchors[0] != NULL};
    ask_mx(&asking, domains->list);
    ask_caa(&asking, domains->list);
    return true;
}

void mail_domains_clear(struct mail_domains *domains)
{
    if (domains->list != NULL)
        g_ptr_array_unref(domains->list);
    *domains = (struct mail_domains){0};
}
