/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing: by the dates of identities and certificates alone, without the private keys.
 */
#include "standing.h"

#include "base/moment.h"
#include "trust/trust.h"

/* As the gateway sees it once the key is loaded. */
static struct identity identity_of(const struct identity_conf *identity, X509 *certificate)
{
    return (struct identity){.conf = identity, .certificate = certificate, .key = X509_get0_pubkey(certificate)};
}

bool standing_signs(const struct identity_conf *identity, X509 *certificate)
{
    const struct identity view = identity_of(identity, certificate);
    return view.key != NULL && identity_signs(&view);
}

/* Any EC key of a mailbox decrypts, but partners encrypt only to certificates that allow it. */
bool standing_decrypts(const struct identity_conf *identity, X509 *certificate)
{
    const struct identity view = identity_of(identity, certificate);
    return view.key != NULL && identity_decrypts(&view) &&
           (identity->role != ROLE_MAILBOX || trust_usage_refusal(certificate, PURPOSE_ENCRYPT) == NULL);
}

struct reading {
    const struct conf *conf;
    X509 *const *own;
    time_t at;
};

typedef bool serves(const struct identity_conf *identity, X509 *certificate);

/* Another one that serves this purpose is taken before it. */
static bool is_replaced(const struct reading *reading, size_t index, serves *purpose)
{
    const struct identity_conf *identities = reading->conf->identities, *self = &identities[index];
    for (size_t i = 0; i < reading->conf->identity_count; i++) {
        X509 *other = reading->own[i];
        if (i == index || other == NULL || !identity_same_owner(self, &identities[i]) ||
            !identity_is_current(&identities[i], other, reading->at) || !purpose(&identities[i], other))
            continue;
        if (identity_is_newer(&identities[i], other, self, reading->own[index]) ||
            (i < index && !identity_is_newer(self, reading->own[index], &identities[i], other)))
            return true;
    }
    return false;
}

static enum standing of_certificate(const struct reading *reading, size_t index)
{
    const struct identity_conf *identity = &reading->conf->identities[index];
    X509 *certificate = reading->own[index];
    bool signs = standing_signs(identity, certificate), decrypts = standing_decrypts(identity, certificate);
    if (reading->at < identity_begins(identity, certificate))
        return STANDING_WAITING;
    if (!identity_is_current(identity, certificate, reading->at))
        return decrypts ? STANDING_DECRYPTS : STANDING_EXPIRED;
    if ((signs && !is_replaced(reading, index, standing_signs)) ||
        (decrypts && !is_replaced(reading, index, standing_decrypts)))
        return STANDING_IN_FORCE;
    return decrypts ? STANDING_DECRYPTS : STANDING_REPLACED;
}

enum standing *standing_read(const struct conf *conf, X509 *const *own, time_t at)
{
    const struct reading reading = {conf, own, at};
    enum standing *list = g_malloc0_n(conf->identity_count + 1, sizeof(*list));
    for (size_t i = 0; i < conf->identity_count; i++) {
        if (identity_has_ended(&conf->identities[i], at))
            list[i] = STANDING_ENDED;
        else if (own[i] != NULL)
            list[i] = of_certificate(&reading, i);
        else if (identity_is_awaited(conf, &conf->identities[i]))
            list[i] = STANDING_AWAITED;
    }
    return list;
}

const char *standing_name(enum standing standing)
{
    static const char *const names[] = {
        [STANDING_UNREADABLE] = "unreadable", [STANDING_AWAITED] = "no certificate yet",
        [STANDING_WAITING] = "waiting",       [STANDING_IN_FORCE] = "in force",
        [STANDING_REPLACED] = "replaced",     [STANDING_DECRYPTS] = "decrypts only",
        [STANDING_EXPIRED] = "expired",       [STANDING_ENDED] = "ended",
    };
    return names[standing];
}

char *standing_text(enum standing standing, const struct identity_conf *identity)
{
    bool begins = identity->from != 0 && (standing == STANDING_WAITING || standing == STANDING_AWAITED);
    g_autofree char *from = begins ? moment_text(identity->from) : NULL;
    g_autofree char *until = identity->until != 0 ? moment_text(identity->until) : NULL;
    GString *text = g_string_new(standing_name(standing));
    if (from != NULL)
        g_string_append_printf(text, ", from %s", from);
    if (until != NULL)
        g_string_append_printf(text, ", %s %s", standing == STANDING_ENDED ? "on" : "until", until);
    return g_string_free(text, FALSE);
}
