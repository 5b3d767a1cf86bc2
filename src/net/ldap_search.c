/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_search: reads the entries of a search one by one, so that what a server sends without end is held only up to the
 * limits. An answer that a limit has cut, ours or the server's, is a failure with what came until then, because the
 * certificate that counts may be in the rest.
 */
#include "ldap_search.h"

#include <string.h>
#include <strings.h>

#define CONTEXTS_MAX 8

/* What an answer's strings and values are in. */
struct holdings {
    GStringChunk *strings;
    GPtrArray *values; /* of struct berval ** as libldap gave them */
    GArray *list;      /* of struct net_ldap_value */
    size_t bytes;
};

static void values_free(gpointer values)
{
    ldap_value_free_len(values);
}

static struct holdings *holdings_of(struct net_ldap_answer *answer)
{
    struct holdings *holdings = answer->owned;
    if (holdings != NULL)
        return holdings;
    answer->owned = holdings = g_new0(struct holdings, 1);
    holdings->strings = g_string_chunk_new(256);
    holdings->values = g_ptr_array_new_with_free_func(values_free);
    holdings->list = g_array_new(FALSE, FALSE, sizeof(struct net_ldap_value));
    return holdings;
}

void net_ldap_answer_clear(struct net_ldap_answer *answer)
{
    struct holdings *holdings = answer->owned;
    if (holdings != NULL) {
        g_string_chunk_free(holdings->strings);
        g_ptr_array_unref(holdings->values);
        g_array_unref(holdings->list);
        g_free(holdings);
    }
    g_free(answer->filter);
    *answer = (struct net_ldap_answer){0};
}

/* --- what came --- */

static bool too_much(struct net_ldap_answer *answer, const char *what)
{
    return error_set(&answer->error, ERROR_TEMPORARY, "a directory answers with too much: more than %s", what);
}

static bool add_values(struct net_ldap_answer *answer, const char *entry, const char *attribute, struct berval **values)
{
    struct holdings *holdings = answer->owned;
    for (; *values != NULL; values++) {
        const struct net_ldap_value value = {entry, attribute, (const unsigned char *)(*values)->bv_val,
                                             (*values)->bv_len};
        holdings->bytes += value.length;
        if (holdings->list->len >= NET_LDAP_VALUES_MAX)
            return too_much(answer, G_STRINGIFY(NET_LDAP_VALUES_MAX) " values");
        if (holdings->bytes > NET_LDAP_BYTES_MAX)
            return too_much(answer, "8 MiB");
        g_array_append_val(holdings->list, value);
    }
    return true;
}

/* Without its options. */
static bool is_wanted(const struct net_ldap_query *query, const char *attribute)
{
    size_t length = strcspn(attribute, ";");
    for (const char *const *each = query->attributes; *each != NULL; each++)
        if (strcspn(*each, ";") == length && strncasecmp(*each, attribute, length) == 0)
            return true;
    return false;
}

/* Returns false with the error if the entry cannot be read, or is one too many. */
static bool add_entry(LDAP *ld, LDAPMessage *message, const struct net_ldap_query *query,
                      struct net_ldap_answer *answer)
{
    struct holdings *holdings = holdings_of(answer);
    BerElement *state = NULL;
    bool good = true;
    if (++answer->entries > NET_LDAP_ENTRIES_MAX)
        return too_much(answer, G_STRINGIFY(NET_LDAP_ENTRIES_MAX) " entries");
    char *dn = ldap_get_dn(ld, message);
    if (dn == NULL)
        return error_set(&answer->error, ERROR_TEMPORARY, "a directory answers with an entry that cannot be read");
    const char *entry = g_string_chunk_insert_const(holdings->strings, dn);
    ldap_memfree(dn);
    for (char *name = ldap_first_attribute(ld, message, &state); name != NULL && good;
         name = ldap_next_attribute(ld, message, state)) {
        struct berval **values = is_wanted(query, name) ? ldap_get_values_len(ld, message, name) : NULL;
        if (values != NULL) {
            g_ptr_array_add(holdings->values, values);
            good = add_values(answer, entry, g_string_chunk_insert_const(holdings->strings, name), values);
        }
        ldap_memfree(name);
    }
    ber_free(state, 0);
    return good;
}

/* --- the search --- */

static void append_match(GString *filter, const struct net_ldap_match *match)
{
    struct berval value = {.bv_len = strlen(match->value), .bv_val = (char *)match->value};
    struct berval escaped = {0};
    if (ldap_bv2escaped_filter_value(&value, &escaped) != 0)
        g_error("out of memory");
    g_string_append_printf(filter, "(%s=%s)", match->attribute, escaped.bv_val);
    ber_memfree(escaped.bv_val);
}

static char *filter_of(const struct net_ldap_query *query)
{
    GString *filter = g_string_new(NULL);
    if (query->match_count > 1)
        g_string_append(filter, "(|");
    for (size_t i = 0; i < query->match_count; i++)
        append_match(filter, &query->match[i]);
    if (query->match_count > 1)
        g_string_append_c(filter, ')');
    return g_string_free(filter, FALSE);
}

