/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_aliases: a milter sees the address that the client gave, and Postfix applies its maps behind every milter. So
 * mail for an alias that leads to a partner leaves as it came, unless it is sealed and seen again (split.aliases). Only
 * tables that postmap(1) can list are looked through.
 */
#include "check_split.h"

#include "base/bytes.h"
#include "base/domain.h"

#include <glib.h>
#include <string.h>

#define SHOWN 3

struct search {
    const struct conf *conf;
    GString *found; /* "team@acme.test to bob@partner.test" */
    size_t count;
};

static bool protects(const struct partner *partner)
{
    bool any = partner->base.outbound.protect != PROTECT_NONE;
    for (size_t i = 0; i < partner->rule_count; i++)
        any = any || partner->rules[i].outbound.protect != PROTECT_NONE;
    return any;
}

/* The partner that a rule protects mail for, if the address is there; else NULL. */
static const struct partner *protecting(const struct conf *conf, const char *address)
{
    const char *at = strrchr(address, '@');
    g_autofree char *domain = at != NULL ? domain_of_mail(at + 1) : NULL;
    if (domain == NULL || conf_is_local_domain(conf, domain))
        return NULL;
    const struct partner *partner = conf_partner(conf, domain);
    return protects(partner) ? partner : NULL;
}

static void look_at(struct search *search, const char *alias, const char *target)
{
    const struct partner *partner = protecting(search->conf, target);
    if (partner == NULL || partner == protecting(search->conf, alias))
        return;
    if (search->count++ < SHOWN)
        g_string_append_printf(search->found, "%s%s to %s", search->found->len > 0 ? ", " : "", alias, target);
}

/* ALIAS, a tab, and addresses with commas or blanks between them. */
static void look_at_line(struct search *search, char *line)
{
    char *tab = strchr(line, '\t');
    if (tab == NULL)
        return;
    *tab = '\0';
    g_auto(GStrv) targets = g_strsplit_set(tab + 1, ", \t", -1);
    for (char **target = targets; *target != NULL; target++)
        if (**target != '\0')
            look_at(search, line, *target);
}

static void look_through(const struct conf *conf, const struct postfix *postfix, const char *name,
                         struct faults *faults)
{
    g_autofree char *main = g_build_filename(postfix->folder, "main.cf", NULL);
    g_auto(GStrv) tables = postfix_tables(postfix_value(postfix, NULL, name));
    g_autoptr(GString) found = g_string_new(NULL);
    struct search search = {conf, found, 0};
    for (char **table = tables; *table != NULL; table++) {
        g_auto(GStrv) lines = postfix_list(postfix, *table);
        for (char **line = lines; line != NULL && *line != NULL; line++)
            look_at_line(&search, *line);
        if (lines == NULL)
            faults_note(faults, main, 0,
                        "%s: postmap cannot list %s; if an address there leads to a partner, its mail %s", name, *table,
                        conf->split.aliases ? "is protected by split.aliases"
                                            : "leaves unprotected without split.aliases");
    }
    if (search.count == 0 || conf->split.aliases)
        return;
    g_autofree char *more = g_strdup_printf(", and %zu more", search.count - MIN(search.count, SHOWN));
    faults_warn(faults, main, 0,
                "%s leads %s%s behind the gateway, so that such mail may leave unprotected; set split.aliases = true",
                name, found->str, search.count > SHOWN ? more : "");
}

void check_aliases(const struct conf *conf, const struct postfix *postfix, struct faults *faults)
{
    static const char *const names[] = {"virtual_alias_maps", "canonical_maps", "recipient_canonical_maps"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        look_through(conf, postfix, names[i], faults);
}
