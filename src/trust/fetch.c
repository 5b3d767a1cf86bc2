/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "base/breaker.h"
#include "base/metrics.h"
#include "net/http.h"
#include "ocsp.h"
#include "outages.h"
#include "unknown.h"

#include <string.h>

#define LIST_MAX ((size_t)64 << 20) /* octets */
#define LIST_SECONDS 120
#define ANSWER_MAX ((size_t)64 << 10)
#define ANSWER_SECONDS 8
#define DOCUMENT_MAX ((size_t)64 << 10) /* with certificates of issuers */
#define GET_MAX 255                     /* RFC 5019 §5: a longer request is posted */
#define RETRY_SECONDS 30                /* after a list that was not taken */
#define DUE_SOONEST 60                  /* seconds from now */
#define DUE_LATEST 86400                /* seconds from now */
#define DUE_OF_LATE_LIST 600            /* the list has run out, and there is no other yet */
#define PLACES_MAX 10000

/* Of one address of a list. */
struct place {
    bool busy;
    time_t due;        /* the list need not be fetched before */
    int64_t next_try;  /* monotonic; after a failure */
    const char *fault; /* the failure */
};

struct fetcher {
    const struct conf *conf;
    struct kept *kept;
    struct outages *outages;
    GMutex lock;
    GCond done;
    GHashTable *places, *breakers; /* by address; by host and port */
    gint stopped;
};

static void free_breaker(void *breaker)
{
    breaker_free(breaker);
}

struct fetcher *fetcher_new(const struct conf *conf, struct kept *kept, struct notices *notices)
{
    struct fetcher *fetcher = g_new0(struct fetcher, 1);
    fetcher->conf = conf;
    fetcher->kept = kept;
    fetcher->outages = outages_new(notices);
    g_mutex_init(&fetcher->lock);
    g_cond_init(&fetcher->done);
    fetcher->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    fetcher->breakers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_breaker);
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    g_hash_table_destroy(fetcher->places);
    g_hash_table_destroy(fetcher->breakers);
    outages_free(fetcher->outages);
    g_cond_clear(&fetcher->done);
    g_mutex_clear(&fetcher->lock);
    g_free(fetcher);
}

void fetcher_stop(struct fetcher *fetcher)
{
    g_atomic_int_set(&fetcher->stopped, 1);
}

/* Not at one time for all: half of the life of what was fetched, and up to a third more. */
time_t fetch_due(time_t now, time_t until)
{
    time_t life = until - now;
    if (until == 0)
        life = 2 * DUE_OF_LATE_LIST;
    else if (life <= 0)
        return now + DUE_OF_LATE_LIST;
    return now + (time_t)CLAMP((double)life * g_random_double_range(0.5, 0.8), DUE_SOONEST, DUE_LATEST);
}

/* --- a transfer --- */

struct words {
    const char *what; /* of the metric */
    const char *unfetched, *refused, *late, *too_large, *is_none, *forbidden;
};
static const struct words list_words = {"crl",
                                        UNKNOWN_LIST_UNFETCHED,
                                        UNKNOWN_LIST_REFUSED,
                                        UNKNOWN_LIST_LATE,
                                        UNKNOWN_LIST_TOO_LARGE,
                                        UNKNOWN_LIST_IS_NONE,
                                        UNKNOWN_FORBIDDEN};
static const struct words answer_words = {"ocsp",
                                          UNKNOWN_ANSWER_UNFETCHED,
                                          UNKNOWN_ANSWER_HTTP,
                                          UNKNOWN_ANSWER_LATE,
                                          UNKNOWN_ANSWER_TOO_LARGE,
                                          UNKNOWN_ANSWER_IS_NONE,
                                          UNKNOWN_FORBIDDEN};
