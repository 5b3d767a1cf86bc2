/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_send: hands message files, byte for byte as they are, to an SMTP server and prints the server's last word on
 * each.
 *
 * Made for tests: it binds to a source address of choice (so that a gateway can tell clients apart), stands in for an
 * authenticated client (XCLIENT, or AUTH PLAIN), sends several messages over one connection, resets in the middle, and
 * cuts a message into BDAT chunks of any size (RFC 3030), which is also the only way to send one without a final line
 * end. It is no mail client: nothing is added to a message and nothing in it is repaired.
 *
 * Exit status: 0 all accepted, 65 one refused for good (5xx), 75 one deferred (4xx), 69 no connection or connection
 * lost.
 */
#include "smtp_net.h"

static char *option_server, *option_bind, *option_from, *option_xclient, *option_auth, *option_helo;
static char **option_to, **option_files;
static gboolean option_utf8, option_eightbit, option_reset, option_abort;
static int option_chunk = -1;

/* Addresses are taken as file names are: octets, whatever the locale. */
static const GOptionEntry OPTIONS[] = {
    {"server", 's', 0, G_OPTION_ARG_STRING, &option_server, "where to", "IP:PORT"},
    {"bind", 'b', 0, G_OPTION_ARG_STRING, &option_bind, "source address", "IP"},
    {"helo", 'h', 0, G_OPTION_ARG_STRING, &option_helo, "name in EHLO", "NAME"},
    {"from", 'f', 0, G_OPTION_ARG_FILENAME, &option_from, "envelope sender", "ADDRESS"},
    {"to", 't', 0, G_OPTION_ARG_FILENAME_ARRAY, &option_to, "envelope recipient, repeatable", "ADDRESS"},
    {"xclient", 'x', 0, G_OPTION_ARG_STRING, &option_xclient, "send XCLIENT first", "ATTRIBUTES"},
    {"auth", 'a', 0, G_OPTION_ARG_STRING, &option_auth, "AUTH PLAIN", "USER:PASSWORD"},
    {"utf8", 'u', 0, G_OPTION_ARG_NONE, &option_utf8, "MAIL with SMTPUTF8 and BODY=8BITMIME", NULL},
    {"eightbit", '8', 0, G_OPTION_ARG_NONE, &option_eightbit, "MAIL with BODY=8BITMIME", NULL},
    {"reset", 'r', 0, G_OPTION_ARG_NONE, &option_reset, "start each message, RSET, start again", NULL},
    {"abort", 'A', 0, G_OPTION_ARG_NONE, &option_abort, "drop the connection half-way through the last message", NULL},
    {"chunk", 'c', 0, G_OPTION_ARG_INT, &option_chunk, "send with BDAT in chunks", "OCTETS"},
    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &option_files, NULL, "FILE..."},
    {0},
};

struct session {
    int fd;
    FILE *in;
    int code;      /* of the last reply */
    GString *text; /* the last reply, its lines joined with " / " */
};

static void lost(void)
{
    printf("connection lost\n");
    exit(69);
}

static int reply(struct session *session)
{
    char line[4096];
    g_string_truncate(session->text, 0);
    do {
        if (!fgets(line, sizeof(line), session->in) || strlen(line) < 4)
            lost();
        g_strchomp(line);
        if (session->text->len > 0)
            g_string_append(session->text, " / ");
        g_string_append(session->text, line);
    } while (line[3] == '-');
    session->code = atoi(line);
    return session->code;
}

static int command(struct session *session, const char *format, ...) G_GNUC_PRINTF(2, 3);
static int command(struct session *session, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    g_autofree char *line = g_strdup_vprintf(format, list);
    va_end(list);
    g_autofree char *wire = g_strconcat(line, "\r\n", NULL);

    if (!net_write(session->fd, wire, strlen(wire)))
        lost();
    return reply(session);
}

static bool greet(struct session *session)
{
    return command(session, "EHLO %s", option_helo ? option_helo : "client.test") == 250;
}

