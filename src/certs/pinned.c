/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pinned: the first source, the `certificates` of a partner. An administrator's choice for a partner comes before what
 * any other source knows. All certificates of a file are candidates, in their order, whatever their names; a chain
 * beside them is not.
 */
#include "index_names.h"
#include "source.h"

struct pinned_certificate {
    X509 *certificate;
    char **mailboxes;
};

struct pinned_list {
    GPtrArray *candidates; /* struct pinned_certificate * */
    STACK_OF(X509) * authorities;
};

struct pinned {
    const struct conf *conf;
    struct pinned_list *lists; /* by partner->index */
};

static void certificate_free(void *data)
{
    struct pinned_certificate *pinned = data;
    X509_free(pinned->certificate);
    g_strfreev(pinned->mailboxes);
    g_free(pinned);
}

static void pinned_close(void *state)
{
    struct pinned *pinned = state;
    for (size_t i = 0; i < pinned->conf->partner_count; i++) {
        g_ptr_array_unref(pinned->lists[i].candidates);
        x509_stack_free(pinned->lists[i].authorities);
    }
    g_free(pinned->lists);
    g_free(pinned);
}

static void add_candidate(struct pinned_list *list, X509 *certificate)
{
    struct pinned_certificate *entry = g_new0(struct pinned_certificate, 1);
    entry->certificate = X509_up_ref(certificate) ? certificate : NULL;
    entry->mailboxes = index_mailboxes(certificate);
    g_ptr_array_add(list->candidates, entry);
}

/* all: what all files of the partner contain. */
static void add(struct pinned_list *list, X509 *certificate, const STACK_OF(X509) * all)
{
    if (!index_is_authority(certificate) || certificate_stands_alone(certificate, all))
        add_candidate(list, certificate);
    else if (!X509_add_cert(list->authorities, certificate, X509_ADD_FLAG_UP_REF))
        g_error("out of memory");
}

static void add_files(const struct partner *partner, GPtrArray *files, struct pinned_list *list, struct faults *faults)
{
    owned(x509_stack) STACK_OF(X509) *all = sk_X509_new_null();
    for (guint i = 0; i < files->len; i++)
        if (all == NULL || !X509_add_certs(all, g_ptr_array_index(files, i), X509_ADD_FLAG_UP_REF))
            g_error("out of memory");
    for (guint i = 0; i < files->len; i++) {
        guint before = list->candidates->len;
        const STACK_OF(X509) *found = g_ptr_array_index(files, i);
        for (int j = 0; j < sk_X509_num(found); j++)
            add(list, sk_X509_value(found, j), all);
        if (list->candidates->len == before)
            faults_warn(faults, partner->file, partner->certificates_line,
                        "certificates: %s contains only CA certificates; name them in anchors, or in intermediates",
                        partner->certificates[i]);
    }
}

static bool load(const struct partner *partner, struct pinned_list *list, struct faults *faults)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)x509_stack_free);
    for (char **file = partner->certificates; *file != NULL; file++) {
        struct error error = {0};
        STACK_OF(X509) *found = certificates_load(*file, &error);
        if (found != NULL)
            g_ptr_array_add(files, found);
        else
            faults_add(faults, partner->file, partner->certificates_line, "certificates: %s", error.text);
    }
    if (files->len < g_strv_length(partner->certificates))
        return false;
    add_files(partner, files, list, faults);
    return true;
}

static void *pinned_open(const struct conf *conf, struct faults *faults)
{
    bool good = true;
    struct pinned *pinned = g_new0(struct pinned, 1);
    pinned->conf = conf;
    pinned->lists = g_new0(struct pinned_list, conf->partner_count);
    for (size_t i = 0; i < conf->partner_count; i++) {
        struct pinned_list *list = &pinned->lists[i];
        list->candidates = g_ptr_array_new_with_free_func(certificate_free);
        list->authorities = sk_X509_new_null();
        if (list->authorities == NULL)
            g_error("out of memory");
        good = load(conf->partners[i], list, faults) && good;
    }
    if (good)
        return pinned;
    pinned_close(pinned);
    return NULL;
}

static void answer(const struct pinned *pinned, struct certs_question *question)
{
    const struct partner *partner = question->query->partner;
    if (partner->index >= pinned->conf->partner_count || pinned->conf->partners[partner->index] != partner) {
        struct error error = {0};
        error_set(&error, ERROR_BUG, "the partner belongs to another configuration");
        certs_question_failed(question, true, &error);
        return;
    }
    const struct pinned_list *list = &pinned->lists[partner->index];
    g_autofree char *mailbox = index_mailbox(question->query->address);
    for (guint i = 0; i < list->candidates->len; i++) {
        const struct pinned_certificate *each = g_ptr_array_index(list->candidates, i);
        bool personal = g_strv_contains((const char *const *)each->mailboxes, mailbox);
        certs_question_add(question, each->certificate, personal, list->authorities);
    }
    certs_question_answered(question);
}

static void pinned_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    (void)deadline; /* never waits */
    for (size_t i = 0; i < count; i++)
        answer(state, questions[i]);
}

const struct certs_source certs_source_pinned = {
    .name = "file", .pinned = true, .open = pinned_open, .close = pinned_close, .ask = pinned_ask};
