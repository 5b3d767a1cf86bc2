/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: the callbacks of libmilter.
 *
 *     negotiate ─▶ connect ─▶ mail ─▶ rcpt… ─▶ header… ─▶ end of header ─▶ body… ─▶ end of message ─▶ (mail …) ─▶ close
 *                               └────────────── abort, from anywhere ──────────────┘
 *
 * They decide nothing: they collect, call the gateway, and send its edits and its verdict. No callback before the end
 * of the message replies (SMFIP_NR_*), because a reply is a round trip and two system calls; an earlier failure is
 * reported there. libmilter runs the callbacks of a session one after another, but on any of its threads, so the
 * session holds all state. A message keeps the gateway that was in force at its first byte.
 */
#include "session.h"

#include "apply.h"
#include "base/log.h"
#include "crash.h"
#include "fair.h"
#include "smtp_reply.h"
#include "transaction.h"
#include "turn.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

/* Postfix waits 300 seconds for the end of a message; each progress notification restarts that time. */
#define PROGRESS_SECONDS 20

/* A header field comes in one packet, and libmilter ends the connection at one over 64 kB, so that the MTA would defer
 * the message for ever. Postfix lets 100 kB of header through. */
#define PACKET_MAX ((size_t)1 << 20)

#define NEEDED_ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY)
#define NO_REPLIES                                                                                                     \
    (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)
#define UNWANTED (SMFIP_NOHELO | SMFIP_NOUNKNOWN)

struct session {
    bool negotiated;
    bool leading_space; /* SMFIP_HDR_LEADSPC is in force */
    bool can_quarantine;
    bool answers_recipients; /* SMFIP_NR_RCPT is not in force */
    char *client_address;    /* of the connection, for MTAs that do not send {client_addr} */
    struct crash_trail *trail;
    /* Of the message in progress, if any: */
    struct transaction *transaction;
    struct gateway *gateway;
    bool is_second;      /* one recipient's copy of a message that is split */
    const char *reading; /* {rcpt_addr} of the last recipient, to compare the pointer */
    bool counted;        /* service_message_begin() */
};

/* Set once, before libmilter starts a thread, because its callbacks get no argument for it. */
static struct service *service;
static bool over_tcp;

static struct session *session_of(SMFICTX *context)
{
    struct session *session = smfi_getpriv(context);
    if (session == NULL) {
        session = g_new0(struct session, 1);
        session->trail = crash_trail_new();
        smfi_setpriv(context, session);
    }
    return session;
}

static void end_message(struct session *session)
{
    transaction_free(steal(&session->transaction));
    if (session->gateway != NULL)
        gateway_unref(steal(&session->gateway));
    if (session->counted)
        service_message_end(service);
    session->counted = false;
}

static void begin_message(struct session *session, const char *daemon_name)
{
    end_message(session);
    session->counted = service_message_begin(service);
    session->gateway = service_gateway(service);
    session->transaction = transaction_new(gateway_limits(session->gateway, daemon_name));
    session->is_second = gateway_is_second(session->gateway, daemon_name);
    session->reading = NULL;
    crash_trail_reset(session->trail);
}

/* Before anything is done with a piece of a message. Returns false if there is no message, or if it has crashed the
 * daemon here before; then the piece is left alone, and the message has failed. Ends with crash_leave(). */
static bool take_up(struct session *session, enum crash_piece piece, const char *name, struct slice data)
{
    static const enum reply_kind kinds[] = {[CRASHING_TEMPFAIL] = REPLY_TEMPFAIL,
                                            [CRASHING_REJECT] = REPLY_REJECT,
                                            [CRASHING_QUARANTINE] = REPLY_QUARANTINE};
    struct error error = {0};
    if (session->transaction == NULL)
        return false;
    if (crash_enter(session->trail, piece, name, data))
        return true;
    error_set(&error, ERROR_PERMANENT, "the S/MIME gateway has crashed on this message before");
    transaction_fail(session->transaction, kinds[gateway_conf(session->gateway)->crashing_messages], &error);
    return false;
}

