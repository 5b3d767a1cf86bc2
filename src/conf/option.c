/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option: fills a struct from a libconfig group by a table of rows. It continues after a fault, so that one run shows
 * all faults. It knows types and ranges, but no keys, which are in schema*.c.
 */
#include "option.h"

#include "base/moment.h"

#include <libconfig.h>
#include <string.h>

struct place option_place(const struct place *place, const struct config_setting_t *setting, char **file)
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

static bool may_be_group(const config_setting_t *setting, const struct conf_option *option)
{
    return option->group != NULL && config_setting_is_group(setting);
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
            if (may_be_group(element, option))
                continue;
            if (read_string(element, option, &value, &at))
                g_ptr_array_add(list, value);
            else
                good = false;
        }
    } else if (!may_be_group(setting, option)) {
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

static bool read_switch(const config_setting_t *setting, bool *value, const struct place *place)
{
    if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
        wrong_type(place, setting, "true or false");
        return false;
    }
    *value = config_setting_get_bool(setting) != 0;
    return true;
}

static bool read_time(const config_setting_t *setting, time_t *value, const struct place *place)
{
    const char *text = string_of(setting);
    if (text == NULL) {
        wrong_type(place, setting, "a date in quotes");
        return false;
    }
    if (moment_parse(text, value) && *value > 0)
        return true;
    place_fault(place,
                "\"%s\": \"%s\" is neither a date such as \"2028-01-01\" nor a time with its zone such as "
                "\"2028-01-01T08:00:00Z\"",
                place->key, text);
    return false;
}

static bool read_value(const config_setting_t *setting, const struct conf_option *option, void *base,
                       const struct place *place)
{
    void *target = (char *)base + option->offset;
    long long number = 0;
    bool is_on = false;
    switch (option->type) {
    case OPTION_TEXT:
        return read_string(setting, option, target, place);
    case OPTION_TEXTS:
        return read_strings(setting, option, target, place);
    case OPTION_WORD:
        return read_word(setting, option, target, place);
    case OPTION_SWITCH:
        return read_switch(setting, target, place);
    case OPTION_STATED:
        if (!read_switch(setting, &is_on, place))
            return false;
        *(enum stated *)target = is_on ? STATED_TRUE : STATED_FALSE;
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
    case OPTION_TIME:
        return read_time(setting, target, place);
    case OPTION_GROUP:
        if (!config_setting_is_group(setting)) {
            wrong_type(place, setting, "a group");
            return false;
        }
        option_apply_group(setting, option->group, target, place);
        return true;
    case OPTION_GROUPS:
    case OPTION_NAMED:
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

/* Finds the row of a key, and the struct that it fills. */
static const struct conf_option *find_target(const struct option_table *table, const char *key, void **base)
{
    const struct conf_option *option = find_row(table, key);
    if (option != NULL || table->also == NULL)
        return option;
    *base = (char *)*base + table->also_offset;
    return find_row(table->also, key);
}

static void unknown_key(const struct option_table *table, const struct place *place)
{
    g_autofree char *nearest = option_suggest(table, place->key);
    const char *home = place->home(table, place->key);
    if (home != NULL)
        place_fault(place, "unknown key \"%s\" here: it belongs in %s", place->key, home);
    else if (nearest != NULL)
        place_fault(place, "unknown key \"%s\", did you mean \"%s\"?", place->key, nearest);
    else
        place_fault(place, "unknown key \"%s\"", place->key);
}

static void note_origin(const struct conf_option *option, const void *base, const struct place *place)
{
    if (place->origins == NULL || option->type == OPTION_GROUP)
        return;
    struct value_origin *origin = g_new(struct value_origin, 1);
    *origin = (struct value_origin){g_intern_string(place->file), place->line};
    g_hash_table_replace(place->origins, (char *)base + option->offset, origin);
}

static void read_key(const struct config_setting_t *setting, const struct conf_option *option, void *base,
                     const struct place *place)
{
    const struct option_table row = {.options = option, .count = 1};
    if (option->type != OPTION_GROUP)
        option_clear(&row, base);
    if (!read_value(setting, option, base, place))
        option_set_defaults(&row, base);
    note_origin(option, base, place);
}

void option_apply_group(const struct config_setting_t *group, const struct option_table *table, void *base,
                        const struct place *place)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        g_autofree char *file = NULL;
        struct place at = option_place(place, setting, &file);
        at.key = name_of(setting);
        void *target = base;
        const struct conf_option *option = find_target(table, at.key, &target);
        if (option != NULL)
            read_key(setting, option, target, &at);
        else
            unknown_key(table, &at);
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_option *option = &table->options[i];
        if (option->required && config_setting_get_member(group, option->key) == NULL)
            place_fault(place, "missing key \"%s\": %s", option->key, option->help);
    }
}

void option_read_group(const struct config_setting_t *group, const struct option_table *table, void *base,
                       const struct place *place)
{
    option_set_defaults(table, base);
    option_apply_group(group, table, base, place);
}

char **option_read_texts(const struct config_setting_t *setting, option_convert *convert, const struct place *place)
{
    const struct conf_option option = {.type = OPTION_TEXTS, .convert = convert};
    char **texts = NULL;
    if (read_strings(setting, &option, &texts, place))
        return texts;
    g_strfreev(texts);
    return NULL;
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
