/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_values: defaults, copies and texts of the values that a table of rows describes.
 */
#include "option.h"

#include "base/moment.h"

#include <string.h>

static int word_index(const struct conf_option *option)
{
    for (int i = 0; option->fallback != NULL && option->words[i] != NULL; i++)
        if (strcmp(option->words[i], option->fallback) == 0)
            return i;
    return 0;
}

/* A new list. */
static char **texts_of(const char *fallback)
{
    return fallback != NULL ? g_strsplit(fallback, " ", -1) : g_new0(char *, 1);
}

static void set_default(const struct conf_option *option, void *base)
{
    char *target = (char *)base + option->offset;
    const char *fallback = option->fallback;
    switch (option->type) {
    case OPTION_TEXT:
        g_free(*(char **)target);
        *(char **)target = g_strdup(fallback);
        break;
    case OPTION_TEXTS:
        g_strfreev(*(char ***)target);
        *(char ***)target = texts_of(fallback);
        break;
    case OPTION_WORD:
        *(int *)target = word_index(option);
        break;
    case OPTION_SWITCH:
        *(bool *)target = strcmp(fallback, "true") == 0;
        break;
    case OPTION_STATED:
        *(enum stated *)target = STATED_NOTHING;
        break;
    case OPTION_SIZE:
        *(size_t *)target = (size_t)g_ascii_strtoull(fallback, NULL, 10);
        break;
    case OPTION_COUNT:
        *(unsigned *)target = (unsigned)g_ascii_strtoull(fallback, NULL, 10);
        break;
    case OPTION_TIME:
        *(time_t *)target = 0;
        break;
    case OPTION_GROUP:
        option_set_defaults(option->group, target);
        break;
    case OPTION_GROUPS:
    case OPTION_NAMED:
        break;
    }
}

void option_set_defaults(const struct option_table *table, void *base)
{
    for (size_t i = 0; i < table->count; i++)
        set_default(&table->options[i], base);
}

void option_clear(const struct option_table *table, void *base)
{
    for (size_t i = 0; i < table->count; i++) {
        void *target = (char *)base + table->options[i].offset;
        if (table->options[i].type == OPTION_TEXT)
            g_clear_pointer((char **)target, g_free);
        else if (table->options[i].type == OPTION_TEXTS)
            g_clear_pointer((char ***)target, g_strfreev);
        else if (table->options[i].type == OPTION_GROUP)
            option_clear(table->options[i].group, target);
    }
}

static void copy_value(const struct conf_option *option, const char *from, char *to)
{
    switch (option->type) {
    case OPTION_TEXT:
        *(char **)to = g_strdup(*(char *const *)from);
        break;
    case OPTION_TEXTS:
        *(char ***)to = g_strdupv(*(char **const *)from);
        break;
    case OPTION_WORD:
        *(int *)to = *(const int *)from;
        break;
    case OPTION_SWITCH:
        *(bool *)to = *(const bool *)from;
        break;
    case OPTION_STATED:
        *(enum stated *)to = *(const enum stated *)from;
        break;
    case OPTION_SIZE:
        *(size_t *)to = *(const size_t *)from;
        break;
    case OPTION_COUNT:
        *(unsigned *)to = *(const unsigned *)from;
        break;
    case OPTION_TIME:
        *(time_t *)to = *(const time_t *)from;
        break;
    case OPTION_GROUP:
        option_copy(option->group, from, to);
        break;
    case OPTION_GROUPS:
    case OPTION_NAMED:
        break;
    }
}

void option_copy(const struct option_table *table, const void *from, void *to)
{
    for (size_t i = 0; i < table->count; i++)
        copy_value(&table->options[i], (const char *)from + table->options[i].offset,
                   (char *)to + table->options[i].offset);
}

static char *texts_text(char *const *texts)
{
    GString *text = g_string_new("(");
    for (; texts != NULL && *texts != NULL; texts++)
        g_string_append_printf(text, "%s\"%s\"", text->len > 1 ? ", " : " ", *texts);
    g_string_append(text, text->len > 1 ? " )" : ")");
    return g_string_free(text, FALSE);
}

static const char *stated_text(enum stated stated)
{
    return stated == STATED_NOTHING ? "none" : stated == STATED_TRUE ? "true" : "false";
}

char *option_value_text(const struct conf_option *option, const void *base)
{
    const char *value = (const char *)base + option->offset;
    const char *text = NULL;
    switch (option->type) {
    case OPTION_TEXT:
        text = *(char *const *)value;
        return text != NULL ? g_strdup_printf("\"%s\"", text) : g_strdup("none");
    case OPTION_TEXTS:
        return texts_text(*(char **const *)value);
    case OPTION_WORD:
        return g_strdup_printf("\"%s\"", option->words[*(const int *)value]);
    case OPTION_SWITCH:
        return g_strdup(*(const bool *)value ? "true" : "false");
    case OPTION_STATED:
        return g_strdup(stated_text(*(const enum stated *)value));
    case OPTION_SIZE:
        return g_strdup_printf("%zu", *(const size_t *)value);
    case OPTION_COUNT:
        return g_strdup_printf("%u", *(const unsigned *)value);
    case OPTION_TIME:
        return *(const time_t *)value != 0 ? moment_text(*(const time_t *)value) : g_strdup("none");
    case OPTION_GROUP:
    case OPTION_GROUPS:
    case OPTION_NAMED:
        break;
    }
    return g_strdup("");
}

char *option_default_text(const struct conf_option *option)
{
    if (option->computed != NULL)
        return g_strdup(option->computed);
    if (option->required)
        return g_strdup("required");
    if (option->fallback == NULL)
        return g_strdup("none");
    if (option->type == OPTION_TEXTS) {
        g_auto(GStrv) texts = texts_of(option->fallback);
        return texts_text(texts);
    }
    if (option->type == OPTION_TEXT || option->type == OPTION_WORD)
        return g_strdup_printf("\"%s\"", option->fallback);
    return g_strdup(option->fallback);
}
