/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_postfix: a gateway that the mail server does not call protects nothing, and nothing shows it: mail flows. So
 * this looks at the other side of the socket. A fault lets mail leave unprotected, a warning does so in some cases or
 * refuses good mail, and a note is for what postconf cannot tell.
 */
#include "check_postfix.h"

#include "base/bytes.h"
#include "base/error.h"
#include "check_split.h"
#include "postfix.h"

#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct check {
    const struct conf *conf;
    const struct postfix *postfix;
    struct faults *faults;
    char *main, *master; /* the files, for places */
    char *form;          /* how Postfix calls our socket */
};

/* The place of our socket in a list. */
struct place_in_list {
    bool found;
    size_t index, count;
    char *default_action; /* its own, or NULL */
    char *before, *after; /* a milter that looks like DKIM's before or behind us; NULL: none */
};

static void place_clear(struct place_in_list *place)
{
    g_free(place->default_action);
    g_free(place->before);
    g_free(place->after);
}

static struct place_in_list find_place(const struct check *check, const char *list, bool chroot)
{
    struct place_in_list place = {0};
    struct postfix_milter *milters = postfix_milters(list, &place.count);
    for (size_t i = 0; i < place.count; i++) {
        if (!place.found && postfix_is_our_socket(check->postfix, milters[i].socket, chroot, check->conf->listen)) {
            place.found = true;
            place.index = i;
            place.default_action = g_strdup(milters[i].default_action);
        } else if (strstr(milters[i].socket, "dkim") != NULL) {
            char **side = place.found ? &place.after : &place.before;
            if (*side == NULL)
                *side = g_strdup(milters[i].socket);
        }
    }
    postfix_milters_free(milters, place.count);
    return place;
}

/* Whether it would be ours outside of a chroot. */
static bool is_hidden_by_chroot(const struct check *check, const char *list, bool chroot)
{
    struct place_in_list place = find_place(check, list, false);
    bool hidden = chroot && place.found;
    place_clear(&place);
    return hidden;
}

/* --- each smtpd --- */

/* Mail from our own users comes in here. */
static bool is_submission(const struct postfix_service *service)
{
    static const char *const names[] = {"submission", "submissions", "smtps", "587", "465"};
    const char *colon = strrchr(service->name, ':'), *port = colon != NULL ? colon + 1 : service->name;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(port, names[i]))
            return true;
    return false;
}

static void check_action(const struct check *check, const struct postfix_service *service,
                         const struct place_in_list *place)
{
    const char *action = place->default_action != NULL
                             ? place->default_action
                             : postfix_value(check->postfix, service, "milter_default_action");
    if (g_str_equal(action, "tempfail") || g_str_equal(action, "shutdown"))
        return;
    if (g_str_equal(action, "accept"))
        faults_add(
            check->faults, check->main, 0,
            "milter_default_action is \"accept\" for %s: mail leaves unprotected while the gateway is down; set it "
            "to tempfail",
            service->key);
    else
        faults_warn(
            check->faults, check->main, 0,
            "milter_default_action is \"%s\" for %s: good mail is refused or held while the gateway is down; set "
            "it to tempfail",
            action, service->key);
}

/* DKIM covers what leaves, and is verified on what came. */
static void check_order(const struct check *check, const char *who, bool signs, const struct place_in_list *place)
{
    if (signs && place->before != NULL)
        faults_warn(
            check->faults, check->main, 0,
            "%s: %s signs before the gateway changes the message, which breaks the signature; list it behind %s", who,
            place->before, check->form);
    else if (!signs && place->after != NULL)
        faults_warn(check->faults, check->main, 0,
                    "%s: %s verifies after the gateway has changed the message; list it before %s", who, place->after,
                    check->form);
    else if (place->count > 1 && place->before == NULL && place->after == NULL)
        faults_note(
            check->faults, check->main, 0,
            "%s: the gateway is milter %zu of %zu; what verifies DKIM must stand before it, and what signs with "
            "DKIM behind it",
            who, place->index + 1, place->count);
}

/* The listener for the second pass of split messages, which are signed again. */
static bool opens_sealed(const struct check *check, const struct postfix_service *service)
{
    return check->conf->mixed_recipients == MIXED_SPLIT &&
           g_str_equal(postfix_value(check->postfix, service, "milter_macro_daemon_name"),
                       check->conf->split.daemon_name);
}

static void check_without(const struct check *check, const struct postfix_service *service)
{
    if (opens_sealed(check, service))
        return; /* check_split() says more of it */
    if (is_submission(service))
        faults_warn(check->faults, check->master, 0,
                    "%s does not call the gateway, so that mail of your users leaves unprotected; add %s to its "
                    "smtpd_milters",
                    service->key, check->form);
    else
        faults_note(check->faults, check->master, 0,
                    "%s does not call the gateway; that is right only for mail that has passed it", service->key);
}