/* A copy of a message that is split has one recipient, and a second one is refused at once; the answers to the others
 * cost a round trip each. */
static bool may_be_second(void)
{
    owned(gateway) struct gateway *gateway = service_gateway(service);
    return gateway_conf(gateway)->split.keys[0] != NULL;
}

/* NOLINTNEXTLINE(readability-function-size): libmilter prescribes the nine parameters */
static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long steps, unsigned long unused2,
                             unsigned long unused3, unsigned long *my_actions, unsigned long *my_steps,
                             unsigned long *my_unused2, unsigned long *my_unused3)
{
    struct session *session = session_of(context);
    (void)unused2, (void)unused3;
    *my_unused2 = *my_unused3 = 0;
    if ((actions & NEEDED_ACTIONS) != NEEDED_ACTIONS) {
        log_write(LOG_LEVEL_ERROR, "the mail server does not let a milter change header and body (it offers 0x%lx)",
                  actions);
        return SMFIS_REJECT;
    }
    *my_actions = NEEDED_ACTIONS | (actions & (SMFIF_QUARANTINE | SMFIF_SETSYMLIST));
    *my_steps = steps & (NO_REPLIES | UNWANTED | SMFIP_HDR_LEADSPC | (over_tcp ? 0 : SMFIP_NODATA));
    session->answers_recipients = may_be_second();
    if (session->answers_recipients)
        *my_steps &= ~(unsigned long)SMFIP_NR_RCPT;
    if ((actions & SMFIF_SETSYMLIST) != 0) {
        smfi_setsymlist(context, SMFIM_CONNECT, (char *)"{client_addr} {daemon_name} v " CONF_DAEMON_MACRO);
        /* Requests a macro that always exists as well: libmilter keeps the macros of the previous message if it gets
         * none. Sendmail gives the queue ID here only, and Postfix at the end of the message. */
        smfi_setsymlist(context, SMFIM_ENVFROM, (char *)"i {auth_authen} {daemon_name}");
        smfi_setsymlist(context, SMFIM_ENVRCPT, (char *)"{rcpt_addr} {rcpt_host} {rcpt_mailer}");
        smfi_setsymlist(context, SMFIM_EOM, (char *)"i");
    }
    session->negotiated = true;
    session->leading_space = (steps & SMFIP_HDR_LEADSPC) != 0;
    session->can_quarantine = (actions & SMFIF_QUARANTINE) != 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *context, char *host, struct sockaddr *address)
{
    struct session *session = session_of(context);
    char text[NI_MAXHOST];
    socklen_t length = 0;
    (void)host;
    g_clear_pointer(&session->client_address, g_free);
    if (address != NULL && address->sa_family == AF_INET)
        length = sizeof(struct sockaddr_in);
    else if (address != NULL && address->sa_family == AF_INET6)
        length = sizeof(struct sockaddr_in6);
    if (length > 0 && getnameinfo(address, length, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
        session->client_address = g_strdup(text);
    return SMFIS_NOREPLY;
}

/* NULL if the macro is missing or empty. Lent until the callback returns. */
static const char *macro(SMFICTX *context, const char *name)
{
    const char *value = smfi_getsymval(context, (char *)name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static char *macro_copy(SMFICTX *context, const char *name)
{
    return g_strdup(macro(context, name));
}

static sfsistat on_sender(SMFICTX *context, char **arguments)
{
    struct session *session = session_of(context);
    begin_message(session, macro(context, "{daemon_name}"));
    if (!session->negotiated) {
        struct error error = {0};
        error_set(&error, ERROR_BUG, "no option negotiation on this connection");
        transaction_fail(session->transaction, REPLY_PROTOCOL, &error);
    }
    if (take_up(session, PIECE_SENDER, NULL, slice_of(arguments[0])))
        transaction_sender(session->transaction, (const char *const *)arguments);
    crash_leave();
    return SMFIS_NOREPLY;
}

/* The mail server has to send each recipient's copy by itself. */
static bool is_one_too_many(const struct session *session)
{
    return session->is_second && session->answers_recipients && session->transaction != NULL &&
           transaction_envelope(session->transaction)->recipient_count > 0;
}

static sfsistat on_recipient(SMFICTX *context, char **arguments)
{
    struct session *session = session_of(context);
    if (is_one_too_many(session)) {
        (void)smfi_setreply(context, (char *)"452", (char *)"4.5.3", (char *)"One recipient at a time");
        return SMFIS_TEMPFAIL;
    }
    struct reading reading = {macro(context, "{rcpt_addr}"), macro(context, "{rcpt_host}"),
                              macro(context, "{rcpt_mailer}")};
    /* libmilter keeps the macros of the previous recipient if it gets none for this one. New ones are read before it
     * frees the old ones, so they have another address in memory. */
    if (reading.address == session->reading)
        reading = (struct reading){0};
    else
        session->reading = reading.address;
    if (take_up(session, PIECE_RECIPIENT, NULL, slice_of(arguments[0])))
        transaction_recipient(session->transaction, (const char *const *)arguments, &reading);
    crash_leave();
    return session->answers_recipients ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

/* Requested over TCP only, and answered although there is nothing to say. Postfix sends the envelope from one
 * process and the header from another. Nagle's algorithm holds the header back until the envelope is acknowledged,
 * and the kernel would delay that by 40 ms unless an answer carries it. */
static sfsistat on_data(SMFICTX *context)
{
    (void)context;
    return SMFIS_CONTINUE;
}

static sfsistat on_field(SMFICTX *context, char *name, char *value)
{
    struct session *session = session_of(context);
    if (take_up(session, PIECE_FIELD, name, slice_of(value)))
        transaction_field(session->transaction, name, value, session->leading_space);
    crash_leave();
    return SMFIS_NOREPLY;
}

static sfsistat on_end_of_header(SMFICTX *context)
{
    struct session *session = session_of(context);
    if (take_up(session, PIECE_END_OF_HEADER, NULL, SLICE_NONE))
        transaction_end_header(session->transaction);
    crash_leave();
    return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *context, unsigned char *data, size_t length)
{
    struct session *session = session_of(context);
    if (take_up(session, PIECE_BODY, NULL, (struct slice){(const char *)data, length}))
        transaction_body(session->transaction, data, length);
    crash_leave();
    return SMFIS_NOREPLY;
}

static void complete_envelope(SMFICTX *context, const struct session *session)
{
    struct envelope *envelope = transaction_envelope(session->transaction);
    envelope->queue_id = macro_copy(context, "i");
    envelope->mta = macro_copy(context, "v");
    envelope->authenticated = macro_copy(context, "{auth_authen}");
    envelope->daemon_name = macro_copy(context, "{daemon_name}");
    envelope->client_address = macro_copy(context, "{client_addr}");
    if (envelope->client_address == NULL)
        envelope->client_address = g_strdup(session->client_address);
}

static void tell_progress(void *context)
{
    smfi_progress(context);
}

/* The gateway's result, or the failure before it could be called. */
static struct passage *pass(SMFICTX *context, struct session *session)
{
    struct turn turn = {.service = service,
                        .waiting = {.seconds = PROGRESS_SECONDS, .tell = tell_progress, .context = context}};
    const struct turns turns = {
        .enter = turn_enter, .leave = turn_leave, .rest = turn_rest, .tell = turn_tell, .context = &turn};
    struct passage_request request = {
        .envelope = transaction_envelope(session->transaction), .at = time(NULL), .turns = &turns};
    bool whole = transaction_finish(session->transaction);
    if (!whole && !gateway_passes(session->gateway, request.envelope))
        return passage_failed(session->gateway, request.envelope, transaction_failure(session->transaction),
                              transaction_error(session->transaction));
    request.message = whole ? transaction_message(session->transaction) : NULL;
    turn.client = fair_client(request.envelope->client_address);
    struct passage *passage = gateway_pass(session->gateway, &request);
    g_free(turn.client);
    if (turn.paused)
        service_finish(service);
    return passage;
}

static bool target_insert(void *context, const char *name, const char *value)
{
    return smfi_insheader(context, 0, (char *)name, (char *)value) == MI_SUCCESS;
}

static bool target_append(void *context, const char *name, const char *value)
{
    return smfi_addheader(context, (char *)name, (char *)value) == MI_SUCCESS;
}

static bool target_change(void *context, const char *name, unsigned index, const char *value)
{
    return smfi_chgheader(context, (char *)name, (int)index, (char *)value) == MI_SUCCESS;
}

static bool target_replace_body(void *context, struct slice chunk)
{
    return smfi_replacebody(context, (unsigned char *)chunk.data, (int)chunk.len) == MI_SUCCESS;
}

/* Sends the edits and the quarantine of an accepted message. If one is not accepted, the message is a temporary
 * failure, and the MTA then discards all edits. */
static bool hand_over(SMFICTX *context, const struct session *session, const struct passage *passage,
                      struct error *error)
{
    const struct apply_target target = {context, target_insert, target_append, target_change, target_replace_body};
    if (!apply_edits(&passage->made.edits, session->leading_space, &target, error))
        return false;
    if (passage->reply.verdict != VERDICT_QUARANTINE)
        return true;
    if (!session->can_quarantine)
        return error_set(error, ERROR_PERMANENT, "the mail server has no quarantine");
    struct smtp_reply reply;
    smtp_reply_of(&passage->reply, &reply);
    if (smfi_quarantine(context, *reply.text != '\0' ? reply.text : (char *)"S/MIME policy") != MI_SUCCESS)
        return error_set(error, ERROR_TEMPORARY, "the mail server did not take the quarantine");
    return true;
}

static void write_log(const struct passage *passage)
{
    g_autofree char *line = passage_log_line(passage);
    enum log_level level = passage->reply.verdict == VERDICT_TEMPFAIL ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;
    log_write(passage->alarm ? LOG_LEVEL_ERROR : level, "%s", line);
}

static sfsistat on_end_of_message(SMFICTX *context)
{
    struct session *session = session_of(context);
    struct error error = {0};
    struct smtp_reply reply;
    if (session->transaction == NULL) {
        log_write(LOG_LEVEL_ERROR, "the mail server ended a message that it had not begun");
        return SMFIS_TEMPFAIL;
    }
    complete_envelope(context, session);
    take_up(session, PIECE_END, NULL, SLICE_NONE);
    struct passage *passage = pass(context, session);
    if (reply_accepts(&passage->reply) && !hand_over(context, session, passage, &error))
        reply_set(&passage->reply, REPLY_EDIT, error.text, error.said);
    smtp_reply_of(&passage->reply, &reply);
    if (reply.disposition != SMFIS_ACCEPT && smfi_setreply(context, reply.code, reply.status, reply.text) != MI_SUCCESS)
        log_write(LOG_LEVEL_ERROR, "reply %s %s could not be set", reply.code, reply.status);
    write_log(passage);
    passage_count(passage);
    /* The passage refers to the message. */
    passage_free(passage);
    end_message(session);
    crash_leave();
    return reply.disposition;
}

static sfsistat on_abort(SMFICTX *context)
{
    end_message(session_of(context));
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    struct session *session = smfi_getpriv(context);
    if (session == NULL)
        return SMFIS_CONTINUE;
    smfi_setpriv(context, NULL);
    end_message(session);
    crash_trail_free(session->trail);
    g_free(session->client_address);
    g_free(session);
    return SMFIS_CONTINUE;
}

bool session_register(struct service *shared, const char *name, bool tcp, struct error *error)
{
    struct smfiDesc description = {
        .xxfi_name = (char *)name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = NEEDED_ACTIONS | SMFIF_QUARANTINE,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_sender,
        .xxfi_envrcpt = on_recipient,
        .xxfi_data = on_data,
        .xxfi_header = on_field,
        .xxfi_eoh = on_end_of_header,
        .xxfi_body = on_body,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
    service = shared;
    over_tcp = tcp;
    (void)smfi_setmaxdatasize(PACKET_MAX);
    if (smfi_register(description) != MI_SUCCESS)
        return error_set(error, ERROR_BUG, "libmilter did not accept the callbacks");
    return true;
}
