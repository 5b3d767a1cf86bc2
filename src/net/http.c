/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: one transfer, one handle. A handle that is kept would save a connection now and then, but what is fetched here
 * is fetched every few hours, and a kept connection is one more that can be dead.
 *
 * The total time covers everything, also a server that sends an octet a second. While libcurl waits for a name in its
 * own thread, the deadline still holds, because that thread is left behind (CURLOPT_QUICK_EXIT).
 */
#include "net/http.h"

#include "networks.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#define REDIRECTS_MAX 3
#define SCHEMES "http,https"
#define CONNECT_MILLISECONDS 5000L
#define STALL_SECONDS 5L
#define STALL_OCTETS 200L /* a second, at least */

struct transfer {
    const struct http_request *request;
    GByteArray *body;
    bool is_forbidden; /* an address was, so far */
    bool is_too_large;
};

DECLARE_OWNED(curl, CURL *, curl_easy_cleanup)
DECLARE_OWNED(curl_url, CURLU *, curl_url_cleanup)
DECLARE_OWNED(curl_headers, struct curl_slist *, curl_slist_free_all)

/* libcurl wants to be set up once for the whole process. */
static bool set_up(void)
{
    static gsize once;
    if (g_once_init_enter(&once))
        g_once_init_leave(&once, curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK ? 1 : 2);
    return once == 1;
}

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;
    if (length > transfer->request->limit - transfer->body->len) {
        transfer->is_too_large = true;
        return 0;
    }
    g_byte_array_append(transfer->body, (const guint8 *)data, (guint)length);
    return length;
}

/* The answer of a server that redirects has a body, too. */
static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    if (size * count >= 5 && memcmp(data, "HTTP/", 5) == 0)
        g_byte_array_set_size(transfer->body, 0);
    return size * count;
}

static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    (void)purpose;
    if (!networks_allow(transfer->request->conf, &address->addr)) {
        transfer->is_forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_progress(void *context, curl_off_t down, curl_off_t downloaded, curl_off_t up, curl_off_t uploaded)
{
    const int *stopped = ((const struct transfer *)context)->request->stopped;
    (void)down, (void)downloaded, (void)up, (void)uploaded;
    return stopped != NULL && g_atomic_int_get(stopped) != 0;
}

static bool set_limits(CURL *curl, const struct http_request *request, long milliseconds)
{
    const char *schemes = request->only_https ? "https" : SCHEMES;
    return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, MIN(milliseconds, CONNECT_MILLISECONDS)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_OCTETS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->limit) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, schemes) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK; /* nor that of the environment */
}

/* Without the system's folder, in which libcurl would look, too. */
static bool set_authorities(CURL *curl, const char *file)
{
    return file == NULL || (curl_easy_setopt(curl, CURLOPT_CAINFO, file) == CURLE_OK &&
                            curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

static bool set_request(CURL *curl, const struct http_request *request, struct curl_slist *headers)
{
    bool good = curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_USERAGENT, "domsec/" DOMSEC_VERSION) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    if (request->post.data == NULL)
        return good && curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return good && curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->post.len) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->post.data) == CURLE_OK;
}

static bool set_callbacks(CURL *curl, struct transfer *transfer)
{
    return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK;
}

/* Without "Expect: 100-continue", for which some servers let us wait a second. */
static struct curl_slist *headers_of(const struct http_request *request)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (request->post.data == NULL || headers == NULL)
        return headers;
    g_autofree char *type = g_strdup_printf("Content-Type: %s", request->type);
    struct curl_slist *both = curl_slist_append(headers, type);
    if (both == NULL)
        curl_slist_free_all(headers);
    return both;
}

static enum http_fault fault_of(CURLcode code, const struct transfer *transfer)
{
    if (transfer->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return HTTP_FAULT_TOO_LARGE;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return HTTP_FAULT_LATE;
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT || code == CURLE_LOGIN_DENIED ||
        (code == CURLE_COULDNT_CONNECT && transfer->is_forbidden))
        return HTTP_FAULT_FORBIDDEN;
    return code == CURLE_TOO_MANY_REDIRECTS ? HTTP_FAULT_STATUS : HTTP_FAULT_UNREACHABLE;
}

static enum found fail(struct http_answer *answer, enum http_fault fault, const char *words, const char *url,
                       struct error *error)
{
    answer->fault = fault;
    error_set_foreign(error, ERROR_TEMPORARY, words, "%s", url);
    return FOUND_FAILED;
}

static const char *words_for(enum http_fault fault, CURLcode code)
{
    if (fault == HTTP_FAULT_FORBIDDEN && code == CURLE_COULDNT_CONNECT)
        return "it leads to an address that fetch_networks does not allow";
    return fault == HTTP_FAULT_TOO_LARGE ? "the answer is too large" : curl_easy_strerror(code);
}

static enum found read_answer(const struct transfer *transfer, struct http_answer *answer, struct error *error)
{
    const char *url = transfer->request->url;
    if (answer->status == 200) {
        answer->length = transfer->body->len;
        answer->body = g_malloc(answer->length + 1);
        if (answer->length > 0)
            memcpy(answer->body, transfer->body->data, answer->length);
        answer->body[answer->length] = '\0';
        return FOUND;
    }
    g_autofree char *words = g_strdup_printf("the server answered with status %ld", answer->status);
    fail(answer, HTTP_FAULT_STATUS, words, url, error);
    return answer->status == 404 || answer->status == 410 ? FOUND_NONE : FOUND_FAILED;
}

enum found http_fetch(const struct http_request *request, struct http_answer *answer, struct error *error)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    struct transfer transfer = {.request = request, .body = body};
    *answer = (struct http_answer){0};
    int64_t left = (request->deadline - g_get_monotonic_time()) / 1000;
    if (left <= 0)
        return fail(answer, HTTP_FAULT_LATE, curl_easy_strerror(CURLE_OPERATION_TIMEDOUT), request->url, error);
    owned(curl_headers) struct curl_slist *headers = headers_of(request);
    owned(curl) CURL *curl = set_up() ? curl_easy_init() : NULL;
    if (curl == NULL || headers == NULL || !set_limits(curl, request, (long)MIN(left, G_MAXINT)) ||
        !set_authorities(curl, request->ca) || !set_request(curl, request, headers) || !set_callbacks(curl, &transfer))
        return fail(answer, HTTP_FAULT_UNREACHABLE, "libcurl cannot be used", request->url, error);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (code == CURLE_OK)
        return read_answer(&transfer, answer, error);
    enum http_fault fault = fault_of(code, &transfer);
    return fail(answer, fault, words_for(fault, code), request->url, error);
}

void http_answer_clear(struct http_answer *answer)
{
    g_free(answer->body);
    *answer = (struct http_answer){0};
}

bool http_may_fetch(const char *url)
{
    return g_ascii_strncasecmp(url, "http://", 7) == 0 || g_ascii_strncasecmp(url, "https://", 8) == 0;
}

char *http_host(const char *url)
{
    owned(curl_url) CURLU *parts = curl_url();
    char *host = NULL, *port = NULL;
    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        g_autofree char *both = g_strdup_printf("%s:%s", host, port);
        curl_free(host);
        curl_free(port);
        return g_ascii_strdown(both, -1);
    }
    curl_free(host);
    curl_free(port);
    return NULL;
}

char *http_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = g_strdup(escaped);
    curl_free(escaped);
    return copy;
}
