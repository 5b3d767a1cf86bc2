/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pinned: the `certificates` of a partner. An administrator's choice for a partner comes before what
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

struct pinned_partner {
    struct pinned_list own;
    struct pinned_list *groups; /* by group->index */
};

struct pinned {
    const struct conf *conf;
    struct pinned_partner *partners; /* by partner->index */
};

static void certificate_free(void *data)
{
    struct pinned_certificate *pinned = data;
    X509_free(pinned->certificate);
    g_strfreev(pinned->mailboxes);
    g_free(pinned);
}

static void list_clear(struct pinned_list *list)
{
    g_ptr_array_unref(list->candidates);
    x509_stack_free(list->authorities);
}

static void pinned_close(void *state)
{
    struct pinned *pinned = state;
    for (size_t i = 0; i < pinned->conf->partner_count; i++) {
        list_clear(&pinned->partners[i].own);
        for (size_t j = 0; j < pinned->conf->partners[i]->group_count; j++)
            list_clear(&pinned->partners[i].groups[j]);
        g_free(pinned->partners[i].groups);
    }
    g_free(pinned->partners);
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

/* Where the names of files stand: in the partner's policy, or in one of its groups. */
struct pinned_place {
    const struct partner *partner;
    char *const *names;
    unsigned line;
};

static void add_files(const struct pinned_place *place, GPtrArray *files, struct pinned_list *list,
                      struct faults *faults)
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
            faults_warn(faults, place->partner->file, place->line,
                        "certificates: %s contains only CA certificates; name them in anchors, or in intermediates",
                        place->names[i]);
    }
}

static bool load(const struct pinned_place *place, struct pinned_list *list, struct faults *faults)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)x509_stack_free);
    list->candidates = g_ptr_array_new_with_free_func(certificate_free);
    list->authorities = sk_X509_new_null();
    if (list->authorities == NULL)
        g_error("out of memory");
    guint count = 0;
    for (; place->names[count] != NULL; count++) {
        struct error error = {0};
        STACK_OF(X509) *found = certificates_load(place->names[count], &error);
        if (found != NULL)
            g_ptr_array_add(files, found);
        else
            faults_add(faults, place->partner->file, place->line, "certificates: %s", error.text);
    }
    if (files->len < count)
        return false;
    add_files(place, files, list, faults);
    return true;
}

static bool load_partner(const struct partner *partner, struct pinned_partner *pinned, struct faults *faults)
{
    const struct pinned_place place = {partner, partner->certificates, partner->certificates_line};
    bool good = load(&place, &pinned->own, faults);
    pinned->groups = g_new0(struct pinned_list, partner->group_count);
    for (size_t i = 0; i < partner->group_count; i++) {
        const struct group_conf *group = &partner->groups[i];
        const struct pinned_place within = {partner, group->certificates, group->line};
        good = load(&within, &pinned->groups[i], faults) && good;
    }
    return good;
}

static bool pinned_open(const struct conf *conf, void **state, struct faults *faults)
{
    bool good = true;
    struct pinned *pinned = g_new0(struct pinned, 1);
    pinned->conf = conf;
    pinned->partners = g_new0(struct pinned_partner, conf->partner_count);
    for (size_t i = 0; i < conf->partner_count; i++)
        good = load_partner(conf->partners[i], &pinned->partners[i], faults) && good;
    if (good)
        *state = pinned;
    else
        pinned_close(pinned);
    return good;
}

/* personal NULL: those of the person and of the domain, in the order of the files. */
static void add_listed(struct certs_question *question, const struct pinned_list *list, const bool *personal)
{
    g_autofree char *mailbox = index_mailbox(question->query->address);
    for (guint i = 0; i < list->candidates->len; i++) {
        const struct pinned_certificate *each = g_ptr_array_index(list->candidates, i);
        bool is_personal = g_strv_contains((const char *const *)each->mailboxes, mailbox);
        if (personal == NULL || is_personal == *personal)
            certs_question_add(question, each->certificate, is_personal, list->authorities);
    }
}

static void answer(const struct pinned *pinned, struct certs_question *question)
{
    int64_t began = g_get_monotonic_time();
    static const bool yes = true, no = false;
    const struct partner *partner = question->query->partner;
    if (partner->index >= pinned->conf->partner_count || pinned->conf->partners[partner->index] != partner) {
        struct error error = {0};
        error_set(&error, ERROR_BUG, "the partner belongs to another configuration");
        certs_question_failed(question, true, &error);
        return;
    }
    const struct pinned_partner *known = &pinned->partners[partner->index];
    const struct group_conf *group = conf_group(partner, question->query->address);
    if (group == NULL) {
        add_listed(question, &known->own, NULL);
    } else {
        const struct pinned_list *list = &known->groups[group->index];
        add_listed(question, &known->own, &yes);
        for (guint i = 0; i < list->candidates->len; i++) {
            const struct pinned_certificate *each = g_ptr_array_index(list->candidates, i);
            certs_question_add_of_group(question, each->certificate, group, list->authorities);
        }
        add_listed(question, &known->own, &no);
    }
    certs_question_step(question, false, began, NULL, "certificates of %s", partner->name);
    certs_question_answered(question);
}

static void pinned_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    (void)deadline; /* never waits */
    for (size_t i = 0; i < count; i++)
        answer(state, questions[i]);
}

const struct certs_source certs_source_pinned = {
    .name = "pinned", .shown = "file", .pinned = true, .open = pinned_open, .close = pinned_close, .ask = pinned_ask};
