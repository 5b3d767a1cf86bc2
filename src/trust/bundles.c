/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundles: the administrator has named the place, so it is fetched also if no mail needs it. What is kept is used
 * however old it is, because a publisher whose server is down has not withdrawn its trust. What a server sends is
 * verified before it takes the place of what is in force. A signed bundle with an older signing time than that in force
 * is refused: someone sends it again.
 */
#include "bundles.h"

#include "base/metrics.h"
#include "bundle_content.h"
#include "net/http.h"
#include "store/bundles.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define SECONDS_MAX 60   /* of one transfer */
#define RETRY_MISSING 30 /* seconds after a failure, while nothing is in force */
#define RETRY 600        /* seconds after a failure, otherwise */
#define HOUR 3600

struct remote_bundle {
    struct bundles *bundles;
    const struct bundle_conf *conf; /* of the first who named it */
    char *key;
    STACK_OF(X509) * signers;
    unsigned refresh; /* hours; the fewest of those who named it */
    /* under the lock */
    STACK_OF(X509) * anchors;              /* NULL: none has come yet */
    unsigned char digest[EVP_MAX_MD_SIZE]; /* of what they were read from */
    time_t signed_at, fetched;
    time_t next_try; /* after a failure */
    char *fault;     /* the last failure, since the last success; NULL: none */
    bool busy;
};

struct bundles {
    struct conf *conf;
    struct store *store;
    struct notices *notices;
    void (*changed)(void *context);
    void *context;
    GMutex lock;
    GCond done;
    const struct bundles *previous; /* until bundles_watch() */
    GPtrArray *list;                /* fixed once fetching begins */
    int stopped;
};

static void remote_bundle_free(void *data)
{
    struct remote_bundle *bundle = data;
    sk_X509_pop_free(bundle->signers, X509_free);
    sk_X509_pop_free(bundle->anchors, X509_free);
    g_free(bundle->key);
    g_free(bundle->fault);
    g_free(bundle);
}

struct bundles *bundles_new(const struct conf *conf, const struct bundles *previous, struct notices *notices)
{
    struct bundles *bundles = g_new0(struct bundles, 1);
    bundles->previous = previous;
    bundles->conf = conf_ref((struct conf *)conf);
    bundles->notices = notices;
    bundles->store = conf->store != NULL ? store_open(conf->store) : NULL;
    bundles->list = g_ptr_array_new_with_free_func(remote_bundle_free);
    g_mutex_init(&bundles->lock);
    g_cond_init(&bundles->done);
    return bundles;
}

static bool is_busy(const struct bundles *bundles)
{
    for (guint i = 0; i < bundles->list->len; i++)
        if (((const struct remote_bundle *)g_ptr_array_index(bundles->list, i))->busy)
            return true;
    return false;
}

void bundles_stop(struct bundles *bundles)
{
    g_mutex_lock(&bundles->lock);
    g_atomic_int_set(&bundles->stopped, 1);
    while (is_busy(bundles))
        g_cond_wait(&bundles->done, &bundles->lock);
    g_mutex_unlock(&bundles->lock);
}

void bundles_free(struct bundles *bundles)
{
    if (bundles == NULL)
        return;
    bundles_stop(bundles);
    g_ptr_array_free(bundles->list, TRUE);
    store_close(bundles->store);
    conf_unref(bundles->conf);
    g_cond_clear(&bundles->done);
    g_mutex_clear(&bundles->lock);
    g_free(bundles);
}

void bundles_watch(struct bundles *bundles, void (*changed)(void *context), void *context)
{
    bundles->previous = NULL;
    bundles->changed = changed;
    bundles->context = context;
}

/* --- what is in force --- */

