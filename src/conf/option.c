/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option: fills a struct from a libconfig group by a table of rows. It continues after a fault, so that one run shows
 * all faults. It knows types and ranges, but no keys, which are in schema.c.
 */
#include "option.h"

#include <libconfig.h>
#include <string.h>

/* The place of a setting, which may be in an included file. */
static struct place option_place(const struct place *place, const struct config_setting_t *setting, char **file)
{
    struct place at = *place;
    at.line = (unsigned)config_setting_source_line(setting);
    const char *included = config_setting_source_file(setting); /* NULL in the text that we passed in */
    *file = included == NULL ? NULL : g_canonicalize_filename(included, place->folder);
    if (*file != NULL)
        at.file = *file;
    return at;
}

unsigned option_line(const struct config_setting_t *group, const char *key)
{
    const config_setting_t *setting = config_setting_get_member(group, key);
    bool here = setting != NULL && config_setting_source_file(setting) == NULL;
    return here ? (unsigned)config_setting_source_line(setting) : 0;
}

static const char *type_name(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "an integer";
    case CONFIG_TYPE_FLOAT:
        return "a fraction";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    default:
        return "a list";
    }
}

static void wrong_type(const struct place *place, const config_setting_t *setting, const char *wanted)
{
    place_fault(place, "\"%s\" must be %s, not %s", place->key, wanted, type_name(setting));
}

/* libconfig leaves the name of a member, or a string, NULL if it got no memory for it. */
static const char *name_of(const config_setting_t *member)
{
    const char *name = config_setting_name(member);
    if (name == NULL)
        g_error("out of memory");
    return name;
}

/* NULL if the value is not a string. */
static const char *string_of(const config_setting_t *setting)
{
    const char *text = config_setting_get_string(setting);
    if (text == NULL && config_setting_type(setting) == CONFIG_TYPE_STRING)
        g_error("out of memory");
    return text;
}

static bool read_string(const config_setting_t *setting, const struct conf_option *option, char **value,
                        const struct place *place)
{
    const char *text = string_of(setting);
    if (text == NULL) {
        wrong_type(place, setting, option->type == OPTION_TEXTS ? "a list of strings" : "a string");
        return false;
    }
    if (text[0] == '\0') {
        place_fault(place, "\"%s\" must not be empty", place->key);
        return false;
    }
    if (!g_utf8_validate(text, -1, NULL)) {
        place_fault(place, "\"%s\" is not in UTF-8", place->key);
        return false;
    }
    *value = option->convert == NULL ? g_strdup(text) : option->convert(text, place);
    return *value != NULL;
}

static bool read_strings(const config_setting_t *setting, const struct conf_option *option, char ***values,
                         const struct place *place)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    bool good = true;
    if (config_setting_is_list(setting) || config_setting_is_array(setting)) {
        for (int i = 0; i < config_setting_length(setting); i++) {
            const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
            g_autofree char *file = NULL;
            struct place at = option_place(place, element, &file);
            char *value = NULL;
            if (read_string(element, option, &value, &at))
                g_ptr_array_add(list, value);
            else
                good = false;
        }
    } else {
        char *value = NULL;
        good = read_string(setting, option, &value, place);
        if (good)
            g_ptr_array_add(list, value);
    }
    if (good && option->required && list->len == 0) {
        place_fault(place, "\"%s\" must not be empty", place->key);
        good = false;
    }
    g_ptr_array_add(list, NULL);
    *values = (char **)g_ptr_array_free(steal(&list), FALSE);
    return good;
}

static bool read_word(const config_setting_t *setting, const struct conf_option *option, int *value,
                      const struct place *place)
{
    g_autofree char *words = g_strjoinv("\", \"", (char **)option->words);
    const char *text = string_of(setting);
    if (text == NULL) {
        g_autofree char *wanted = g_strdup_printf("one of \"%s\"", words);
        wrong_type(place, setting, wanted);
        return false;
    }
    for (int i = 0; option->words[i] != NULL; i++) {
        if (strcmp(option->words[i], text) == 0) {
            *value = i;
            return true;
        }
    }
    place_fault(place, "\"%s\" must be one of \"%s\", not \"%s\"", place->key, words, text);
    return false;
}

static bool read_number(const config_setting_t *setting, const struct conf_option *option, long long *value,
                        const struct place *place)
{
    int type = config_setting_type(setting);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
        wrong_type(place, setting, "an integer");
        return false;
    }
    *value = config_setting_get_int64(setting);
    if (*value >= option->minimum && *value <= option->maximum)
        return true;
    place_fault(place, "\"%s\" must be from %lld to %lld, not %lld", place->key, option->minimum, option->maximum,
                *value);
    return false;
}

