/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tags: only the head of a Subject is read, whatever its length. A tag that is written as plain text is cut out of the
 * bytes; one in an encoded word is cut out of the decoded text, which is encoded again.
 */
#include "mail/tags.h"

#include "base/fold.h"
#include "mail/message.h"
#include "subject_text.h"

#include <string.h>

#define ENCODED "=?"

/* What mail programs put before the Subject of a reply or of a message that is forwarded. */
static const char *const replies[] = {"re", "fwd", "fw", "aw", "wg", "antw", "sv", "vs", "rv", "tr"};

/* The text from a place on, as tags are compared with it. */
struct head {
    char folded[TAG_MAX + 8];
    size_t end[TAG_MAX + 8]; /* for each byte of folded: how many bytes of the text lead up to behind it */
    size_t length;
};

static bool is_blank(gunichar c)
{
    return g_unichar_isspace(c);
}

static size_t skip_blanks(const char *text)
{
    const char *c = text;
    for (gunichar character; *c != '\0'; c = g_utf8_next_char(c)) {
        character = g_utf8_get_char_validated(c, -1);
        if (character >= (gunichar)-2 || !is_blank(character))
            break;
    }
    return (size_t)(c - text);
}

/* Ends before an encoded word, and before octets that are no text. */
static void head_read(const char *text, struct head *head)
{
    const char *c = text;
    head->length = 0;
    while (*c != '\0' && !text_begins_with(c, ENCODED) && head->length < TAG_MAX) {
        char utf8[6];
        gunichar character = g_utf8_get_char_validated(c, -1);
        if (character >= (gunichar)-2)
            break;
        size_t blanks = skip_blanks(c), length = 1;
        if (blanks == 0)
            length = (size_t)g_unichar_to_utf8(fold_character(character), utf8);
        else
            utf8[0] = ' ';
        c = blanks > 0 ? c + blanks : g_utf8_next_char(c);
        for (size_t i = 0; i < length; i++) {
            head->folded[head->length] = utf8[i];
            head->end[head->length++] = (size_t)(c - text);
        }
    }
    head->folded[head->length] = '\0';
}

/* "Re:", "Re[2]:", "AW (3) :" */
static size_t reply_length(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
        size_t length = strlen(replies[i]);
        if (g_ascii_strncasecmp(text, replies[i], length) != 0)
            continue;
        const char *c = text + length;
        if (*c == '[' || *c == '(') {
            char close = *c == '[' ? ']' : ')';
            size_t digits = strspn(c + 1, "0123456789");
            if (digits == 0 || c[1 + digits] != close)
                continue;
            c += digits + 2;
        }
        if (*c == ':')
            return (size_t)(c + 1 - text);
    }
    return 0;
}

/* A word must end where the tag does: "encryption" is not the tag "encrypt". */
static bool ends_there(const char *tag, const char *rest)
{
    gunichar last = g_utf8_get_char(g_utf8_find_prev_char(tag, tag + strlen(tag))),
             next = g_utf8_get_char_validated(rest, -1);
    return !g_unichar_isalnum(last) || next == 0 || (next < (gunichar)-2 && !g_unichar_isalnum(next));
}

/* How many bytes of text a tag takes; 0: no tag is there. */
static size_t tag_length(const struct conf *conf, const char *text, const char **tag)
{
    struct head head;
    head_read(text, &head);
    *tag = NULL;
    for (size_t below = SIZE_MAX; (*tag = conf_longest_tag(conf, head.folded, below)) != NULL; below = strlen(*tag)) {
        size_t length = head.end[strlen(*tag) - 1];
        if (ends_there(*tag, text + length))
            return length;
    }
    return 0;
}

/* What came of a text. */
struct reading {
    GPtrArray *found; /* the tags, each once */
    GHashTable *seen; /* the same */
    unsigned count;   /* of the places with a tag */
    GString *rest;
};

static void reading_clear(struct reading *reading)
{
    g_ptr_array_unref(reading->found);
    g_hash_table_unref(reading->seen);
    g_string_free(reading->rest, TRUE);
}

/* The length of a Subject must not become work for each recipient, so a tag that is there again adds nothing. */
static void add_tag(struct reading *reading, const char *tag)
{
    reading->count++;
    if (g_hash_table_add(reading->seen, (gpointer)tag))
        g_ptr_array_add(reading->found, (gpointer)tag);
}

/* Appends what is left of the text to rest. Returns false if it begins with an encoded word where a tag may be. */
static bool read_head(const struct conf *conf, const char *text, struct reading *reading)
{
    GString *rest = reading->rest;
    for (;;) {
        const char *tag = NULL;
        size_t blanks = skip_blanks(text), length = reply_length(text + blanks);
        if (length > 0) {
            g_string_append_len(rest, text, (gssize)(blanks + length));
            text += blanks + length;
            continue;
        }
        length = tag_length(conf, text + blanks, &tag);
        if (length == 0) {
            bool is_encoded = text_begins_with(text + blanks, ENCODED);
            g_string_append(rest, text);
            return !is_encoded;
        }
        add_tag(reading, tag);
        text += blanks + length;
        text += skip_blanks(text);
        g_string_append_c(rest, ' ');
        while (rest->len > 1 && rest->str[rest->len - 2] == ' ')
            g_string_truncate(rest, rest->len - 1);
    }
}

static struct reading reading_new(size_t length)
{
    return (struct reading){
        .found = g_ptr_array_new(), .seen = g_hash_table_new(NULL, NULL), .rest = g_string_sized_new(length + 1)};
}

void subject_tags_read(const struct conf *conf, struct slice value, struct subject_tags *tags)
{
    struct reading plain = reading_new(value.len), decoded = reading_new(0), *reading = &plain;
    g_autofree char *raw = g_strndup(value.data, value.len); /* up to a NUL, which no tag has */
    *tags = (struct subject_tags){0};
    if (strlen(raw) == value.len && !read_head(conf, raw, &plain)) {
        g_autofree char *shown = subject_shown(raw);
        (void)read_head(conf, shown, &decoded);
        reading = &decoded;
        if (decoded.count > plain.count)
            tags->rest = subject_written(decoded.rest->str);
    }
    if (reading->count > 0 && tags->rest == NULL)
        tags->rest = g_strdup(plain.rest->len > 0 ? plain.rest->str : " ");
    g_ptr_array_add(reading->found, NULL);
    tags->found = (char **)g_memdup2(reading->found->pdata, reading->found->len * sizeof(gpointer));
    reading_clear(&plain);
    reading_clear(&decoded);
}

void subject_tags_clear(struct subject_tags *tags)
{
    g_free(tags->found);
    g_free(tags->rest);
    *tags = (struct subject_tags){0};
}

void field_texts(struct slice value, char **plain, char **decoded)
{
    g_autofree char *raw = g_strndup(value.data, value.len);
    *plain = *decoded = NULL;
    if (strlen(raw) < value.len)
        return;
    *plain = fold_text(value);
    g_autofree char *shown = strstr(raw, ENCODED) != NULL ? subject_shown(raw) : g_strdup(raw);
    *decoded = fold_text(slice_of(shown));
}
