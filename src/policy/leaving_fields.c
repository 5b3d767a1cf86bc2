/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaving_fields: two tables, of the fields that are protected and of what hides them. What mail servers write or take
 * out is not protected: a copy inside would show what was taken out, such as Bcc, or the name of a client.
 */
#include "policy/leaving_fields.h"

#include "mail/bare.h"

#include <string.h>

#define PLACEHOLDER "[...]" /* of a Subject */

/* What a mail program writes for the reader or for the reader's program. */
static const char *const protected_names[] = {
    "From",          "Sender",       "Reply-To",       "To",       "Cc",         "Date",        "Message-ID",
    "In-Reply-To",   "References",   "Subject",        "Comments", "Keywords",   "Importance",  "Priority",
    "X-Priority",    "Sensitivity",  "Expires",        "Reply-By", "Supersedes", "Followup-To", "Mail-Followup-To",
    "Mail-Reply-To", "Thread-Topic", "Auto-Submitted",
};

static bool is_protected(const struct field *field)
{
    for (size_t i = 0; i < G_N_ELEMENTS(protected_names); i++)
        if (slice_equal_nocase(field->name, protected_names[i]))
            return true;
    return false;
}

/* --- what stands outside; NULL: nothing. *hidden stays false: the field as it is --- */

static char *placeholder(struct slice value, bool *hidden)
{
    g_autofree char *line = field_unfolded(value);
    /* There is nothing to hide in an empty one, and a milter cannot bring it back. */
    *hidden = line[0] != '\0' && strcmp(line, PLACEHOLDER) != 0;
    return *hidden ? g_strdup(" " PLACEHOLDER) : NULL;
}

static char *nothing(struct slice value, bool *hidden)
{
    (void)value;
    *hidden = true;
    return NULL;
}

static char *without_names(struct slice value, bool *hidden)
{
    char *bare = bare_addresses(value);
    *hidden = bare != NULL;
    return bare;
}

static char *universal_time(struct slice value, bool *hidden)
{
    char *date = bare_date(value);
    *hidden = date != NULL;
    return date;
}

/* hcp_baseline hides the informational fields (RFC 5322 §3.6.5), hcp_shy others, too. Thread-Topic repeats the Subject.
 */
static const struct hiding {
    const char *name;
    enum protect_headers from;
    char *(*outside)(struct slice value, bool *hidden);
    bool shown;
} hidings[] = {
    {"Subject", PROTECT_HEADERS_BASELINE, placeholder, true},
    {"Keywords", PROTECT_HEADERS_BASELINE, nothing, true},
    {"Comments", PROTECT_HEADERS_BASELINE, nothing, true},
    {"Thread-Topic", PROTECT_HEADERS_BASELINE, nothing, false},
    {"From", PROTECT_HEADERS_SHY, without_names, true},
    {"To", PROTECT_HEADERS_SHY, without_names, true},
    {"Cc", PROTECT_HEADERS_SHY, without_names, true},
    {"Date", PROTECT_HEADERS_SHY, universal_time, true},
    {.name = NULL},
};

static void hide(const struct fields *fields, enum protect_headers how, struct leaving_field *leaving)
{
    for (const struct hiding *hiding = hidings; hiding->name != NULL; hiding++) {
        if (how < hiding->from || !slice_equal_nocase(leaving->field->name, hiding->name))
            continue;
        /* A repeated field that RFC 5322 §3.6 allows once: the second Subject goes, and which author or date is meant
         * is not for us to say. */
        if (leaving->field->index > 1 && hiding->outside == placeholder)
            leaving->hidden = true;
        else if (hiding->from < PROTECT_HEADERS_SHY || fields_count(fields, hiding->name) == 1)
            leaving->outside = hiding->outside(leaving->field->value, &leaving->hidden);
        leaving->shown = hiding->shown;
    }
}

void policy_leaving_fields(const struct fields *fields, enum protect_headers how, bool encrypted,
                           struct leaving_fields *leaving)
{
    *leaving = (struct leaving_fields){.list = g_new0(struct leaving_field, fields->count + 1)};
    for (size_t i = 0; i < fields->count && how != PROTECT_HEADERS_NONE; i++) {
        if (!is_protected(&fields->list[i]))
            continue;
        struct leaving_field *field = &leaving->list[leaving->count++];
        field->field = &fields->list[i];
        if (encrypted)
            hide(fields, how, field);
    }
}

void leaving_fields_clear(struct leaving_fields *leaving)
{
    for (size_t i = 0; i < leaving->count; i++)
        g_free(leaving->list[i].outside);
    g_free(leaving->list);
    *leaving = (struct leaving_fields){0};
}

static bool stands_in(const struct fields *inside, const struct field *field)
{
    g_autofree char *name = g_strndup(field->name.data, field->name.len);
    const struct field *found = fields_count(inside, name) == 1 ? fields_find(inside, name, 1) : NULL;
    return found != NULL && field_same_value(found->value, field->value);
}

void leaving_fields_limit(struct leaving_fields *leaving, const struct fields *inside)
{
    for (size_t i = 0; i < leaving->count; i++)
        leaving->list[i].hidden &= stands_in(inside, leaving->list[i].field);
}