/* Takes the anchors out of content. True: they are others than before. With the lock held. */
static bool put(struct remote_bundle *bundle, struct bundle_content *content, struct slice contents, time_t fetched)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    bundle->fetched = fetched;
    bundle->signed_at = content->signed_at;
    if (EVP_Digest(contents.data, contents.len, digest, NULL, EVP_sha256(), NULL) != 1)
        g_error("out of memory");
    if (bundle->anchors != NULL && memcmp(digest, bundle->digest, sizeof(digest)) == 0)
        return false;
    memcpy(bundle->digest, digest, sizeof(digest));
    sk_X509_pop_free(bundle->anchors, X509_free);
    bundle->anchors = steal(&content->anchors);
    return true;
}

/* It was verified when it came, and its signer's certificate may have expired since. */
static void restore(struct remote_bundle *bundle)
{
    struct error ignored = {0}; /* it is fetched again */
    owned(store_bundle) struct store_bundle kept = {0};
    owned(bundle_content) struct bundle_content content = {0};
    const char *uri = bundle->bundles->conf->store;
    if (uri == NULL || !g_file_test(store_file(uri), G_FILE_TEST_EXISTS) ||
        store_bundle_find(bundle->bundles->store, bundle->key, &kept, &ignored) != FOUND || kept.contents == NULL)
        return;
    const struct slice contents = {kept.contents, kept.length};
    if (bundle_content_read(contents, bundle->signers, (time_t)kept.fetched, &content, &ignored))
        (void)put(bundle, &content, contents, (time_t)kept.fetched);
}

static bool are_same(const STACK_OF(X509) * a, const STACK_OF(X509) * b)
{
    bool same = sk_X509_num(a) == sk_X509_num(b);
    for (int i = 0; same && i < sk_X509_num(a); i++)
        same = X509_cmp(sk_X509_value(a, i), sk_X509_value(b, i)) == 0;
    return same;
}

/* What is in force stays so while the configuration is replaced, also if the store cannot be read now. */
static bool inherit(struct remote_bundle *bundle, struct remote_bundle *old)
{
    if (old == NULL || !are_same(old->signers, bundle->signers))
        return false;
    g_mutex_lock(&old->bundles->lock);
    bundle->anchors = old->anchors != NULL ? X509_chain_up_ref(old->anchors) : NULL;
    memcpy(bundle->digest, old->digest, sizeof(bundle->digest));
    bundle->signed_at = old->signed_at;
    bundle->fetched = old->fetched;
    bundle->next_try = old->next_try;
    bundle->fault = g_strdup(old->fault);
    g_mutex_unlock(&old->bundles->lock);
    return bundle->anchors != NULL;
}

char *bundle_key(const struct bundle_conf *conf)
{
    g_autofree char *signers = g_strjoinv("\n", conf->signers);
    return g_strjoin("\n", conf->url, conf->ca, signers, NULL);
}

STACK_OF(X509) * bundle_signers(const struct bundle_conf *conf, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *signers = sk_X509_new_null();
    for (char **file = conf->signers; *file != NULL; file++) {
        owned(x509_stack) STACK_OF(X509) *found = certificates_load(*file, error);
        if (found == NULL)
            return NULL;
        if (signers == NULL || !X509_add_certs(signers, found, X509_ADD_FLAG_UP_REF))
            g_error("out of memory");
    }
    return steal(&signers);
}

static struct remote_bundle *find(const struct bundles *bundles, const char *key)
{
    for (guint i = 0; i < bundles->list->len; i++) {
        struct remote_bundle *each = g_ptr_array_index(bundles->list, i);
        if (strcmp(each->key, key) == 0)
            return each;
    }
    return NULL;
}

struct remote_bundle *bundles_add(struct bundles *bundles, const struct bundle_conf *conf, struct error *error)
{
    g_autofree char *key = bundle_key(conf);
    struct remote_bundle *bundle = find(bundles, key);
    if (bundle != NULL) {
        bundle->refresh = MIN(bundle->refresh, conf->refresh);
        return bundle;
    }
    owned(x509_stack) STACK_OF(X509) *signers = bundle_signers(conf, error);
    if (signers == NULL)
        return NULL;
    bundle = g_new0(struct remote_bundle, 1);
    *bundle = (struct remote_bundle){
        .bundles = bundles, .conf = conf, .key = steal(&key), .signers = steal(&signers), .refresh = conf->refresh};
    if (!inherit(bundle, bundles->previous != NULL ? find(bundles->previous, bundle->key) : NULL))
        restore(bundle);
    g_ptr_array_add(bundles->list, bundle);
    return bundle;
}

