/* SPDX-License-Identifier: Apache-2.0 */
/* schema: see schema.h. */
#include "support/schema.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static json_t *load(void)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *file = g_build_filename(tests != NULL ? tests : "tests", "../etc/report.schema.json", NULL);
    json_error_t error;
    json_t *schema = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(schema, "%s:%d: %s", file, error.line, error.text);
    return schema;
}

/* "/properties/verdict" in a schema. */
static const json_t *at_pointer(const json_t *root, const char *pointer)
{
    g_auto(GStrv) steps = g_strsplit(pointer, "/", -1);
    for (char **step = steps + 1; *step != NULL; step++)
        root = json_object_get(root, *step);
    cr_assert_not_null(root, "the schema has no %s", pointer);
    return root;
}

static bool has_type(const json_t *value, const char *type)
{
    static const struct {
        const char *name;
        json_type type;
    } types[] = {{"object", JSON_OBJECT}, {"array", JSON_ARRAY},   {"string", JSON_STRING}, {"integer", JSON_INTEGER},
                 {"boolean", JSON_TRUE},  {"boolean", JSON_FALSE}, {"null", JSON_NULL}};
    bool known = false;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        known = known || strcmp(types[i].name, type) == 0;
        if (strcmp(types[i].name, type) == 0 && json_typeof(value) == types[i].type)
            return true;
    }
    cr_assert(known, "the schema has an unknown type: %s", type);
    return false;
}

static bool has_a_type(const json_t *value, const json_t *types)
{
    size_t i;
    const json_t *type;
    if (json_is_string(types))
        return has_type(value, json_string_value(types));
    json_array_foreach(types, i, type) if (has_type(value, json_string_value(type))) return true;
    return false;
}

static bool is_one_of(const json_t *value, const json_t *words)
{
    size_t i;
    const json_t *word;
    json_array_foreach(words, i, word) if (json_equal(value, word)) return true;
    return false;
}

struct check {
    const json_t *root;
    GString *faults;
};

static void fault(const struct check *check, const char *where, const char *what, const char *name)
{
    g_string_append_printf(check->faults, "%s: %s%s\n", *where != '\0' ? where : "/", what, name);
}

static void check_value(const struct check *check, const json_t *schema, const json_t *value, const char *where);

static void check_required(const struct check *check, const json_t *names, const json_t *value, const char *where)
{
    size_t i;
    const json_t *name;
    json_array_foreach(names, i, name) if (json_object_get(value, json_string_value(name)) == NULL)
        fault(check, where, "missing key ", json_string_value(name));
}

static void check_properties(const struct check *check, const json_t *properties, const json_t *value,
                             const char *where)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)value, key, member)
    {
        g_autofree char *below = g_strconcat(where, "/", key, NULL);
        const json_t *schema = json_object_get(properties, key);
        if (schema == NULL)
            fault(check, where, "undocumented key ", key);
        else
            check_value(check, schema, member, below);
    }
}

static void check_keyword(const struct check *check, const char *keyword, const json_t *argument, const json_t *value,
                          const char *where)
{
    size_t i;
    const json_t *item;
    if (strcmp(keyword, "$ref") == 0) {
        check_value(check, at_pointer(check->root, json_string_value(argument) + 1), value, where);
    } else if (strcmp(keyword, "type") == 0) {
        if (!has_a_type(value, argument))
            fault(check, where, "wrong type", "");
    } else if (strcmp(keyword, "enum") == 0) {
        if (!is_one_of(value, argument))
            fault(check, where, "unknown word ", json_string_value(value) != NULL ? json_string_value(value) : "");
    } else if (strcmp(keyword, "pattern") == 0) {
        if (json_is_string(value) && !g_regex_match_simple(json_string_value(argument), json_string_value(value), 0, 0))
            fault(check, where, "wrong form: ", json_string_value(value));
    } else if (strcmp(keyword, "required") == 0) {
        check_required(check, argument, value, where);
    } else if (strcmp(keyword, "properties") == 0) {
        check_properties(check, argument, value, where);
    } else if (strcmp(keyword, "items") == 0) {
        json_array_foreach(value, i, item) check_value(check, argument, item, where);
    } else {
        static const char *const silent[] = {"$schema", "$defs", "title", "description", NULL};
        cr_assert(g_strv_contains(silent, keyword), "the schema has an unknown keyword: %s", keyword);
    }
}

static void check_value(const struct check *check, const json_t *schema, const json_t *value, const char *where)
{
    const char *keyword;
    json_t *argument;
    json_object_foreach((json_t *)schema, keyword, argument) check_keyword(check, keyword, argument, value, where);
}

char *schema_faults(const char *report)
{
    json_t *root = load();
    json_t *value = json_loads(report, JSON_REJECT_DUPLICATES, NULL);
    struct check check = {.root = root, .faults = g_string_new(NULL)};
    if (value == NULL)
        fault(&check, "", "not JSON", "");
    else
        check_value(&check, root, value, "");
    json_decref(value);
    json_decref(root);
    return g_string_free(check.faults, FALSE);
}

void schema_expect(const char *report, const char *what)
{
    g_autofree char *faults = schema_faults(report);
    cr_expect_str_empty(faults, "%s: the report is not as etc/report.schema.json says:\n%s%s", what, faults, report);
}

void schema_expect_words(const char *pointer, const char *const *words)
{
    json_t *root = load();
    const json_t *list = json_object_get(at_pointer(root, pointer), "enum");
    cr_expect_eq(json_array_size(list), g_strv_length((char **)words), "%s has %zu words", pointer,
                 json_array_size(list));
    for (size_t i = 0; words[i] != NULL; i++) {
        json_t *word = json_string(words[i]);
        cr_expect(is_one_of(word, list), "%s does not have %s", pointer, words[i]);
        json_decref(word);
    }
    json_decref(root);
}
