/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signing: compares our keys with what rules ask of them. Demands of several rules unite, so that a copy for several
 * recipients satisfies each of them; demands that contradict each other are satisfied by no key.
 */
#include "policy/signing.h"

#include <glib.h>

#define ALL_ORIGINS ((1u << (ORIGIN_CLOUD + 1)) - 1)

void sign_with_add(const struct sign_with_conf *conf, struct sign_with *with)
{
    unsigned others = ALL_ORIGINS; /* ORIGIN_UNKNOWN is never accepted */
    for (char **origin = conf->origins; origin != NULL && *origin != NULL; origin++)
        others &= ~(1u << key_origin_of(*origin)) | (1u << ORIGIN_UNKNOWN);
    if (conf->origins != NULL && conf->origins[0] != NULL)
        with->other_origins |= others;
    with->escrowed |= conf->escrowed != STATED_NOTHING ? STATED_BIT(conf->escrowed) : 0;
    with->dual_use |= conf->dual_use != STATED_NOTHING ? STATED_BIT(conf->dual_use) : 0;
    with->content_commitment |= conf->content_commitment != STATED_NOTHING ? STATED_BIT(conf->content_commitment) : 0;
}

void sign_with_unite(const struct sign_with *other, struct sign_with *with)
{
    with->other_origins |= other->other_origins;
    with->escrowed |= other->escrowed;
    with->dual_use |= other->dual_use;
    with->content_commitment |= other->content_commitment;
}

static enum stated seen(bool is_so)
{
    return is_so ? STATED_TRUE : STATED_FALSE;
}

/* Which of the demands, in the order of the keys of sign_with, a key does not satisfy, as bits. */
enum { UNMET_ORIGIN = 1, UNMET_ESCROWED = 2, UNMET_DUAL_USE = 4, UNMET_CONTENT_COMMITMENT = 8 };

static unsigned unmet(const struct sign_with *with, const struct key_traits *traits)
{
    unsigned result = 0;
    if ((with->other_origins & (1u << traits->origin)) != 0)
        result |= UNMET_ORIGIN;
    if ((with->escrowed & ~STATED_BIT(traits->escrowed)) != 0)
        result |= UNMET_ESCROWED;
    if ((with->dual_use & ~STATED_BIT(seen(traits->dual_use))) != 0)
        result |= UNMET_DUAL_USE;
    if ((with->content_commitment & ~STATED_BIT(seen(traits->content_commitment))) != 0)
        result |= UNMET_CONTENT_COMMITMENT;
    return result;
}

static void add_origins(GString *text, unsigned others)
{
    bool is_first = true;
    for (int origin = ORIGIN_CA; origin <= ORIGIN_CLOUD; origin++)
        if ((others & (1u << origin)) == 0) {
            g_string_append_printf(text, "%s%s", is_first ? "origin must be " : " or ",
                                   key_origin_name((enum key_origin)origin));
            is_first = false;
        }
    if (is_first)
        g_string_append(text, "no origin suits all rules");
}

static void add_stated(GString *text, const char *key, unsigned values)
{
    bool both = values == (STATED_BIT(STATED_TRUE) | STATED_BIT(STATED_FALSE));
    g_string_append_printf(text, "%s%s must be %s", text->len > 0 ? ", " : "", key,
                           both                                ? "both true and false"
                           : values == STATED_BIT(STATED_TRUE) ? "true"
                                                               : "false");
}

/* The demands that keep some key from signing. */
static char *describe(const struct sign_with *with, unsigned failed)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if ((failed & UNMET_ORIGIN) != 0)
        add_origins(text, with->other_origins);
    if ((failed & UNMET_ESCROWED) != 0)
        add_stated(text, "escrowed", with->escrowed);
    if ((failed & UNMET_DUAL_USE) != 0)
        add_stated(text, "dual_use", with->dual_use);
    if ((failed & UNMET_CONTENT_COMMITMENT) != 0)
        add_stated(text, "content_commitment", with->content_commitment);
    return g_strdup(text->str);
}

bool own_find(const struct own_view *own, const struct sign_with *with, size_t *index, struct error *error)
{
    bool will_fit = false,
         asks = (with->other_origins | with->escrowed | with->dual_use | with->content_commitment) != 0;
    unsigned failed = 0;
    *index = 0;
    if (own->missing.kind != ERROR_NONE) {
        *error = own->missing;
        return false;
    }
    if (!asks)
        return true;
    for (size_t i = 0; i < own->count; i++) {
        unsigned each = unmet(with, &own->list[i].traits);
        if (each == 0 && own->list[i].is_current) {
            *index = i;
            return true;
        }
        will_fit |= each == 0;
        failed |= each;
    }
    g_autofree char *demands = describe(with, failed);
    if (will_fit)
        return error_set(error, ERROR_CONFIGURATION, "the signing key of %s that fits sign_with is not valid now (%s)",
                         own->owner, demands);
    return error_set(error, ERROR_PERMANENT, "no signing key of %s fits sign_with: %s", own->owner, demands);
}