STACK_OF(X509) * remote_bundle_anchors(struct remote_bundle *bundle)
{
    g_mutex_lock(&bundle->bundles->lock);
    STACK_OF(X509) *anchors = bundle->anchors != NULL ? X509_chain_up_ref(bundle->anchors) : NULL;
    bool is_lost = bundle->anchors != NULL && anchors == NULL;
    g_mutex_unlock(&bundle->bundles->lock);
    if (is_lost)
        g_error("out of memory");
    return anchors;
}

bool remote_bundle_has_come(struct remote_bundle *bundle)
{
    g_mutex_lock(&bundle->bundles->lock);
    bool has_come = bundle->anchors != NULL;
    g_mutex_unlock(&bundle->bundles->lock);
    return has_come;
}

const char *remote_bundle_url(const struct remote_bundle *bundle)
{
    return bundle->conf->url;
}

/* --- what a server sends --- */

static bool get(const struct remote_bundle *bundle, struct http_answer *answer, struct error *error)
{
    const struct http_request request = {.url = bundle->conf->url,
                                         .limit = BUNDLE_OCTETS_MAX,
                                         .deadline = g_get_monotonic_time() + (int64_t)SECONDS_MAX * G_USEC_PER_SEC,
                                         .only_https =
                                             g_ascii_strncasecmp(bundle->conf->url, "https:", strlen("https:")) == 0,
                                         .ca = bundle->conf->ca,
                                         .stopped = &bundle->bundles->stopped,
                                         .conf = bundle->bundles->conf};
    return http_fetch(&request, answer, error) == FOUND;
}

/* A bundle that was signed once, with its time, stays so. Only this bundle's thread changes signed_at. */
static bool is_newer(const struct remote_bundle *bundle, const struct bundle_content *content, struct error *error)
{
    if (bundle->anchors == NULL || content->signed_at >= bundle->signed_at)
        return true;
    return error_set(error, ERROR_PERMANENT,
                     content->signed_at == 0 ? "it has no signing time, and that in force has one"
                                             : "it was signed before that in force");
}

/* The store may fail: then the next start fetches it. */
static void keep(const struct remote_bundle *bundle, struct slice contents, time_t now)
{
    struct error error = {0};
    if (bundle->bundles->store != NULL && !store_bundle_put(bundle->bundles->store, bundle->key, contents, now, &error))
        notices_add(bundle->bundles->notices, LOG_LEVEL_ERROR, "the trust bundle %s is not kept for the next start: %s",
                    bundle->conf->url, error.text);
}

/* A line for the log, g_free(); NULL: nothing is new. */
static char *succeed(struct remote_bundle *bundle, struct bundle_content *content, struct slice contents, time_t now)
{
    int count = sk_X509_num(content->anchors);
    struct bundles *bundles = bundle->bundles;
    g_mutex_lock(&bundles->lock);
    bool is_new = put(bundle, content, contents, now);
    bool had_failed = bundle->fault != NULL;
    g_clear_pointer(&bundle->fault, g_free);
    g_mutex_unlock(&bundles->lock);
    keep(bundle, contents, now);
    if (is_new && bundles->changed != NULL)
        bundles->changed(bundles->context);
    return is_new || had_failed
               ? g_strdup_printf("the trust bundle %s is in force, with %d certificates", bundle->conf->url, count)
               : NULL;
}

