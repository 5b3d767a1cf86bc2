/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: libunbound, asked in the background.
 *
 * libunbound has no time-out of its own that is of use: a question to a server that hangs takes minutes. So each one is
 * asked with ub_resolve_async(), waited for until the deadline, and then cancelled. One thread, the pump, takes the
 * results from libunbound's own thread. A question belongs to the one who asks and to the pump, because a result may
 * arrive while it is being cancelled.
 *
 * The order in dns_open() matters. After the first ub_ctx_zone_add() nothing else can be set, and the calls that set it
 * would leave out the resolver without a word to whom the question goes then.
 */
#include "net/dns.h"

#include "base/file.h"

#include <arpa/nameser.h>
#include <poll.h>
#include <resolv.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#define RECORDS_MAX 1000 /* more do not fit into an answer, unless they are too small to be of use */

struct dns {
    struct ub_ctx *context;
    GMutex lock;   /* of the pump's start */
    GThread *pump; /* NULL: not yet */
    int stop;      /* eventfd: the pump ends */
};

/* One question on its way. */
struct query {
    gint references;
    GMutex lock;
    GCond done;
    bool is_done;
    int error;
    struct ub_result *result;
};

static void query_unref(struct query *query)
{
    if (!g_atomic_int_dec_and_test(&query->references))
        return;
    g_mutex_clear(&query->lock);
    g_cond_clear(&query->done);
    ub_resolve_free(query->result);
    g_free(query);
}

/* --- opening --- */

static bool did(int result, const char *what, struct error *error)
{
    return result == 0 || error_set_foreign(error, ERROR_CONFIGURATION, ub_strerror(result), "dns: %s", what);
}