/* False: the error is set. */
static bool judge_result(struct ldap_connection *connection, LDAPMessage *message, struct net_ldap_answer *answer)
{
    int rc = LDAP_OTHER;
    int parsed = ldap_parse_result(connection->ld, message, &rc, NULL, NULL, NULL, NULL, 0);
    if (parsed == LDAP_SUCCESS && rc == LDAP_SUCCESS)
        return true;
    const char *what = "a directory refuses a search";
    if (rc == LDAP_NO_SUCH_OBJECT)
        what = "a directory does not know the entry below which is searched";
    else if (rc == LDAP_REFERRAL)
        what = "a directory refers to another one, which is not asked";
    else if (rc == LDAP_SIZELIMIT_EXCEEDED || rc == LDAP_TIMELIMIT_EXCEEDED || rc == LDAP_ADMINLIMIT_EXCEEDED)
        what = "a directory cuts its answer at a limit of its own";
    return ldap_connection_failed(connection, parsed != LDAP_SUCCESS ? parsed : rc, what, &answer->error);
}

/* Reads to the end of one search. */
static enum ldap_ended read_all(struct ldap_connection *connection, int request, const struct net_ldap_query *query,
                                struct net_ldap_answer *answer)
{
    for (;;) {
        LDAPMessage *message __attribute__((cleanup(cleanup_ldap_message))) =
            ldap_connection_receive(connection, request, &answer->error);
        if (message == NULL)
            return LDAP_ENDED_LOST;
        switch (ldap_msgtype(message)) {
        case LDAP_RES_SEARCH_ENTRY:
            if (!add_entry(connection->ld, message, query, answer))
                return LDAP_ENDED_SPENT;
            break;
        case LDAP_RES_SEARCH_REFERENCE:
            answer->referrals++;
            break;
        case LDAP_RES_SEARCH_RESULT:
            judge_result(connection, message, answer);
            return LDAP_ENDED;
        default:
            break;
        }
    }
}

struct place {
    const char *base;
    int scope;
    const char *filter;
};

static enum ldap_ended search_below(struct ldap_connection *connection, const struct place *place,
                                    const struct net_ldap_query *query, struct net_ldap_answer *answer)
{
    int request = 0;
    int64_t left = MAX(connection->watch.deadline - g_get_monotonic_time(), 0);
    struct timeval limit = {.tv_sec = left / G_USEC_PER_SEC + 1}; /* the server's own */
    int rc = ldap_search_ext(connection->ld, place->base, place->scope, place->filter, (char **)query->attributes, 0,
                             NULL, NULL, &limit, NET_LDAP_ENTRIES_MAX + 1, &request);
    if (rc == LDAP_SUCCESS)
        return read_all(connection, request, query, answer);
    ldap_connection_failed(connection, rc, "a directory cannot be searched", &answer->error);
    return LDAP_ENDED_LOST;
}

/* Fills connection->contexts. */
static enum ldap_ended read_contexts(struct ldap_connection *connection, struct net_ldap_answer *answer)
{
    static const char *const attributes[] = {"namingContexts", NULL};
    static const struct net_ldap_query query = {.attributes = attributes};
    static const struct place root = {"", LDAP_SCOPE_BASE, "(objectClass=*)"};
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    owned(net_ldap_answer) struct net_ldap_answer found = {0};
    enum ldap_ended ended = search_below(connection, &root, &query, &found);
    const struct holdings *holdings = found.owned;
    for (guint i = 0; holdings != NULL && i < MIN(holdings->list->len, CONTEXTS_MAX); i++) {
        const struct net_ldap_value *value = &g_array_index(holdings->list, struct net_ldap_value, i);
        g_ptr_array_add(list, g_strndup((const char *)value->data, value->length));
    }
    answer->error = found.error;
    if (found.error.kind == ERROR_NONE && list->len == 0)
        error_set(&answer->error, ERROR_TEMPORARY, "a directory does not say what it holds; \"base\" has to be set");
    if (answer->error.kind != ERROR_NONE)
        return ended;
    g_ptr_array_add(list, NULL);
    connection->contexts = (char **)g_ptr_array_free(steal(&list), FALSE);
    return ended;
}

static void settle(struct net_ldap_answer *answer)
{
    const struct holdings *holdings = answer->owned;
    if (holdings != NULL) {
        answer->values = (struct net_ldap_value *)(void *)holdings->list->data;
        answer->count = holdings->list->len;
    }
    answer->found = answer->error.kind != ERROR_NONE ? FOUND_FAILED : answer->entries > 0 ? FOUND : FOUND_NONE;
}

enum ldap_ended ldap_search_over(struct ldap_connection *connection, const struct net_ldap_query *query,
                                 struct net_ldap_answer *answer)
{
    char *const given[] = {(char *)query->base, NULL};
    enum ldap_ended ended = LDAP_ENDED;
    answer->filter = filter_of(query);
    if (query->base == NULL && connection->contexts == NULL)
        ended = read_contexts(connection, answer);
    for (char *const *base = query->base != NULL ? given : connection->contexts;
         base != NULL && *base != NULL && ended == LDAP_ENDED && answer->error.kind == ERROR_NONE; base++) {
        const struct place place = {*base, LDAP_SCOPE_SUBTREE, answer->filter};
        ended = search_below(connection, &place, query, answer);
    }
    settle(answer);
    return ended;
}