static bool start(struct session *session)
{
    if (reply(session) != 220 || !greet(session))
        return false;
    if (option_xclient && (command(session, "XCLIENT %s", option_xclient) != 220 || !greet(session)))
        return false;
    if (option_auth) {
        g_auto(GStrv) parts = g_strsplit(option_auth, ":", 2);
        g_autoptr(GString) plain = g_string_new(NULL);
        g_string_append_c(plain, 0);
        g_string_append(plain, parts[0] ? parts[0] : "");
        g_string_append_c(plain, 0);
        g_string_append(plain, parts[0] && parts[1] ? parts[1] : "");
        g_autofree char *coded = g_base64_encode((const guchar *)plain->str, plain->len);
        if (command(session, "AUTH PLAIN %s", coded) != 235)
            return false;
    }
    return true;
}

static bool envelope(struct session *session)
{
    const char *parameters = option_utf8 ? " SMTPUTF8 BODY=8BITMIME" : option_eightbit ? " BODY=8BITMIME" : "";
    if (command(session, "MAIL FROM:<%s>%s", option_from, parameters) != 250)
        return false;
    for (char **to = option_to; *to; to++)
        if (command(session, "RCPT TO:<%s>", *to) != 250)
            return false;
    return true;
}

static bool send_data(struct session *session, const char *bytes, size_t length)
{
    g_autoptr(GString) wire = g_string_sized_new(length + length / 32);

    if (command(session, "DATA") != 354)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '.' && (i == 0 || (i >= 2 && bytes[i - 1] == '\n' && bytes[i - 2] == '\r')))
            g_string_append_c(wire, '.');
        g_string_append_c(wire, bytes[i]);
    }
    if (length < 2 || memcmp(bytes + length - 2, "\r\n", 2) != 0)
        g_string_append(wire, "\r\n");
    g_string_append(wire, ".\r\n");
    if (!net_write(session->fd, wire->str, option_abort ? wire->len / 2 : wire->len))
        lost();
    if (option_abort) {
        printf("aborted\n");
        exit(0);
    }
    return reply(session) == 250;
}

static bool send_chunks(struct session *session, const char *bytes, size_t length)
{
    size_t step = option_chunk > 0 ? (size_t)option_chunk : length;
    for (size_t at = 0; at < length;) {
        size_t now = MIN(step, length - at);
        bool last = at + now == length;
        g_autofree char *line = g_strdup_printf("BDAT %zu%s\r\n", now, last ? " LAST" : "");
        if (!net_write(session->fd, line, strlen(line)) || !net_write(session->fd, bytes + at, now))
            lost();
        if (reply(session) != 250)
            return false;
        at += now;
    }
    return true;
}

static bool send_file(struct session *session, const char *name)
{
    g_autofree char *bytes = NULL;
    gsize length = 0;
    if (!g_file_get_contents(name, &bytes, &length, NULL)) {
        fprintf(stderr, "cannot read %s\n", name);
        exit(66);
    }
    if (option_reset && (!envelope(session) || command(session, "RSET") != 250))
        return false;
    if (!envelope(session))
        return false;
    return option_chunk >= 0 ? send_chunks(session, bytes, length) : send_data(session, bytes, length);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    struct session session = {.text = g_string_new(NULL)};
    bool refused = false, deferred = false;

    g_option_context_add_main_entries(context, OPTIONS, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL) || !option_server || !option_from || !option_to ||
        !option_files) {
        fprintf(stderr, "usage: smtp_send -s IP:PORT [-b IP] -f FROM -t TO... [options] FILE...\n");
        return 64;
    }
    session.fd = net_connect(option_server, option_bind);
    session.in = session.fd >= 0 ? fdopen(session.fd, "r") : NULL;
    if (!session.in) {
        printf("no connection to %s\n", option_server);
        return 69;
    }
    bool started = start(&session);
    for (char **file = option_files; *file; file++) {
        bool sent = started && send_file(&session, *file);
        printf("%s\n", session.text->str);
        deferred |= !sent && session.code < 500;
        refused |= !sent && session.code >= 500;
        if (!sent && started)
            (void)command(&session, "RSET");
    }
    if (session.code != 421)
        (void)command(&session, "QUIT");
    return refused ? 65 : deferred ? 75 : 0;
}