/* As above. One line for each fault, not for each try. */
static char *fail(struct remote_bundle *bundle, time_t now, const struct error *why)
{
    struct bundles *bundles = bundle->bundles;
    struct error error = {0};
    g_mutex_lock(&bundles->lock);
    bool is_new = g_strcmp0(bundle->fault, why->text) != 0;
    bool is_missing = bundle->anchors == NULL;
    g_free(bundle->fault);
    bundle->fault = g_strdup(why->text);
    bundle->next_try = now + (is_missing ? RETRY_MISSING : RETRY);
    g_mutex_unlock(&bundles->lock);
    if (bundles->store != NULL)
        (void)store_bundle_fail(bundles->store, bundle->key, now, why->text, &error);
    return is_new ? g_strdup_printf("the trust bundle %s was not taken: %s; %s", bundle->conf->url, why->text,
                                    is_missing ? "messages that need it are deferred" : "the old one stays in force")
                  : NULL;
}

/* A line for the log, as above. */
static char *fetch_now(struct remote_bundle *bundle, enum log_level *level)
{
    struct error error = {0};
    owned(http_answer) struct http_answer answer = {0};
    owned(bundle_content) struct bundle_content content = {0};
    char *line = NULL;
    time_t now = time(NULL);
    bool good = get(bundle, &answer, &error);
    const struct slice contents = {answer.body, answer.length};
    good = good && bundle_content_read(contents, bundle->signers, now, &content, &error) &&
           is_newer(bundle, &content, &error);
    if (good)
        line = succeed(bundle, &content, contents, now);
    else if (g_atomic_int_get(&bundle->bundles->stopped) == 0)
        line = fail(bundle, now, &error);
    metrics_add("domsec_bundle_fetches_total", good ? "result=\"ok\"" : "result=\"failed\"", 1);
    *level = good ? LOG_LEVEL_INFO : bundle->anchors != NULL ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
    return line;
}

static gpointer fetch(gpointer data)
{
    struct remote_bundle *bundle = data;
    struct bundles *bundles = bundle->bundles;
    enum log_level level = LOG_LEVEL_ERROR;
    g_autofree char *line = fetch_now(bundle, &level); /* bundles_stop() waits also until its certificates are freed */
    OPENSSL_thread_stop(); /* or it would clean up behind this thread, when exit() may be doing so */
    g_mutex_lock(&bundles->lock);
    if (line != NULL)
        notices_add(bundles->notices, level, "%s", line);
    bundle->busy = false;
    g_cond_broadcast(&bundles->done);
    g_mutex_unlock(&bundles->lock);
    return NULL;
}

/* With the lock held. */
static void start(struct remote_bundle *bundle, time_t now)
{
    time_t due = bundle->anchors != NULL ? bundle->fetched + (time_t)bundle->refresh * HOUR : 0;
    bool clock_was_set_back = bundle->fetched > now; /* or it was fast before */
    bool waits = now < bundle->next_try && bundle->next_try <= now + RETRY;
    if (bundle->busy || g_atomic_int_get(&bundle->bundles->stopped) != 0 || waits || (now < due && !clock_was_set_back))
        return;
    GThread *thread = g_thread_try_new("bundle", fetch, bundle, NULL);
    if (thread == NULL) /* the next time */
        return;
    bundle->busy = true;
    g_thread_unref(thread);
}

void bundles_renew(struct bundles *bundles, time_t now)
{
    g_mutex_lock(&bundles->lock);
    for (guint i = 0; i < bundles->list->len; i++)
        start(g_ptr_array_index(bundles->list, i), now);
    g_mutex_unlock(&bundles->lock);
}

bool bundles_wait(struct bundles *bundles, struct remote_bundle *bundle, int64_t deadline)
{
    g_mutex_lock(&bundles->lock);
    if (bundle->anchors == NULL)
        start(bundle, time(NULL));
    while (bundle->busy && g_cond_wait_until(&bundles->done, &bundles->lock, deadline))
        ;
    bool is_done = !bundle->busy;
    g_mutex_unlock(&bundles->lock);
    return is_done;
}

void bundles_await(struct bundles *bundles, int64_t deadline)
{
    for (guint i = 0; i < bundles->list->len; i++)
        (void)bundles_wait(bundles, g_ptr_array_index(bundles->list, i), deadline);
}
