/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shown_names: finds the addresses that a reader sees in a display name or comment. Most programs show the name and not
 * the mailbox, so a name that is another address makes the reader take another for the author. What counts is what the
 * reader sees, with any letter that looks like "@" or a dot; it need not be an address by any grammar.
 */
#include "shown_names.h"

#include "base/domain.h"
#include "squash.h"
#include "words.h"

#include <glib.h>
#include <string.h>

#define DECODINGS 3 /* programs that decode what they have decoded */
#define DELIMITERS " \t\r\n@<>,;:()[]\""
#define TRIMMED "'`."

/* The text as a reader sees it, with one kind of "@" and one of dot. */
static char *seen(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autoptr(GString) marked = g_string_new(NULL);
    for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar letter = g_utf8_get_char(c);
        bool is_at = letter == 0x24d0 || letter == 0x24b6; /* a circled "a" */
        g_string_append_unichar(marked, is_at ? '@' : letter);
    }
    g_autofree char *plain = plain_forms(marked->str);
    g_autoptr(GString) dotted = g_string_new(plain);
    g_string_replace(dotted, "\u3002", ".", 0);
    return g_ascii_strdown(dotted->str, -1);
}

/* Up to the blank or mark before at; blanks right before it count for nothing. */
static char *word_before(const char *text, const char *at)
{
    while (at > text && strchr(" \t", at[-1]) != NULL)
        at--;
    const char *begin = at;
    while (begin > text && strchr(DELIMITERS, begin[-1]) == NULL)
        begin--;
    begin += MIN(strspn(begin, TRIMMED), (size_t)(at - begin));
    return g_strndup(begin, (gsize)(at - begin));
}

static char *word_behind(const char *at)
{
    at += strspn(at, " \t");
    size_t length = strcspn(at, DELIMITERS);
    while (length > 0 && strchr(TRIMMED, at[length - 1]) != NULL)
        length--;
    return g_strndup(at, length);
}

static bool is_own(const char *local, const char *domain, GHashTable *own)
{
    g_autofree char *normal = domain_normalise(domain);
    g_autofree char *address = g_strconcat(local, "@", normal != NULL ? normal : domain, NULL);
    return g_hash_table_contains(own, address);
}

/* "Team @ Acme" is no address to anyone. The dot may stand before the "@" where the text is shown from right to left.
 */
static bool holds_another(const char *decoded, GHashTable *own)
{
    g_autofree char *text = seen(decoded);
    for (const char *at = strchr(text, '@'); at != NULL; at = strchr(at + 1, '@')) {
        g_autofree char *local = word_before(text, at);
        g_autofree char *domain = word_behind(at + 1);
        bool is_address = strchr(domain, '.') != NULL || (domain[0] != '\0' && strchr(local, '.') != NULL);
        if (is_address && !is_own(local, domain, own))
            return true;
    }
    return false;
}

static bool holds_another_decoded(const char *text, GHashTable *own)
{
    g_autofree char *current = g_strdup(text);
    for (unsigned i = 0; i < DECODINGS; i++) {
        if (holds_another(current, own))
            return true;
        g_autofree char *decoded = words_decode(current);
        if (strcmp(decoded, current) == 0)
            return false;
        g_free(current);
        current = g_steal_pointer(&decoded);
    }
    return true;
}

static GHashTable *texts_of(const struct addresses *own)
{
    GHashTable *texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < own->count; i++)
        g_hash_table_add(texts, g_ascii_strdown(own->list[i].text, -1));
    return texts;
}

bool shows_another_address(const char *raw, const struct addresses *own)
{
    g_autoptr(GString) text = g_string_new(raw);
    g_autoptr(GHashTable) texts = texts_of(own);
    g_string_replace(text, "\"", "", 0); /* the quotes of a quoted string are not shown */
    if (holds_another_decoded(text->str, texts))
        return true;
    if (!words_begin(text->str))
        return false;
    owned(words_reading) struct words_reading *other = words_read(text->str);
    return holds_another(other->each->str, texts);
}
