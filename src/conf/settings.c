/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: the values of a rule and of its partner as text, with the place where each stands, for `domsec explain`.
 */
#include "option.h"

#include <string.h>

static void add(GPtrArray *list, const struct conf *conf, const struct conf_option *option, const char *group,
                const void *base, const void *fallback)
{
    const struct value_origin *origin = conf_origin(conf, (const char *)base + option->offset);
    if (origin == NULL && fallback != NULL) /* what a rule leaves out stands where the base has it */
        origin = conf_origin(conf, (const char *)fallback + option->offset);
    struct rule_setting *setting = g_new0(struct rule_setting, 1);
    setting->key = group != NULL ? g_strdup_printf("%s.%s", group, option->key) : g_strdup(option->key);
    setting->value = option_value_text(option, base);
    if (origin != NULL)
        setting->origin = *origin;
    g_ptr_array_add(list, setting);
}

/* Those of a group within that table under their own names. */
static void add_outbound(GPtrArray *list, const struct conf *conf, const struct rule *rule)
{
    const struct rule *base = &rule->partner->base;
    const char *group = rule == base ? "outbound" : "rules";
    for (size_t i = 0; i < outbound_options.count; i++) {
        const struct conf_option *option = &outbound_options.options[i];
        if (option->type != OPTION_GROUP) {
            add(list, conf, option, group, &rule->outbound, &base->outbound);
            continue;
        }
        g_autofree char *name = g_strdup_printf("%s.%s", group, option->key);
        for (size_t j = 0; j < option->group->count; j++)
            add(list, conf, &option->group->options[j], name, (const char *)&rule->outbound + option->offset,
                (const char *)&base->outbound + option->offset);
    }
}

static bool is_of_the_file(const struct conf_option *option)
{
    static const char *const keys[] = {"domain", "template", "use", NULL};
    return g_strv_contains(keys, option->key) || option->type == OPTION_GROUPS;
}

static void setting_free(gpointer data)
{
    struct rule_setting *setting = data;
    g_free(setting->key);
    g_free(setting->value);
    g_free(setting);
}

GPtrArray *conf_settings(const struct conf *conf, const struct rule *rule, bool leaves)
{
    const struct partner *partner = rule->partner;
    const struct rule *base = &partner->base;
    GPtrArray *list = g_ptr_array_new_with_free_func(setting_free);
    if (leaves)
        add_outbound(list, conf, rule);
    for (size_t i = 0; i < inbound_options.count && !leaves; i++)
        add(list, conf, &inbound_options.options[i], "inbound", &rule->inbound, &base->inbound);
    for (size_t i = 0; i < partner_options.count; i++) {
        const struct conf_option *option = &partner_options.options[i];
        if (option->type != OPTION_GROUP && !is_of_the_file(option))
            add(list, conf, option, NULL, partner, NULL);
    }
    return list;
}