static const struct words issuer_words = {"issuer",
                                          UNKNOWN_ISSUER_UNFETCHED,
                                          UNKNOWN_ISSUER_REFUSED,
                                          UNKNOWN_ISSUER_LATE,
                                          UNKNOWN_ISSUER_TOO_LARGE,
                                          UNKNOWN_ISSUER_IS_NONE,
                                          UNKNOWN_ISSUER_FORBIDDEN};

/* Anyone may have named the place of an issuer, also that of a list: it has a breaker and a place of its own. */
static char *key_for(const struct words *words, const char *where)
{
    return words == &issuer_words ? g_strconcat("issuer ", where, NULL) : g_strdup(where);
}

/* A table that is full begins anew; breakers stay where they are, because another thread may use them. */
static struct breaker *breaker_of(struct fetcher *fetcher, const struct words *words, const char *url)
{
    g_autofree char *name = http_host(url), *host = name != NULL ? key_for(words, name) : NULL;
    g_mutex_lock(&fetcher->lock);
    struct breaker *breaker = host != NULL ? g_hash_table_lookup(fetcher->breakers, host) : NULL;
    if (breaker == NULL && host != NULL && g_hash_table_size(fetcher->breakers) < PLACES_MAX) {
        breaker = breaker_new(host);
        g_hash_table_insert(fetcher->breakers, g_strdup(host), breaker);
    }
    g_mutex_unlock(&fetcher->lock);
    return breaker;
}

static const char *why(const struct words *words, enum http_fault fault)
{
    switch (fault) {
    case HTTP_FAULT_LATE:
        return words->late;
    case HTTP_FAULT_FORBIDDEN:
        return words->forbidden;
    case HTTP_FAULT_STATUS:
        return words->refused;
    case HTTP_FAULT_TOO_LARGE:
        return words->too_large;
    case HTTP_FAULT_NONE:
    case HTTP_FAULT_UNREACHABLE:
        break;
    }
    return words->unfetched;
}

static bool is_outage(const struct http_answer *answer)
{
    return answer->fault == HTTP_FAULT_UNREACHABLE || answer->fault == HTTP_FAULT_LATE || answer->status >= 500;
}

/* What the log says after the address: the words of a library, or else the reason without its part about the
 * certificate. */
static const char *for_log(const char *fault, const struct error *error)
{
    const char *words = error->kind != ERROR_NONE ? strstr(error->text, ": ") : NULL;
    if (words != NULL)
        return words + 2;
    return text_begins_with(fault, NOT_CHECKED ": ") ? fault + strlen(NOT_CHECKED ": ") : fault;
}

static void count(const struct words *words, bool good)
{
    g_autofree char *labels = g_strdup_printf("what=\"%s\",result=\"%s\"", words->what, good ? "ok" : "failed");
    metrics_add("domsec_revocation_fetches_total", labels, 1);
}

/* A responder that does not know a certificate has answered. */
static void finish(struct fetcher *fetcher, const char *url, const struct words *words, const char *fault,
                   const struct error *error)
{
    bool fails = fault != NULL && strcmp(fault, UNKNOWN_ANSWER_UNKNOWN) != 0;
    count(words, fault == NULL);
    if (g_atomic_int_get(&fetcher->stopped) == 0)
        outages_note(fetcher->outages, url, fails ? for_log(fault, error) : NULL, time(NULL));
}

static const char *transfer(struct fetcher *fetcher, struct http_request *request, const struct words *words,
                            struct http_answer *answer, struct error *error)
{
    struct breaker *breaker = breaker_of(fetcher, words, request->url);
    request->conf = fetcher->conf;
    request->stopped = &fetcher->stopped;
    if (g_atomic_int_get(&fetcher->stopped) != 0 ||
        (breaker != NULL && !breaker_allows(breaker, g_get_monotonic_time(), error)))
        return words->unfetched;
    enum found found = http_fetch(request, answer, error);
    if (breaker != NULL && is_outage(answer))
        breaker_failed(breaker, g_get_monotonic_time());
    else if (breaker != NULL)
        breaker_answered(breaker);
    return found == FOUND ? NULL : why(words, answer->fault);
}