static bool set_options(struct ub_ctx *context, bool has_resolver, struct error *error)
{
    static const char *const options[][2] = {
        /* What was found out about a server that did not answer is forgotten soon, or an outage would outlast itself.
         */
        {"infra-host-ttl:", "5"},
        {"infra-keep-probing:", "yes"},
        /* A new record is not to stay unseen for as long as the zone likes. */
        {"cache-max-negative-ttl:", "60"},
        {"aggressive-nsec:", "no"},
        {"val-bogus-ttl:", "5"},
        {"edns-buffer-size:", "1232"},
        {"msg-cache-size:", "4m"},
        {"rrset-cache-size:", "8m"},
        {"key-cache-size:", "4m"},
        {"neg-cache-size:", "1m"},
        {"use-syslog:", "no"},
    };
    ub_ctx_debugout(context, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        if (!did(ub_ctx_set_option(context, options[i][0], options[i][1]), options[i][0], error))
            return false;
    if (has_resolver && !did(ub_ctx_set_option(context, "do-not-query-localhost:", "no"), "loopback", error))
        return false;
    return did(ub_ctx_async(context, 1), "threads", error);
}

/* libunbound would read a directory for ever, and takes a file without a key for one of keys. */
static bool is_readable(const char *file, const char *holds, struct error *error)
{
    size_t length = 0;
    g_autofree char *text = file_read(file, &length, error);
    if (text == NULL)
        return error_prefix(error, "dns: %s", file);
    return strcasestr(text, holds) != NULL ||
           error_set(error, ERROR_CONFIGURATION, "dns: %s holds no %s record", file, holds);
}

static bool set_resolvers(struct ub_ctx *context, const struct dns_conf *conf, struct error *error)
{
    if (g_str_equal(conf->resolver[0], DNS_RESOLVER_SYSTEM))
        return did(ub_ctx_resolvconf(context, NULL), "/etc/resolv.conf", error);
    if (g_str_equal(conf->resolver[0], DNS_RESOLVER_ROOT))
        return conf->root_hints == NULL ||
               (is_readable(conf->root_hints, "NS", error) &&
                did(ub_ctx_set_option(context, "root-hints:", conf->root_hints), conf->root_hints, error));
    for (char **each = conf->resolver; *each != NULL; each++)
        if (!did(ub_ctx_set_fwd(context, *each), *each, error))
            return false;
    return true;
}

static bool add_anchor(struct ub_ctx *context, const char *file, struct error *error)
{
    struct error silent = {0};
    if (!is_readable(file, "DS", &silent) && !is_readable(file, "DNSKEY", error))
        return false;
    return did(ub_ctx_add_ta_file(context, file), file, error);
}

/* Names that libunbound answers itself (RFC 6761 and others), though a resolver may know them. A zone that is only
 * "transparent" would still answer for its own name. The first call makes libunbound read its files. */
static bool open_special_names(struct ub_ctx *context)
{
    static const char *const zones[] = {"test.",          "home.arpa.",    "onion.",    "invalid.", "localhost.",
                                        "resolver.arpa.", "service.arpa.", "internal.", "alt.",     "local."};
    for (size_t i = 0; i < G_N_ELEMENTS(zones); i++)
        if (ub_ctx_zone_add(context, zones[i], "always_transparent") != 0)
            return false;
    return true;
}

static bool set_up(struct ub_ctx *context, const struct dns_conf *conf, struct error *error)
{
    if (!set_options(context, !g_str_equal(conf->resolver[0], DNS_RESOLVER_ROOT), error) ||
        !set_resolvers(context, conf, error))
        return false;
    for (char **each = conf->anchors; *each != NULL; each++)
        if (!add_anchor(context, *each, error))
            return false;
    if (open_special_names(context))
        return true;
    g_autofree char *anchors = g_strjoinv(", ", conf->anchors);
    return error_set(error, ERROR_CONFIGURATION, "dns: these files are not as libunbound needs them: %s%s%s", anchors,
                     conf->root_hints != NULL ? ", " : "", conf->root_hints != NULL ? conf->root_hints : "");
}

struct dns *dns_open(const struct dns_conf *conf, struct error *error)
{
    struct dns *dns = g_new0(struct dns, 1);
    g_mutex_init(&dns->lock);
    dns->stop = eventfd(0, EFD_CLOEXEC);
    dns->context = ub_ctx_create();
    if (dns->stop >= 0 && dns->context != NULL && set_up(dns->context, conf, error))
        return dns;
    if (error->kind == ERROR_NONE)
        error_set(error, ERROR_TEMPORARY, "dns: no memory or file descriptors");
    dns_close(dns);
    return NULL;
}

void dns_close(struct dns *dns)
{
    if (dns == NULL)
        return;
    if (dns->pump != NULL) {
        eventfd_write(dns->stop, 1);
        g_thread_join(dns->pump);
    }
    if (dns->context != NULL)
        ub_ctx_delete(dns->context);
    if (dns->stop >= 0)
        close(dns->stop);
    g_mutex_clear(&dns->lock);
    g_free(dns);
}

/* --- asking --- */

static gpointer pump(gpointer data)
{
    struct dns *dns = data;
    struct pollfd ready[] = {{.fd = ub_fd(dns->context), .events = POLLIN}, {.fd = dns->stop, .events = POLLIN}};
    while (ready[1].revents == 0)
        if (poll(ready, G_N_ELEMENTS(ready), -1) > 0 && ready[0].revents != 0)
            ub_process(dns->context);
    return NULL;
}

/* Not before the first question: a program may fork after it has read its configuration. */
static bool start_pump(struct dns *dns, struct error *error)
{
    g_mutex_lock(&dns->lock);
    if (dns->pump == NULL)
        dns->pump = g_thread_try_new("dns", pump, dns, NULL);
    bool started = dns->pump != NULL;
    g_mutex_unlock(&dns->lock);
    return started || error_set(error, ERROR_TEMPORARY, "dns: no thread could be started");
}

static void arrived(void *data, int error, struct ub_result *result)
{
    struct query *query = data;
    g_mutex_lock(&query->lock);
    query->is_done = true;
    query->error = error;
    query->result = result;
    g_cond_signal(&query->done);
    g_mutex_unlock(&query->lock);
    query_unref(query);
}

/* NULL with the error. *id is for ub_cancel(). */
static struct query *start(struct dns *dns, const struct dns_question *question, int *id, struct error *error)
{
    struct query *query = g_new0(struct query, 1);
    query->references = 2;
    g_mutex_init(&query->lock);
    g_cond_init(&query->done);
    int result = ub_resolve_async(dns->context, question->name, (int)question->type, ns_c_in, query, arrived, id);
    if (result == 0)
        return query;
    error_set_foreign(error, ERROR_TEMPORARY, ub_strerror(result), "dns: %s", question->name);
    query->references = 1;
    query_unref(query);
    return NULL;
}

static bool wait_until(struct query *query, int64_t deadline)
{
    g_mutex_lock(&query->lock);
    while (!query->is_done)
        if (!g_cond_wait_until(&query->done, &query->lock, deadline))
            break;
    bool done = query->is_done;
    g_mutex_unlock(&query->lock);
    return done;
}

static void keep_records(struct ub_result *result, struct dns_answer *answer)
{
    while (answer->count < RECORDS_MAX && result->data[answer->count] != NULL)
        answer->count++;
    answer->records = g_new(struct slice, answer->count);
    for (size_t i = 0; i < answer->count; i++)
        answer->records[i] = (struct slice){result->data[i], (size_t)result->len[i]};
    answer->name = result->canonname;
}

static const char *rcode_text(int rcode)
{
    static const char *const texts[] = {[ns_r_formerr] = "FORMERR",
                                        [ns_r_servfail] = "SERVFAIL",
                                        [ns_r_notimpl] = "NOTIMP",
                                        [ns_r_refused] = "REFUSED"};
    const char *text = rcode > 0 && rcode < (int)G_N_ELEMENTS(texts) ? texts[rcode] : NULL;
    return text != NULL ? text : "an error";
}

/* bogus first: such a result has data, and no error. */
static void judge(struct ub_result *result, const char *name, struct dns_answer *answer)
{
    answer->found = FOUND_FAILED;
    answer->bogus = result->bogus != 0;
    if (result->bogus) {
        error_set_foreign(&answer->error, ERROR_TEMPORARY, result->why_bogus != NULL ? result->why_bogus : "no reason",
                          "DNSSEC does not prove the answer for %s", name);
        return;
    }
    if (result->rcode != ns_r_noerror && result->rcode != ns_r_nxdomain) {
        error_set(&answer->error, ERROR_TEMPORARY, "the DNS answers %s for %s", rcode_text(result->rcode), name);
        return;
    }
    answer->secure = result->secure != 0;
    answer->ttl = (unsigned)MAX(result->ttl, 0);
    if (result->havedata) {
        answer->found = FOUND;
        keep_records(result, answer);
        return;
    }
    answer->found = FOUND_NONE;
    error_set(&answer->error, ERROR_PERMANENT,
              result->nxdomain ? "the name %s does not exist" : "%s has no such record", name);
}

static void finish(struct dns *dns, struct query *query, const struct dns_question *question, int id, int64_t deadline,
                   struct dns_answer *answer)
{
    if (!wait_until(query, deadline)) {
        answer->found = FOUND_FAILED;
        error_set(&answer->error, ERROR_TEMPORARY, "the DNS did not answer in time for %s", question->name);
        if (ub_cancel(dns->context, id) == 0)
            query_unref(query); /* arrived() will not be called */
        query_unref(query);
        return;
    }
    answer->owner = query;
    if (query->error == 0 && query->result != NULL) {
        judge(query->result, question->name, answer);
        return;
    }
    answer->found = FOUND_FAILED;
    error_set_foreign(&answer->error, ERROR_TEMPORARY, ub_strerror(query->error), "the DNS cannot be asked for %s",
                      question->name);
}

/* True if a name can be in the DNS at all. */
static bool is_name(const char *name)
{
    unsigned char wire[NS_MAXCDNAME];
    return name[0] != '\0' && ns_name_pton(name, wire, sizeof(wire)) >= 0;
}

void dns_ask(struct dns *dns, const struct dns_question *questions, size_t count, int64_t deadline,
             struct dns_answer *answers)
{
    struct error error = {0};
    g_autofree struct query **queries = g_new0(struct query *, count);
    g_autofree int *ids = g_new0(int, count);
    bool started = start_pump(dns, &error);
    for (size_t i = 0; i < count; i++) {
        answers[i] = (struct dns_answer){.found = FOUND_FAILED, .error = error};
        if (!is_name(questions[i].name)) {
            answers[i].found = FOUND_NONE;
            error_set(&answers[i].error, ERROR_PERMANENT, "no name in the DNS can be %s", questions[i].name);
        } else if (started) {
            queries[i] = start(dns, &questions[i], &ids[i], &answers[i].error);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (queries[i] != NULL)
            finish(dns, queries[i], &questions[i], ids[i], deadline, &answers[i]);
}

void dns_answers_clear(struct dns_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_free(answers[i].records);
        if (answers[i].owner != NULL)
            query_unref(answers[i].owner);
        answers[i] = (struct dns_answer){0};
    }
}
