/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protected_fields: a field is restored only if it is clear which one it is: there is one inside, at most one
 * outside, and the one outside is what the sender put there.
 */
#include "policy/protected_fields.h"

#include "mail/bare.h"

#include <string.h>

#define VALUE_MAX_OCTETS 16384 /* what a milter can send, also if a mark before it has all written as encoded words */

static const char *const restorable[] = {"Subject", "Keywords", "Comments", "Thread-Topic", NULL};

enum header_protection header_protection_of(const char *parameter)
{
    if (parameter != NULL && g_ascii_strcasecmp(parameter, "clear") == 0)
        return HEADER_PROTECTION_CLEAR;
    if (parameter != NULL && g_ascii_strcasecmp(parameter, "cipher") == 0)
        return HEADER_PROTECTION_CIPHER;
    return HEADER_PROTECTION_NONE;
}

/* As any field may be that comes from outside, and no more. */
static bool is_fit(const struct field *field)
{
    if (field->value.len > VALUE_MAX_OCTETS || !field_is_plain(field))
        return false;
    for (size_t i = 0; i < field->value.len; i++) {
        char c = field->value.data[i];
        if (c != '\t' && c != '\r' && c != '\n' && g_ascii_iscntrl(c))
            return false;
    }
    return true;
}

/* Returns the only field of that name, or NULL if their number, *count, is not 1. */
static const struct field *only(const struct fields *fields, const char *name, unsigned *count)
{
    *count = fields_count(fields, name);
    return *count == 1 ? fields_find(fields, name, 1) : NULL;
}

/* "NAME: VALUE", if it is about this name. */
static bool split_hp_outer(struct slice value, const char *name, struct slice *outer)
{
    const char *end = value.data + value.len, *colon = value.len > 0 ? memchr(value.data, ':', value.len) : NULL;
    if (colon == NULL)
        return false;
    g_autofree char *named = field_unfolded((struct slice){value.data, (size_t)(colon - value.data)});
    *outer = (struct slice){colon + 1, (size_t)(end - colon - 1)};
    return g_ascii_strcasecmp(named, name) == 0;
}

/* What the sender put outside has not been changed since, and was not added or taken out. */
static bool is_as_sent(const struct fields *inside, const char *name, const struct field *outside)
{
    struct slice sent = SLICE_NONE, value;
    unsigned count = 0;
    for (size_t i = 0; i < inside->count; i++) {
        if (!slice_equal_nocase(inside->list[i].name, "HP-Outer") ||
            !split_hp_outer(inside->list[i].value, name, &value))
            continue;
        sent = value;
        count++;
    }
    if (outside == NULL)
        return count == 0;
    return count == 1 && field_same_value(sent, outside->value);
}

size_t policy_restorable(const struct protected_view *view, const struct field *fields[RESTORABLE_COUNT])
{
    size_t count = 0;
    if (!view->restores || view->protection == HEADER_PROTECTION_NONE)
        return 0;
    for (const char *const *name = restorable; *name != NULL; name++) {
        unsigned inner_count, outer_count;
        const struct field *inside = only(view->inside, *name, &inner_count);
        const struct field *outside = only(view->outside, *name, &outer_count);
        if (inside == NULL || outer_count > 1 || !is_fit(inside))
            continue;
        if (view->protection == HEADER_PROTECTION_CIPHER && !is_as_sent(view->inside, *name, outside))
            continue;
        if (outside == NULL || !field_same_value(inside->value, outside->value))
            fields[count++] = inside;
    }
    return count;
}

/* The sender put the other form outside, and it says the same to a program. */
static bool is_abridged(const struct fields *inside, const char *name, const struct field *protected,
                        const struct field *outside)
{
    if (!is_as_sent(inside, name, outside))
        return false;
    return strcmp(name, "Date") == 0 ? bare_same_date(protected->value, outside->value)
                                     : bare_same_addresses(protected->value, outside->value);
}

size_t policy_differences(const struct protected_view *view, struct protected_difference list[DIFFERENCE_COUNT])
{
    static const char *const names[DIFFERENCE_COUNT] = {"From", "To", "Date"};
    size_t count = 0;
    if (view->protection == HEADER_PROTECTION_NONE)
        return 0;
    for (size_t i = 0; i < DIFFERENCE_COUNT; i++) {
        unsigned inner_count, outer_count;
        const struct field *inside = only(view->inside, names[i], &inner_count);
        const struct field *outside = only(view->outside, names[i], &outer_count);
        bool is_same =
            inside != NULL && outside != NULL &&
            (field_same_value(inside->value, outside->value) ||
             (view->protection == HEADER_PROTECTION_CIPHER && is_abridged(view->inside, names[i], inside, outside)));
        if (inner_count > 0 && !is_same)
            list[count++] = (struct protected_difference){names[i], inside, outside};
    }
    return count;
}
