/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists: addresses and patterns under a name, in domsec.conf or in a file of their own. A list is read once, however
 * often it is named. One that a rule needs and that is missing is a fault at the start, because nothing is known of it;
 * at a reload the old one stays. A file without members is as good as missing: a program may be writing it just now.
 */
#include "partners.h"

#include "base/bytes.h"
#include "base/file.h"
#include "conf/address_set.h"

#include <libconfig.h>
#include <string.h>

struct list {
    char **members; /* without names of other lists */
    bool is_open;   /* being read: another list that names it leads in a circle */
};

struct lists {
    GHashTable *by_name;           /* "list:board", "file:/etc/domsec/lists/board" → struct list */
    GHashTable *holders;           /* key of an address → GPtrArray of names, NULL-terminated */
    const config_setting_t *group; /* while the configuration is read */
    const struct lists *previous;  /* the same */
};

static void list_free(gpointer data)
{
    struct list *list = data;
    g_strfreev(list->members);
    g_free(list);
}

/* The members of other lists take the place of their names. */
static void add_member(struct lists *lists, GPtrArray *members, const char *member, const struct place *place)
{
    char *const *others = lists_is_name(member) ? lists_members(lists, member, place) : NULL;
    if (!lists_is_name(member))
        g_ptr_array_add(members, g_strdup(member));
    for (; others != NULL && *others != NULL; others++)
        g_ptr_array_add(members, g_strdup(*others));
}

static char **finish(GPtrArray *members)
{
    g_ptr_array_add(members, NULL);
    return (char **)g_ptr_array_free(members, FALSE);
}

/* --- a list in domsec.conf --- */

static char **read_group_member(struct lists *lists, const char *name, const struct place *place, struct error *error)
{
    const config_setting_t *setting = NULL;
    for (int i = 0; lists->group != NULL && i < config_setting_length(lists->group) && setting == NULL; i++) {
        const config_setting_t *each = config_setting_get_elem(lists->group, (unsigned)i);
        if (g_strcmp0(config_setting_name(each), name) == 0)
            setting = each;
    }
    if (setting == NULL) {
        error_set(error, ERROR_CONFIGURATION, "the group \"lists\" in domsec.conf has no \"%s\"", name);
        return NULL;
    }
    g_autofree char *file = NULL;
    struct place at = option_place(place, setting, &file);
    at.key = name;
    g_auto(GStrv) texts = option_read_texts(setting, convert_address_member, &at);
    GPtrArray *members = g_ptr_array_new();
    for (char **text = texts; text != NULL && *text != NULL; text++)
        add_member(lists, members, *text, &at);
    return finish(members);
}

/* --- a list in a file --- */

/* Returns false if the line is empty or a comment. */
static bool read_line(struct lists *lists, GPtrArray *members, char *line, const struct place *place)
{
    g_strstrip(line);
    if (line[0] == '\0' || line[0] == '#')
        return false;
    g_autofree char *member = convert_address_member(line, place);
    if (member != NULL)
        add_member(lists, members, member, place);
    return true;
}

/* NULL: it cannot be read, or has no line with a member. */
static char **read_file(struct lists *lists, const char *path, const struct place *place, struct error *error)
{
    size_t length = 0;
    g_autofree char *text = file_read(path, &length, error);
    if (text == NULL)
        return NULL;
    if (place->files != NULL)
        g_ptr_array_add(place->files, g_strdup(path));
    struct place at = *place;
    at.file = path;
    at.line = 0;
    at.key = "list";
    GPtrArray *members = g_ptr_array_new();
    bool has_lines = false;
    if (strlen(text) != length)
        place_fault(&at, "contains a NUL byte; it must be plain text in UTF-8");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        at.line++;
        has_lines |= read_line(lists, members, *line, &at);
    }
    if (has_lines)
        return finish(members);
    g_ptr_array_unref(members);
    error_set(error, ERROR_CONFIGURATION, "the file has no members");
    return NULL;
}

/* --- both --- */

char **lists_expand(struct lists *lists, char *const *members, const struct place *place)
{
    GPtrArray *all = g_ptr_array_new();
    for (; *members != NULL; members++)
        add_member(lists, all, *members, place);
    return finish(all);
}