static bool is_for_this_host(const struct check *check, const struct postfix_service *service)
{
    static const char *const loopback[] = {"127.", "localhost:", "[::1]:", "::1:"};
    for (size_t i = 0; i < G_N_ELEMENTS(loopback); i++)
        if (text_begins_with(service->name, loopback[i]))
            return true;
    return strstr(service->key, "/inet") == NULL ||
           (strchr(service->name, ':') == NULL &&
            g_str_equal(postfix_value(check->postfix, service, "inet_interfaces"), "loopback-only"));
}

/* What a content filter returns is to pass untouched, and nothing else. */
static void check_passing(const struct check *check, const struct postfix_service *service)
{
    const struct postfix *postfix = check->postfix;
    const char *name = postfix_value(postfix, service, "milter_macro_daemon_name");
    bool passes = g_strv_contains((const char *const *)check->conf->pass_daemons, name);
    bool is_usual = g_str_equal(name, postfix_value(postfix, NULL, "milter_macro_daemon_name"));
    bool is_returned = *postfix_value(postfix, NULL, "content_filter") != '\0' &&
                       *postfix_value(postfix, service, "content_filter") == '\0';
    if (passes && (is_usual || is_submission(service)))
        faults_add(check->faults, check->master, 0,
                   "%s has the name \"%s\", which is in pass_daemons, so that its mail leaves unprotected; give that "
                   "name (milter_macro_daemon_name) only to the listener for a content filter",
                   service->key, name);
    else if (passes && !is_for_this_host(check, service))
        faults_warn(check->faults, check->master, 0,
                    "%s has the name \"%s\", which is in pass_daemons: hosts that can connect to it send mail past "
                    "the gateway; bind it to 127.0.0.1",
                    service->key, name);
    else if (!passes && is_returned && !is_submission(service))
        faults_warn(check->faults, check->master, 0,
                    "%s calls the gateway again for mail that a content filter returns, which is then protected twice "
                    "or refused; add -o milter_macro_daemon_name=reinject to it, and \"reinject\" to pass_daemons",
                    service->key);
}

enum calls { CALLS, CALLS_NOT, CALLS_IN_VAIN };

static enum calls check_smtpd(const struct check *check, const struct postfix_service *service)
{
    const char *list = postfix_value(check->postfix, service, "smtpd_milters");
    if (strstr(postfix_value(check->postfix, service, "receive_override_options"), "no_milters") != NULL)
        list = "";
    struct place_in_list place = find_place(check, list, service->chroot);
    bool found = place.found;
    if (found) {
        check_action(check, service, &place);
        check_order(check, service->key, is_submission(service) || opens_sealed(check, service), &place);
        check_passing(check, service);
    }
    place_clear(&place);
    if (found || !is_hidden_by_chroot(check, list, service->chroot))
        return found ? CALLS : CALLS_NOT;
    faults_add(check->faults, check->master, 0,
               "%s runs in a chroot, from which it cannot reach %s; use listen = \"" CONF_LISTEN_POSTFIX
               "\" and smtpd_milters = unix:domsec/milter",
               service->key, check->conf->listen);
    return CALLS_IN_VAIN;
}

static void check_services(const struct check *check)
{
    const struct postfix *postfix = check->postfix;
    g_autofree enum calls *calls = g_new0(enum calls, postfix->service_count + 1);
    bool any = false;
    for (size_t i = 0; i < postfix->service_count; i++) {
        if (!g_str_equal(postfix->services[i].command, "smtpd"))
            continue;
        calls[i] = check_smtpd(check, &postfix->services[i]);
        any = any || calls[i] != CALLS_NOT;
    }
    if (!any)
        faults_add(check->faults, check->main, 0,
                   "no smtpd calls the gateway, so that nothing is protected; set smtpd_milters = %s", check->form);
    for (size_t i = 0; any && i < postfix->service_count; i++)
        if (calls[i] == CALLS_NOT)
            check_without(check, &postfix->services[i]);
    if (*postfix_value(postfix, NULL, "smtpd_milter_maps") != '\0')
        faults_note(check->faults, check->main, 0,
                    "smtpd_milter_maps names milters by client, and this check does not look into it");
}

/* --- the rest --- */

/* Mail of sendmail(1): cron, web applications, forwarding. */
static void check_local(const struct check *check)
{
    const struct postfix_service *cleanup = NULL;
    for (size_t i = 0; i < check->postfix->service_count && cleanup == NULL; i++)
        if (g_str_equal(check->postfix->services[i].key, "cleanup/unix"))
            cleanup = &check->postfix->services[i];
    const char *list = postfix_value(check->postfix, cleanup, "non_smtpd_milters");
    struct place_in_list place = find_place(check, list, cleanup != NULL && cleanup->chroot);
    if (place.found)
        check_order(check, "non_smtpd_milters", true, &place);
    else
        faults_warn(check->faults, check->main, 0,
                    "non_smtpd_milters does not call the gateway, so that mail of sendmail(1) leaves unprotected; set "
                    "non_smtpd_milters = %s",
                    check->form);
    place_clear(&place);
    if (strstr(postfix_value(check->postfix, NULL, "internal_mail_filter_classes"), "bounce") == NULL)
        faults_warn(check->faults, check->main, 0,
                    "internal_mail_filter_classes lacks \"bounce\", so that notifications with text that was decrypted "
                    "here leave unprotected; set internal_mail_filter_classes = bounce");
}

