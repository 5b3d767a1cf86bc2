/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_targets: the servers of a domain's groups, those that `uri` names and those that SRV records name.
 *
 * The certificate of a server must have the name that the administrator wrote. Where an SRV record leads to the server,
 * that is the domain (RFC 6125 §6.2.1), because who forges the record chooses its target. If the record is proven by
 * DNSSEC, the target counts as if the domain's owner had written it here.
 */
#include "ldap_targets.h"

#include <string.h>

#define BREAKERS_MAX 4096
#define TARGETS_MAX 16 /* of one domain's SRV records */

struct ldap_servers {
    const struct conf *conf;
    struct dns *dns; /* NULL: no group needs it */
    GMutex lock;
    GHashTable *breakers; /* text of the server → struct breaker */
};

static void free_breaker(gpointer breaker)
{
    breaker_free(breaker);
}

static bool needs_dns(const struct conf *conf)
{
    for (size_t i = 0; i < conf->ldap_count; i++)
        if (conf->ldap[i].host == NULL)
            return true;
    return false;
}

struct ldap_servers *ldap_servers_new(const struct conf *conf, struct faults *faults)
{
    struct ldap_servers *servers = g_new0(struct ldap_servers, 1);
    struct error error = {0};
    servers->conf = conf;
    g_mutex_init(&servers->lock);
    servers->breakers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_breaker);
    if (!needs_dns(conf))
        return servers;
    servers->dns = dns_open(&conf->dns, &error);
    if (servers->dns != NULL)
        return servers;
    faults_add(faults, conf->file, conf->dns.line, "%s", error.text);
    ldap_servers_free(servers);
    return NULL;
}

void ldap_servers_free(struct ldap_servers *servers)
{
    if (servers == NULL)
        return;
    if (servers->dns != NULL)
        dns_close(servers->dns);
    g_hash_table_unref(servers->breakers);
    g_mutex_clear(&servers->lock);
    g_free(servers);
}

/* --- the order of SRV records --- */

static gint by_priority(gconstpointer a, gconstpointer b)
{
    const struct dns_srv *first = a, *second = b;
    if (first->priority != second->priority)
        return first->priority < second->priority ? -1 : 1;
    return (first->weight > 0) - (second->weight > 0); /* weight 0 comes first where one is drawn */
}

/* Draws the next one of count records of one priority, and puts it first. */
static void draw(struct dns_srv *list, size_t count, unsigned (*random)(unsigned most))
{
    unsigned sum = 0, reached = 0;
    size_t drawn = 0;
    for (size_t i = 0; i < count; i++)
        sum += list[i].weight;
    unsigned wanted = random(sum);
    while (drawn + 1 < count && (reached += list[drawn].weight) < wanted)
        drawn++;
    struct dns_srv chosen = list[drawn];
    memmove(list + 1, list, drawn * sizeof(*list));
    list[0] = chosen;
}

void ldap_targets_order(struct dns_srv *list, size_t count, unsigned (*random)(unsigned most))
{
    qsort(list, count, sizeof(*list), by_priority);
    for (size_t first = 0; first < count; first++) {
        size_t end = first + 1;
        while (end < count && list[end].priority == list[first].priority)
            end++;
        draw(list + first, end - first, random);
    }
}

static unsigned random_number(unsigned most)
{
    return most == 0 ? 0 : (unsigned)g_random_int_range(0, (gint32)most + 1);
}

/* --- targets --- */

static struct breaker *breaker_of(struct ldap_servers *servers, const char *text)
{
    g_mutex_lock(&servers->lock);
    struct breaker *breaker = g_hash_table_lookup(servers->breakers, text);
    if (breaker == NULL && g_hash_table_size(servers->breakers) < BREAKERS_MAX) {
        breaker = breaker_new(text);
        g_hash_table_insert(servers->breakers, g_strdup(text), breaker);
    }
    g_mutex_unlock(&servers->lock);
    return breaker;
}

/* Takes host and name. */
static void add(struct ldap_servers *servers, GArray *list, const struct ldap_conf *group, char *host, unsigned port,
                char *name)
{
    struct ldap_target target = {.group = group, .host = host, .name = name};
    target.server = (struct net_ldap_server){.host = host,
                                             .port = port,
                                             .name = name,
                                             .security = group->tls        ? NET_LDAP_TLS
                                                         : group->starttls ? NET_LDAP_STARTTLS
                                                                           : NET_LDAP_CLEAR,
                                             .ca = group->ca,
                                             .bind_dn = group->bind_dn,
                                             .password_file = group->password_file};
    target.text = net_ldap_server_text(&target.server);
    target.breaker = breaker_of(servers, target.text);
    g_array_append_val(list, target);
}

/* Returns false if no record can be read. */
static bool add_records(struct ldap_servers *servers, GArray *list, const struct ldap_conf *group,
                        const struct dns_answer *answer, const char *domain)
{
    g_autofree struct dns_srv *records = g_new0(struct dns_srv, answer->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < answer->count && count < TARGETS_MAX; i++)
        count += dns_read_srv(answer->records[i], &records[count]);
    ldap_targets_order(records, count, random_number);
    for (size_t i = 0; i < count; i++) {
        if (records[i].target[0] != '\0')
            add(servers, list, group, g_strdup(records[i].target), records[i].port,
                g_strdup(answer->secure ? records[i].target : domain));
        g_free(records[i].target);
    }
    return count > 0;
}

static void discover(struct ldap_servers *servers, GArray *list, const struct ldap_conf *group, const char *domain,
                     int64_t deadline, struct ldap_discovery *discovery)
{
    g_autofree char *name = g_strconcat("_ldap._tcp.", domain, NULL);
    const struct dns_question question = {.name = name, .type = DNS_SRV};
    owned(dns_answer) struct dns_answer answer = {0};
    discovery->asked = g_strdup_printf("SRV %s", name);
    discovery->began = g_get_monotonic_time();
    dns_ask(servers->dns, &question, 1, deadline, &answer);
    discovery->failed = answer.found == FOUND_FAILED;
    if (discovery->failed)
        discovery->error = answer.error;
    if (answer.found == FOUND && !add_records(servers, list, group, &answer, domain)) {
        discovery->failed = true;
        error_set(&discovery->error, ERROR_TEMPORARY, "the SRV records for directories cannot be read");
    }
}

void ldap_targets_find(struct ldap_servers *servers, const char *domain, int64_t deadline, struct ldap_targets *targets)
{
    const struct ldap_conf *groups[LDAP_GROUPS_MAX];
    unsigned count = conf_ldap_groups(servers->conf, domain, groups);
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct ldap_target));
    *targets = (struct ldap_targets){.discoveries = g_new0(struct ldap_discovery, count + 1)};
    for (unsigned i = 0; i < count; i++) {
        int64_t now = g_get_monotonic_time();
        if (groups[i]->host != NULL)
            add(servers, list, groups[i], g_strdup(groups[i]->host), groups[i]->port, NULL);
        else
            discover(servers, list, groups[i], domain, now + (deadline - now) / 2,
                     &targets->discoveries[targets->discovery_count++]);
    }
    targets->count = list->len;
    targets->list = (struct ldap_target *)(void *)g_array_free(list, FALSE);
}

void ldap_targets_clear(struct ldap_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        g_free(targets->list[i].text);
        g_free(targets->list[i].host);
        g_free(targets->list[i].name);
    }
    for (size_t i = 0; i < targets->discovery_count; i++)
        g_free(targets->discoveries[i].asked);
    g_free(targets->list);
    g_free(targets->discoveries);
    *targets = (struct ldap_targets){0};
}
