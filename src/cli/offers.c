/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers: a list of certificates, each with a note.
 */
#include "offers.h"

#include <string.h>

struct offers {
    GArray *list; /* struct offer */
};

static void offer_clear(void *data)
{
    struct offer *offer = data;
    X509_free(offer->certificate);
    g_free(offer->note);
}

struct offers *offers_new(void)
{
    struct offers *offers = g_new0(struct offers, 1);
    offers->list = g_array_new(FALSE, FALSE, sizeof(struct offer));
    g_array_set_clear_func(offers->list, offer_clear);
    return offers;
}

void offers_free(struct offers *offers)
{
    if (offers == NULL)
        return;
    g_array_unref(offers->list);
    g_free(offers);
}

size_t offers_count(const struct offers *offers)
{
    return offers->list->len;
}

const struct offer *offers_at(const struct offers *offers, size_t index)
{
    return &g_array_index(offers->list, struct offer, index);
}

static void __attribute__((format(printf, 3, 0)))
add(struct offers *offers, X509 *certificate, const char *format, va_list arguments)
{
    struct offer offer = {.certificate = certificate};
    g_autofree char *raw = format != NULL ? g_strdup_vprintf(format, arguments) : NULL;
    if (raw != NULL) /* with text from outside */
        offer.note = text_printable_copy(raw, strlen(raw));
    g_array_append_val(offers->list, offer);
}

void offers_add(struct offers *offers, X509 *certificate, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!X509_up_ref(certificate))
        g_error("out of memory");
    add(offers, certificate, format, arguments);
    va_end(arguments);
}

void offers_leave_out(struct offers *offers, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(offers, NULL, format, arguments);
    va_end(arguments);
}
