/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage: identities side by side take turns by their dates and by those of their certificates. One that has expired
 * matters only if no other has taken its place; so the question is asked of all those for the same owner and purpose
 * together. An owner is a role and domain, or a list of mailboxes.
 */
#include "coverage.h"

#include "base/moment.h"

#include <string.h>

#define FOREVER G_MAXINT64

struct turn {
    const struct identity *identity;
    int64_t from, until; /* until: the first second after it */
};

/* An end that cannot be read is as far away as possible: the check of the certificate complains. */
static struct turn turn_of(const struct identity *identity)
{
    const struct identity_conf *conf = identity->conf;
    time_t ends = certificate_ends(identity->certificate);
    struct turn turn = {identity, identity_begins(conf, identity->certificate), ends != 0 ? ends + 1 : FOREVER};
    if (conf->until != 0)
        turn.until = MIN(turn.until, conf->until);
    return turn;
}

static gint compare_turns(gconstpointer a, gconstpointer b)
{
    const struct turn *left = a, *right = b;
    return (left->from > right->from) - (left->from < right->from);
}

/* turns: by their start. */
static void warn_of_none(const struct conf *conf, const GArray *turns, time_t at, struct faults *faults)
{
    const struct turn *last = &g_array_index(turns, struct turn, 0), *next = NULL;
    for (guint i = 0; i < turns->len; i++) {
        const struct turn *turn = &g_array_index(turns, struct turn, i);
        if (next == NULL && turn->from > at)
            next = turn;
        if (turn->until >= last->until)
            last = turn;
    }
    const struct identity_conf *identity = (next != NULL ? next : last)->identity->conf;
    g_autofree char *date = moment_text((time_t)(next != NULL ? next->from : last->until));
    if (next == NULL && identity_has_ended(identity, at))
        faults_warn(faults, conf->file, identity->line,
                    "the last identity of the %s for %s ended on %s; add another (domsec key new)",
                    role_name(identity->role), identity_owner(identity), date);
    else if (next == NULL)
        faults_warn(faults, conf->file, identity->line,
                    "%s: the certificate has expired; replace it (domsec key rollover)", identity->certificate);
    else if (at < identity->from)
        faults_warn(faults, conf->file, identity->line,
                    "there is no identity of the %s for %s until this one begins on %s; correct \"from\"",
                    role_name(identity->role), identity_owner(identity), date);
    else
        faults_warn(faults, conf->file, identity->line,
                    "%s: the certificate is not yet valid; check the clock, or wait until %s", identity->certificate,
                    date);
}

/* The first time without an identity, after one and before another. turns: by their start. */
static void warn_of_gap(const struct conf *conf, const GArray *turns, time_t at, struct faults *faults)
{
    int64_t covered = at;
    for (guint i = 0; i < turns->len; i++) {
        const struct turn *turn = &g_array_index(turns, struct turn, i);
        const struct identity_conf *identity = turn->identity->conf;
        if (turn->from > covered) {
            g_autofree char *end = moment_text((time_t)covered), *start = moment_text((time_t)turn->from);
            faults_warn(faults, conf->file, identity->line,
                        "there is no identity of the %s for %s from %s to %s, when this one begins; let the dates or "
                        "the certificates overlap",
                        role_name(identity->role), identity_owner(identity), end, start);
            return;
        }
        covered = MAX(covered, turn->until);
    }
}

static bool covers(const GArray *turns, time_t at)
{
    for (guint i = 0; i < turns->len; i++) {
        const struct turn *turn = &g_array_index(turns, struct turn, i);
        if (at >= turn->from && at < turn->until)
            return true;
    }
    return false;
}

static void check_owner(const struct conf *conf, GArray *turns, time_t at, struct faults *faults)
{
    g_array_sort(turns, compare_turns);
    if (!covers(turns, at))
        warn_of_none(conf, turns, at, faults);
    else
        warn_of_gap(conf, turns, at, faults);
}

/* --- all --- */

typedef bool serves(const struct identity *identity);

static char *key_of(const struct identity_conf *conf)
{
    g_autofree char *addresses = conf->domain == NULL ? g_strjoinv(" ", conf->addresses) : NULL;
    return g_strdup_printf("%s %s", role_name(conf->role), conf->domain != NULL ? conf->domain : addresses);
}

static void free_turns(gpointer turns)
{
    g_array_unref(turns);
}

/* The owners of identities that serve a purpose, each once, in the order of the configuration. */
static GPtrArray *owners(const GPtrArray *identities, serves *for_purpose)
{
    g_autoptr(GHashTable) index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *list = g_ptr_array_new_with_free_func(free_turns);
    for (guint i = 0; i < identities->len; i++) {
        const struct identity *identity = g_ptr_array_index(identities, i);
        if (!for_purpose(identity))
            continue;
        g_autofree char *key = key_of(identity->conf);
        GArray *turns = g_hash_table_lookup(index, key);
        if (turns == NULL) {
            turns = g_array_new(FALSE, FALSE, sizeof(struct turn));
            g_ptr_array_add(list, turns);
            g_hash_table_insert(index, steal(&key), turns);
        }
        struct turn turn = turn_of(identity);
        g_array_append_val(turns, turn);
    }
    return list;
}

/* A certificate for both was checked with those that sign. */
static bool only_decrypts(const struct identity *identity)
{
    return identity_decrypts(identity) && !identity_signs(identity);
}

static void note_ended(const struct conf *conf, time_t at, struct faults *faults)
{
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        if (!identity_has_ended(identity, at))
            continue;
        g_autofree char *date = moment_text(identity->until);
        faults_note(faults, conf->file, identity->line, "this identity ended on %s and can be removed", date);
    }
}

void coverage_check(const struct conf *conf, const GPtrArray *identities, time_t at, struct faults *faults)
{
    serves *const purposes[] = {identity_signs, only_decrypts};
    for (size_t i = 0; i < G_N_ELEMENTS(purposes); i++) {
        g_autoptr(GPtrArray) list = owners(identities, purposes[i]);
        for (guint j = 0; j < list->len; j++)
            check_owner(conf, list->pdata[j], at, faults);
    }
    note_ended(conf, at, faults);
}