/* --- places: each address is fetched by one thread --- */

static gboolean is_idle(gpointer url, gpointer value, gpointer data)
{
    const struct place *place = value;
    (void)url;
    return !place->busy && place->due <= *(const time_t *)data && place->next_try <= g_get_monotonic_time();
}

/* With the lock held. */
static bool has_room(struct fetcher *fetcher)
{
    time_t now = time(NULL);
    if (g_hash_table_size(fetcher->places) >= PLACES_MAX)
        g_hash_table_foreach_remove(fetcher->places, is_idle, &now);
    return g_hash_table_size(fetcher->places) < PLACES_MAX;
}

/* Waits for another thread that fetches this address. True: this thread is the one to fetch it. */
static bool take_place(struct fetcher *fetcher, const char *url, const char **fault, time_t *due)
{
    g_mutex_lock(&fetcher->lock);
    struct place *place;
    while ((place = g_hash_table_lookup(fetcher->places, url)) != NULL && place->busy)
        g_cond_wait(&fetcher->done, &fetcher->lock);
    if (place == NULL && has_room(fetcher)) {
        place = g_new0(struct place, 1);
        g_hash_table_insert(fetcher->places, g_strdup(url), place);
    }
    bool waits = place != NULL && g_get_monotonic_time() < place->next_try;
    bool taken = place != NULL && !waits && place->due <= time(NULL);
    *fault = place == NULL ? UNKNOWN_BUSY : waits ? place->fault : NULL;
    *due = place != NULL ? place->due : 0;
    if (taken)
        place->busy = true;
    g_mutex_unlock(&fetcher->lock);
    return taken;
}

static void leave_place(struct fetcher *fetcher, const char *url, const char *fault, time_t due)
{
    g_mutex_lock(&fetcher->lock);
    struct place *place = g_hash_table_lookup(fetcher->places, url);
    place->busy = false;
    place->fault = fault;
    place->due = due;
    place->next_try = fault != NULL ? g_get_monotonic_time() + (int64_t)RETRY_SECONDS * G_USEC_PER_SEC : 0;
    g_cond_broadcast(&fetcher->done);
    g_mutex_unlock(&fetcher->lock);
}

/* --- lists --- */

static const char *get_list(struct fetcher *fetcher, const char *url, const STACK_OF(X509) * signers, time_t *due,
                            struct error *error)
{
    owned(http_answer) struct http_answer answer = {0};
    struct http_request request = {
        .url = url, .limit = LIST_MAX, .deadline = g_get_monotonic_time() + (int64_t)LIST_SECONDS * G_USEC_PER_SEC};
    const char *fault = transfer(fetcher, &request, &list_words, &answer, error);
    if (fault != NULL)
        return fault;
    owned(crl_table) struct crl_table *table =
        crl_table_read((struct slice){answer.body, answer.length}, signers, &fault);
    if (table == NULL)
        return fault;
    *due = fetch_due(time(NULL), crl_table_until(table));
    return kept_add_list(fetcher->kept, table, (struct slice){answer.body, answer.length}) ? NULL : UNKNOWN_LIST_OLDER;
}

const char *fetch_list(struct fetcher *fetcher, const char *url, const STACK_OF(X509) * signers, time_t *due)
{
    const char *fault = NULL;
    struct error error = {0};
    if (!take_place(fetcher, url, &fault, due))
        return fault;
    fault = get_list(fetcher, url, signers, due, &error);
    finish(fetcher, url, &list_words, fault, &error);
    leave_place(fetcher, url, fault, fault == NULL ? *due : 0);
    return fault;
}

/* --- answers --- */

