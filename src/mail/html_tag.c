/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_tag: without regular expressions, since GLib crashes where there is no memory to compile one.
 */
#include "html_tag.h"

#include <glib.h>
#include <string.h>

static bool is_space(char c)
{
    return g_ascii_isspace(c) || c == '\v';
}

static bool is_of_word(char c)
{
    return g_ascii_isalnum(c) || c == '_';
}

static const char *behind_spaces(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

static bool begins_with(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && g_ascii_strncasecmp(at, word, length) == 0;
}

bool html_next_tag(const char **at, const char *end, const char *name, struct html_tag *tag)
{
    for (const char *begin = *at; begin < end && (begin = memchr(begin, '<', (size_t)(end - begin))) != NULL; begin++) {
        bool is_end = begin + 1 < end && begin[1] == '/';
        const char *named = begin + 1 + is_end, *behind = named + strlen(name);
        if (!begins_with(named, end, name) || behind == end || is_of_word(*behind))
            continue;
        const char *close = memchr(behind, '>', (size_t)(end - behind));
        if (close == NULL)
            return false;
        *tag = (struct html_tag){
            .whole = {begin, (size_t)(close + 1 - begin)},
            .attributes = {behind, (size_t)(close - behind)},
            .is_end = is_end,
        };
        *at = close + 1;
        return true;
    }
    return false;
}

/* The next attribute from *at on; value is empty where it has none. *at then stands behind it. */
static bool next_attribute(const char **at, const char *end, struct slice *name, struct slice *value)
{
    const char *c = *at;
    while (c < end && (is_space(*c) || *c == '/'))
        c++;
    const char *begin = c;
    while (c < end && !is_space(*c) && *c != '/' && (*c != '=' || c == begin))
        c++;
    *name = (struct slice){begin, (size_t)(c - begin)};
    *value = (struct slice){c, 0};
    const char *sign = behind_spaces(c, end);
    if (name->len > 0 && sign < end && *sign == '=') {
        c = behind_spaces(sign + 1, end);
        char quote = c < end && (*c == '"' || *c == '\'') ? *c++ : '\0';
        value->data = c;
        while (c < end && (quote != '\0' ? *c != quote : !is_space(*c)))
            c++;
        value->len = (size_t)(c - value->data);
        c += c < end;
    }
    *at = c;
    return name->len > 0;
}

static bool has_word(struct slice value, const char *word)
{
    const char *at = value.data, *end = value.data + value.len;
    while ((at = behind_spaces(at, end)) < end) {
        const char *begin = at;
        while (at < end && !is_space(*at))
            at++;
        if (slice_equal_nocase((struct slice){begin, (size_t)(at - begin)}, word))
            return true;
    }
    return false;
}

bool html_tag_has_class(const struct html_tag *tag, const char *name)
{
    const char *at = tag->attributes.data, *end = at + tag->attributes.len;
    for (struct slice attribute, value; next_attribute(&at, end, &attribute, &value);)
        if (slice_equal_nocase(attribute, "class"))
            return has_word(value, name);
    return false;
}
