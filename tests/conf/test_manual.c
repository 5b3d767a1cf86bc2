/* SPDX-License-Identifier: Apache-2.0 */
/* domsec.conf(5) against the option tables: every key with its default, range, words and sentence, and no key that is
 * not there. */
#include "conf/option.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct option_table *const tables[] = {
    &bundle_options,     &capabilities_options, &demands_options,   &dns_options,     &group_options,
    &harvest_options,    &identity_options,     &inbound_options,   &label_options,   &ldap_options,
    &login_options,      &main_options,         &outbound_options,  &partner_options, &partner_revocation_options,
    &revocation_options, &rule_options,         &sign_with_options, &split_options,   &when_options,
};

/* The page without what roff adds to a text. */
static char *manual(void)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *file = g_build_filename(tests != NULL ? tests : "tests", "../man/domsec.conf.5", NULL);
    char *text = NULL;
    cr_assert(g_file_get_contents(file, &text, NULL, NULL), "%s", file);
    GString *page = g_string_new(text);
    g_free(text);
    static const char *const marks[][2] = {{"\\fB", ""}, {"\\fI", ""}, {"\\fR", ""}, {"\\-", "-"}, {"\\(dq", "\""}};
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
        g_string_replace(page, marks[i][0], marks[i][1], 0);
    return g_string_free(page, FALSE);
}

/* The entries of a table's block; the first piece is what stands before them. */
static char **entries(const char *page, const struct option_table *table)
{
    g_autofree char *head = g_strdup_printf(".\\\" options: %s\n", table->name);
    const char *start = strstr(page, head);
    cr_assert_not_null(start, "no block for %s", table->name);
    const char *end = strstr(start, "\n.\\\" end\n");
    cr_assert_not_null(end, "the block of %s has no end", table->name);
    cr_assert_null(strstr(start + 1, head), "two blocks for %s", table->name);
    g_autofree char *block = g_strndup(start + strlen(head) - 1, (gsize)(end - start) - strlen(head) + 1);
    char **list = g_strsplit(block, "\n.TP\n.B ", -1);
    cr_assert_str_empty(list[0], "%s: something before the first entry", table->name);
    return list;
}

static void expect_text(const char *entry, const char *text, const struct conf_option *option)
{
    cr_expect_not_null(strstr(entry, text), "%s: \"%s\" is not in\n%s", option->key, text, entry);
}

static void check_entry(char *entry, const struct conf_option *option)
{
    g_autofree char *fallback = option_default_text(option);
    GString *expected = g_string_new(NULL);
    cr_assert_not_null(option->help);
    if (option->type == OPTION_SIZE || option->type == OPTION_COUNT)
        g_string_printf(expected, "%s\n(default: %s; from %lld to %lld)\n.br\n%s", option->key, fallback,
                        option->minimum, option->maximum, option->help);
    else
        g_string_printf(expected, "%s\n(default: %s)\n.br\n%s", option->key, fallback, option->help);
    cr_expect_eq(strncmp(entry, expected->str, expected->len), 0, "expected\n%s\nin\n%s", expected->str, entry);
    g_string_free(expected, TRUE);
    for (int i = 0; option->words != NULL && option->words[i] != NULL; i++) {
        g_autofree char *word = g_strdup_printf("\"%s\"", option->words[i]);
        expect_text(entry, word, option);
    }
}

static bool is_entry(const char *entry, const char *key)
{
    size_t length = strlen(key);
    return strncmp(entry, key, length) == 0 && entry[length] == '\n';
}

Test(manual, every_key)
{
    g_autofree char *page = manual();
    for (size_t t = 0; t < G_N_ELEMENTS(tables); t++) {
        g_auto(GStrv) list = entries(page, tables[t]);
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct conf_option *option = &tables[t]->options[i];
            char *found = NULL;
            for (char **entry = list + 1; *entry != NULL; entry++)
                if (is_entry(*entry, option->key))
                    found = *entry;
            cr_expect_not_null(found, "%s: %s is not documented", tables[t]->name, option->key);
            if (found != NULL)
                check_entry(found, option);
        }
    }
}

Test(manual, no_other_key)
{
    g_autofree char *page = manual();
    for (size_t t = 0; t < G_N_ELEMENTS(tables); t++) {
        g_auto(GStrv) list = entries(page, tables[t]);
        for (char **entry = list + 1; *entry != NULL; entry++) {
            bool known = false;
            for (size_t i = 0; i < tables[t]->count; i++)
                known = known || is_entry(*entry, tables[t]->options[i].key);
            cr_expect(known, "%s documents what there is not: %s", tables[t]->name, *entry);
        }
    }
}

/* A table that no block is looked for would go unchecked. */
Test(manual, every_group_has_its_table)
{
    for (size_t t = 0; t < G_N_ELEMENTS(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct conf_option *option = &tables[t]->options[i];
            bool is_group = option->type == OPTION_GROUP || option->type == OPTION_GROUPS, listed = !is_group;
            for (size_t g = 0; g < G_N_ELEMENTS(tables) && is_group; g++)
                listed = listed || tables[g] == option->group;
            cr_expect(listed, "%s", option->key);
            cr_expect_eq(option->type == OPTION_WORD, option->words != NULL, "%s", option->key);
        }
}