/* RFC 5019 §5. NULL: it is too long. */
static char *url_with(const char *url, const unsigned char *der, size_t length)
{
    g_autofree char *base64 = g_base64_encode(der, length);
    g_autofree char *escaped = http_escape(base64);
    bool too_long = escaped == NULL || strlen(url) + strlen(escaped) >= GET_MAX;
    return too_long ? NULL : g_strconcat(url, g_str_has_suffix(url, "/") ? "" : "/", escaped, NULL);
}

static const char *send_question(struct fetcher *fetcher, const char *url, const struct ocsp_question *question,
                                 struct http_answer *answer, struct error *error)
{
    size_t length = 0;
    unsigned char *der = ocsp_encode(question, &length);
    if (der == NULL)
        return answer_words.unfetched;
    g_autofree char *full = question->has_nonce ? NULL : url_with(url, der, length);
    struct http_request request = {.url = full != NULL ? full : url,
                                   .type = "application/ocsp-request",
                                   .limit = ANSWER_MAX,
                                   .deadline = g_get_monotonic_time() + (int64_t)ANSWER_SECONDS * G_USEC_PER_SEC};
    if (full == NULL)
        request.post = (struct slice){(const char *)der, length};
    const char *fault = transfer(fetcher, &request, &answer_words, answer, error);
    OPENSSL_free(der);
    return fault;
}

static const char *get_answer(struct fetcher *fetcher, const char *url, const struct fetch_question *asked, time_t *due,
                              struct error *error)
{
    owned(ocsp_question) struct ocsp_question question = {0};
    owned(http_answer) struct http_answer answer = {0};
    struct kept_answer read = {0};
    if (!ocsp_ask(&question, asked->certificate, asked->issuer, asked->has_nonce))
        return answer_words.unfetched;
    const char *fault = send_question(fetcher, url, &question, &answer, error);
    time_t now = time(NULL);
    if (fault == NULL)
        fault = ocsp_read(&question, (struct slice){answer.body, answer.length}, now, &read);
    if (fault != NULL)
        return fault;
    time_t until = read.responder_until != 0 ? MIN(read.until, read.responder_until) : read.until;
    *due = fetch_due(now, until);
    /* An older one than that which is kept may still hold. */
    (void)kept_add_answer(fetcher->kept, asked->key, &read);
    return NULL;
}

const char *fetch_answer(struct fetcher *fetcher, const char *url, const struct fetch_question *question, time_t *due)
{
    struct error error = {0};
    const char *fault = get_answer(fetcher, url, question, due, &error);
    finish(fetcher, url, &answer_words, fault, &error);
    return fault;
}

/* --- issuers --- */

static const char *get_issuers(struct fetcher *fetcher, const char *url)
{
    owned(http_answer) struct http_answer answer = {0};
    struct http_request request = {.url = url,
                                   .limit = DOCUMENT_MAX,
                                   .deadline = g_get_monotonic_time() + (int64_t)ANSWER_SECONDS * G_USEC_PER_SEC};
    struct error ignored = {0};
    const char *fault = transfer(fetcher, &request, &issuer_words, &answer, &ignored);
    if (fault != NULL)
        return fault == issuer_words.refused && is_outage(&answer) ? issuer_words.unfetched : fault;
    STACK_OF(X509) *found = issuers_read((struct slice){answer.body, answer.length});
    if (found == NULL)
        return issuer_words.is_none;
    issuers_put(kept_issuers(fetcher->kept), url, found);
    return NULL;
}

const char *fetch_issuers(struct fetcher *fetcher, const char *url)
{
    const char *fault = NULL;
    time_t due = 0;
    g_autofree char *place = key_for(&issuer_words, url);
    if (!take_place(fetcher, place, &fault, &due))
        return g_strcmp0(fault, UNKNOWN_BUSY) != 0 ? fault : UNKNOWN_ISSUER_NOT_YET;
    fault = get_issuers(fetcher, url);
    count(&issuer_words, fault == NULL);
    leave_place(fetcher, place, fault, time(NULL) + DUE_SOONEST);
    return fault;
}