static void check_limits(const struct check *check)
{
    long long size = postfix_number(check->postfix, "message_size_limit");
    long long recipients = postfix_number(check->postfix, "smtpd_recipient_limit");
    const struct limits *limits = &check->conf->limits;
    if (size == 0 || size > (long long)limits->message_size)
        faults_warn(
            check->faults, check->main, 0,
            "message_size_limit is %lld, and that of the gateway %zu: larger messages are refused at their end; "
            "set both to the same value",
            size, limits->message_size);
    if (recipients > (long long)limits->recipients)
        faults_warn(
            check->faults, check->main, 0,
            "smtpd_recipient_limit is %lld, and recipients_limit %u: messages with more recipients are refused; "
            "set smtpd_recipient_limit = %u",
            recipients, limits->recipients, limits->recipients);
}

/* The gateway asks for the macros that it needs, if the protocol is recent. */
static void check_protocol(const struct check *check)
{
    static const char *const macros[] = {"{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"};
    const char *list = postfix_value(check->postfix, NULL, "milter_rcpt_macros");
    long long protocol = postfix_number(check->postfix, "milter_protocol");
    if (protocol < 6)
        faults_warn(check->faults, check->main, 0,
                    "milter_protocol is %lld, so that the gateway cannot ask for the macros that it needs; set "
                    "milter_protocol = 6",
                    protocol);
    for (size_t i = 0; i < G_N_ELEMENTS(macros); i++) {
        if (strstr(list, macros[i]) != NULL)
            continue;
        if (protocol < 6)
            faults_add(
                check->faults, check->main, 0,
                "milter_rcpt_macros lacks %s, and the gateway cannot see where Postfix delivers a message; add it",
                macros[i]);
        else
            faults_note(
                check->faults, check->main, 0,
                "milter_rcpt_macros lacks %s; the gateway asks for it, but a proxy between the two may hide that",
                macros[i]);
        return;
    }
    if (g_str_equal(postfix_value(check->postfix, NULL, "smtpd_forbid_bare_newline"), "no"))
        faults_note(
            check->faults, check->main, 0,
            "smtpd_forbid_bare_newline is \"no\": a client can smuggle a message past the gateway's view of it; "
            "set it to yes");
}

/* The reason why Postfix's account cannot connect, or NULL. Only root can find out. */
static const char *refusal_for(const char *path, const struct passwd *owner)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *refusal = NULL;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    if (probe >= 0 && setgroups(1, &owner->pw_gid) == 0 && setegid(owner->pw_gid) == 0 && seteuid(owner->pw_uid) == 0 &&
        connect(probe, (struct sockaddr *)&address, sizeof(address)) != 0 && errno == EACCES)
        refusal = g_strerror(EACCES); /* others mean that the daemon does not run now */
    if (seteuid(0) != 0 || setegid(getgid()) != 0)
        g_error("cannot become root again: %s", g_strerror(errno));
    if (probe >= 0)
        close(probe);
    return refusal;
}

static void check_access(const struct check *check)
{
    const char *path = check->conf->listen + strlen("local:");
    const struct passwd *owner = getpwnam(postfix_value(check->postfix, NULL, "mail_owner"));
    if (!text_begins_with(check->conf->listen, "local:") || owner == NULL || geteuid() != 0)
        return;
    const char *refusal = refusal_for(path, owner);
    if (refusal != NULL)
        faults_add(
            check->faults, check->conf->file, check->conf->listen_line,
            "\"listen\": the account %s cannot connect to %s: %s; give the directory to the group %s with mode 2710, "
            "and restart the daemon",
            owner->pw_name, path, refusal, owner->pw_name);
}

void check_postfix(const struct conf *conf, const char *folder, struct faults *faults)
{
    struct error error = {0};
    owned(postfix) struct postfix *postfix = postfix_read(folder, &error);
    if (postfix == NULL) {
        faults_add(faults, folder != NULL ? folder : "Postfix", 0, "%s", error.text);
        return;
    }
    g_autofree char *main = g_build_filename(postfix->folder, "main.cf", NULL);
    g_autofree char *master = g_build_filename(postfix->folder, "master.cf", NULL);
    g_autofree char *form = postfix_form(postfix, conf->listen);
    const struct check check = {conf, postfix, faults, main, master, form};
    check_services(&check);
    check_local(&check);
    check_limits(&check);
    check_protocol(&check);
    check_access(&check);
    check_split(conf, postfix, faults);
    check_aliases(conf, postfix, faults);
}