struct address_set *lists_settle(struct lists *lists, char ***members, const struct place *place)
{
    struct address_set *set = address_set_new();
    char **all = lists_expand(lists, *members, place);
    g_strfreev(*members);
    *members = all;
    for (; *all != NULL; all++)
        address_set_add(set, *all);
    return set;
}

/* What was in force before; NULL: there was no such list. */
static char **read_previous(const struct lists *lists, const char *name, const struct place *place,
                            const struct error *error)
{
    const struct list *old = lists->previous != NULL ? g_hash_table_lookup(lists->previous->by_name, name) : NULL;
    if (old == NULL || old->members == NULL)
        return NULL;
    place_warn(place, "the list \"%s\" is missing: %s; the old one stays in force", name, error->text);
    return g_strdupv(old->members);
}

char *const *lists_members(struct lists *lists, const char *name, const struct place *place)
{
    struct list *list = g_hash_table_lookup(lists->by_name, name);
    bool is_file = text_begins_with(name, "file:");
    if (list != NULL && list->is_open)
        place_fault(place, "the list \"%s\" contains itself", name);
    if (list != NULL)
        return list->members;
    list = g_new0(struct list, 1);
    list->is_open = true;
    g_hash_table_insert(lists->by_name, g_strdup(name), list);
    const char *rest = name + strlen("list:");
    struct error error = {0};
    char **members = is_file ? read_file(lists, rest, place, &error) : read_group_member(lists, rest, place, &error);
    if (members == NULL)
        members = read_previous(lists, name, place, &error);
    if (members == NULL)
        place_fault(place, "the list \"%s\" is missing: %s", name, error.text);
    list->members = members;
    list->is_open = false;
    return members;
}

struct lists *lists_read(const config_setting_t *root, const struct lists *previous, const struct place *place)
{
    struct lists *lists = g_new0(struct lists, 1);
    lists->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, list_free);
    lists->previous = previous;
    lists->group = config_setting_get_member(root, "lists");
    if (lists->group == NULL)
        return lists;
    struct place at = *place;
    at.line = option_line(root, "lists");
    if (!config_setting_is_group(lists->group)) {
        place_fault(&at, "\"lists\" must be a group: { board = ( \"ceo@acme.test\" ); }");
        lists->group = NULL;
    }
    for (int i = 0; lists->group != NULL && i < config_setting_length(lists->group); i++) {
        g_autofree char *name =
            g_strconcat("list:", config_setting_name(config_setting_get_elem(lists->group, (unsigned)i)), NULL);
        (void)lists_members(lists, name, &at);
    }
    return lists;
}

static void add_holder(struct lists *lists, const char *key, const char *name)
{
    GPtrArray *names = g_hash_table_lookup(lists->holders, key);
    if (names == NULL) {
        names = g_ptr_array_new();
        g_ptr_array_add(names, NULL);
        g_hash_table_insert(lists->holders, (gpointer)key, names);
    }
    if (g_ptr_array_find(names, name, NULL))
        return;
    g_ptr_array_insert(names, (int)names->len - 1, (gpointer)name);
}

void lists_index(struct lists *lists)
{
    GHashTableIter iter;
    gpointer name, value;
    lists->group = NULL;
    lists->previous = NULL;
    lists->holders = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_hash_table_iter_init(&iter, lists->by_name);
    while (g_hash_table_iter_next(&iter, &name, &value))
        for (char **member = ((struct list *)value)->members; member != NULL && *member != NULL; member++)
            add_holder(lists, *member + (address_pattern_is_wide(*member) ? 1 : 0), name);
}

const char *const *conf_lists_holding(const struct conf *conf, const char *key)
{
    if (conf->lists == NULL || conf->lists->holders == NULL)
        return NULL;
    const GPtrArray *names = g_hash_table_lookup(conf->lists->holders, key);
    return names != NULL ? (const char *const *)names->pdata : NULL;
}

void lists_free(struct lists *lists)
{
    if (lists == NULL)
        return;
    if (lists->holders != NULL)
        g_hash_table_unref(lists->holders);
    g_hash_table_unref(lists->by_name);
    g_free(lists);
}