static bool read_value(const config_setting_t *setting, const struct conf_option *option, void *base,
                       const struct place *place)
{
    void *target = (char *)base + option->offset;
    long long number = 0;
    switch (option->type) {
    case OPTION_TEXT:
        return read_string(setting, option, target, place);
    case OPTION_TEXTS:
        return read_strings(setting, option, target, place);
    case OPTION_WORD:
        return read_word(setting, option, target, place);
    case OPTION_SWITCH:
        if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
            wrong_type(place, setting, "true or false");
            return false;
        }
        *(bool *)target = config_setting_get_bool(setting) != 0;
        return true;
    case OPTION_SIZE:
    case OPTION_COUNT:
        if (!read_number(setting, option, &number, place))
            return false;
        if (option->type == OPTION_SIZE)
            *(size_t *)target = (size_t)number;
        else
            *(unsigned *)target = (unsigned)number;
        return true;
    case OPTION_GROUP:
        if (!config_setting_is_group(setting)) {
            wrong_type(place, setting, "a group");
            return false;
        }
        option_read_group(setting, option->group, base, place);
        return true;
    case OPTION_GROUPS:
        return true;
    }
    return false;
}

static const struct conf_option *find_row(const struct option_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->options[i].key, key) == 0)
            return &table->options[i];
    return NULL;
}

void option_read_group(const struct config_setting_t *group, const struct option_table *table, void *base,
                       const struct place *place)
{
    option_set_defaults(table, base);
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        g_autofree char *file = NULL;
        struct place at = option_place(place, setting, &file);
        at.key = name_of(setting);
        const struct conf_option *option = find_row(table, at.key);
        if (option != NULL) {
            option_clear(&(struct option_table){table->name, option, 1}, base);
            if (!read_value(setting, option, base, &at))
                option_set_defaults(&(struct option_table){table->name, option, 1}, base);
            continue;
        }
        g_autofree char *nearest = option_suggest(table, at.key);
        const char *home = option_home(table, at.key);
        if (home != NULL)
            place_fault(&at, "unknown key \"%s\" here: it belongs in %s", at.key, home);
        else if (nearest != NULL)
            place_fault(&at, "unknown key \"%s\", did you mean \"%s\"?", at.key, nearest);
        else
            place_fault(&at, "unknown key \"%s\"", at.key);
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_option *option = &table->options[i];
        if (option->required && config_setting_get_member(group, option->key) == NULL)
            place_fault(place, "missing key \"%s\": %s", option->key, option->help);
    }
}

static int word_index(const struct conf_option *option)
{
    for (int i = 0; option->fallback != NULL && option->words[i] != NULL; i++)
        if (strcmp(option->words[i], option->fallback) == 0)
            return i;
    return 0;
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
        *(char ***)target = g_new0(char *, 1);
        break;
    case OPTION_WORD:
        *(int *)target = word_index(option);
        break;
    case OPTION_SWITCH:
        *(bool *)target = strcmp(fallback, "true") == 0;
        break;
    case OPTION_SIZE:
        *(size_t *)target = (size_t)g_ascii_strtoull(fallback, NULL, 10);
        break;
    case OPTION_COUNT:
        *(unsigned *)target = (unsigned)g_ascii_strtoull(fallback, NULL, 10);
        break;
    case OPTION_GROUP:
        option_set_defaults(option->group, base);
        break;
    case OPTION_GROUPS:
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
            option_clear(table->options[i].group, base);
    }
}

char *option_default_text(const struct conf_option *option)
{
    if (option->computed != NULL)
        return g_strdup(option->computed);
    if (option->required)
        return g_strdup("required");
    if (option->fallback == NULL)
        return g_strdup("none");
    if (option->type == OPTION_TEXT || option->type == OPTION_WORD)
        return g_strdup_printf("\"%s\"", option->fallback);
    return g_strdup(option->fallback);
}

void *option_read_groups(const struct config_setting_t *parent, const char *key, const struct option_table *table,
                         size_t size, GArray *lines, const struct place *place)
{
    const config_setting_t *list = config_setting_get_member(parent, key);
    if (list == NULL)
        return NULL;
    g_autofree char *list_file = NULL;
    struct place at = option_place(place, list, &list_file);
    if (!config_setting_is_list(list)) {
        place_fault(&at, "\"%s\" must be a list of groups: ( { %s = …; }, … )", key, table->options[0].key);
        return NULL;
    }
    unsigned count = (unsigned)config_setting_length(list);
    char *groups = g_malloc0_n(count + 1, size);
    for (unsigned i = 0; i < count; i++) {
        const config_setting_t *element = config_setting_get_elem(list, i);
        g_autofree char *file = NULL;
        at = option_place(place, element, &file);
        g_array_append_val(lines, at.line);
        if (config_setting_is_group(element))
            option_read_group(element, table, groups + i * size, &at);
        else
            place_fault(&at, "each element of \"%s\" must be a group: { %s = …; … }", key, table->options[0].key);
    }
    return groups;
}
