/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_tap: the third party on the wire between two mail servers. Takes SMTP on one address, passes it on to another,
 * keeps each message as it was on the wire, and alters one on the way when told to.
 *
 * DIR/1.eml, DIR/2.eml, … hold the messages as they arrived here (dots unstuffed), DIR/1.env the envelope commands and
 * the reply of the far server. A message is complete when its .env is there. When a file DIR/tamper exists, the next
 * message is altered by what its one line says, and the file is removed:
 *
 *     flip PERCENT      another character of base64's alphabet at that place of the body
 *     replace OLD|NEW   the first OLD in the body becomes NEW
 *     footer TEXT       a line is added at the end, as a mailing list would
 *     header FIELD      a field is put on top
 *
 * It offers no PIPELINING, no CHUNKING and no STARTTLS, so that each command has its reply before the next one comes.
 * It does not reorder, queue or retry: what the far server says is what the near one hears.
 */
#include "smtp_net.h"

static char *option_listen, *option_forward, *option_bind, *option_folder;

static const GOptionEntry OPTIONS[] = {
    {"listen", 'l', 0, G_OPTION_ARG_STRING, &option_listen, "address to take mail on", "IP:PORT"},
    {"forward", 'f', 0, G_OPTION_ARG_STRING, &option_forward, "where it goes", "IP:PORT"},
    {"bind", 'b', 0, G_OPTION_ARG_STRING, &option_bind, "source address towards there", "IP"},
    {"folder", 'd', 0, G_OPTION_ARG_FILENAME, &option_folder, "where messages are kept", "DIR"},
    {0},
};

static volatile gint serial;

struct line {
    char *bytes;
    size_t size;
};

struct pair {
    FILE *near, *far;
    int near_fd, far_fd;
    struct line line;
    GString *envelope;
};

/* One line with its line end, or 0 at the end. */
static size_t read_line(FILE *in, struct line *line)
{
    ssize_t length = getline(&line->bytes, &line->size, in);
    return length > 0 ? (size_t)length : 0;
}

static bool is_offer(const char *line, const char *word)
{
    return strlen(line) > 4 && g_ascii_strncasecmp(line + 4, word, strlen(word)) == 0;
}

/* Passes one reply from the far server to the near one; its code, or 0 when the connection is gone. */
static int pass_reply(struct pair *pair)
{
    static const char *const HIDDEN[] = {"PIPELINING", "CHUNKING", "STARTTLS"};
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    bool more = true;
    int code = 0;

    while (more) {
        size_t length = read_line(pair->far, &pair->line);
        if (length < 5)
            return 0;
        bool hidden = false;
        for (size_t i = 0; i < G_N_ELEMENTS(HIDDEN); i++)
            hidden |= is_offer(pair->line.bytes, HIDDEN[i]);
        more = pair->line.bytes[3] == '-';
        code = atoi(pair->line.bytes);
        if (!hidden)
            g_ptr_array_add(lines, g_strndup(pair->line.bytes, length));
    }
    for (guint i = 0; i < lines->len; i++) {
        char *line = lines->pdata[i];
        line[3] = i + 1 < lines->len ? '-' : ' ';
        if (!net_write(pair->near_fd, line, strlen(line)))
            return 0;
    }
    return code;
}

static size_t body_start(const GString *message)
{
    const char *at = g_strstr_len(message->str, (gssize)message->len, "\r\n\r\n");
    return at ? (size_t)(at - message->str) + 4 : message->len;
}

static void flip(GString *message, unsigned percent)
{
    size_t start = body_start(message);
    for (size_t at = start + (message->len - start) / 100 * MIN(percent, 99u); at < message->len; at++)
        if (g_ascii_isalnum(message->str[at])) {
            message->str[at] = message->str[at] == 'A' ? 'B' : 'A';
            return;
        }
}

static void replace(GString *message, const char *words)
{
    g_auto(GStrv) parts = g_strsplit(words, "|", 2);

    if (!parts[0] || !parts[0][0] || !parts[1])
        return;
    size_t start = body_start(message);
    const char *at = g_strstr_len(message->str + start, (gssize)(message->len - start), parts[0]);
    if (!at)
        return;
    gssize place = at - message->str;
    g_string_erase(message, place, (gssize)strlen(parts[0]));
    g_string_insert(message, place, parts[1]);
}

static void tamper(GString *message)
{
    g_autofree char *name = g_build_filename(option_folder, "tamper", NULL);
    g_autofree char *order = NULL;
    if (!g_file_get_contents(name, &order, NULL, NULL) || unlink(name) != 0)
        return;
    g_strchomp(order);
    if (g_str_has_prefix(order, "flip "))
        flip(message, (unsigned)atoi(order + 5));
    else if (g_str_has_prefix(order, "replace "))
        replace(message, order + 8);
    else if (g_str_has_prefix(order, "footer "))
        g_string_append_printf(message, "%s\r\n", order + 7);
    else if (g_str_has_prefix(order, "header ")) {
        g_string_prepend(message, "\r\n");
        g_string_prepend(message, order + 7);
    }
}

static bool pass_on(int fd, const GString *message)
{
    g_autoptr(GString) wire = g_string_sized_new(message->len + 1024);

    for (size_t i = 0; i < message->len; i++) {
        if (message->str[i] == '.' && (i == 0 || (i >= 2 && !memcmp(message->str + i - 2, "\r\n", 2))))
            g_string_append_c(wire, '.');
        g_string_append_c(wire, message->str[i]);
    }
    g_string_append(wire, ".\r\n");
    return net_write(fd, wire->str, wire->len);
}

static void keep(int number, const char *suffix, const GString *bytes)
{
    g_autofree char *name = g_strdup_printf("%s/%d.%s", option_folder, number, suffix);
    if (!g_file_set_contents(name, bytes->str, (gssize)bytes->len, NULL))
        fprintf(stderr, "cannot write %s\n", name);
}

static bool pass_message(struct pair *pair)
{
    g_autoptr(GString) message = g_string_new(NULL);
    bool ended = true; /* the line before ended with CRLF */

    for (;;) {
        size_t length = read_line(pair->near, &pair->line);
        if (length == 0)
            return false;
        const char *line = pair->line.bytes;
        if (ended && length == 3 && memcmp(line, ".\r\n", 3) == 0)
            break;
        size_t skip = ended && line[0] == '.' ? 1 : 0;
        g_string_append_len(message, line + skip, (gssize)(length - skip));
        ended = length >= 2 && line[length - 2] == '\r';
    }
    int number = g_atomic_int_add(&serial, 1) + 1;
    keep(number, "eml", message);
    tamper(message);
    bool passed = pass_on(pair->far_fd, message) && pass_reply(pair) != 0;
    g_string_append(pair->envelope, passed ? pair->line.bytes : "connection lost\r\n");
    keep(number, "env", pair->envelope);
    g_string_truncate(pair->envelope, 0);
    return passed;
}

static void talk(struct pair *pair)
{
    if (pass_reply(pair) == 0)
        return;
    for (;;) {
        size_t length = read_line(pair->near, &pair->line);
        if (length == 0 || !net_write(pair->far_fd, pair->line.bytes, length))
            return;
        bool data = g_ascii_strncasecmp(pair->line.bytes, "DATA", 4) == 0;
        bool quit = g_ascii_strncasecmp(pair->line.bytes, "QUIT", 4) == 0;
        if (g_ascii_strncasecmp(pair->line.bytes, "MAIL", 4) == 0)
            g_string_truncate(pair->envelope, 0);
        if (strchr("MmRr", pair->line.bytes[0]))
            g_string_append_len(pair->envelope, pair->line.bytes, (gssize)length);
        int code = pass_reply(pair);
        if (code == 0 || quit || (data && code == 354 && !pass_message(pair)))
            return;
    }
}

static void *serve(void *argument)
{
    struct pair pair = {.near_fd = GPOINTER_TO_INT(argument), .far_fd = net_connect(option_forward, option_bind)};
    pair.envelope = g_string_new(NULL);
    pair.near = fdopen(pair.near_fd, "r");
    pair.far = pair.far_fd >= 0 ? fdopen(pair.far_fd, "r") : NULL;
    if (pair.near && pair.far)
        talk(&pair);
    else if (pair.near)
        (void)net_write(pair.near_fd, "421 4.4.1 nobody there\r\n", 24);
    if (pair.far)
        fclose(pair.far);
    if (pair.near)
        fclose(pair.near);
    free(pair.line.bytes);
    g_string_free(pair.envelope, TRUE);
    return NULL;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_add_main_entries(context, OPTIONS, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL) || !option_listen || !option_forward || !option_folder) {
        fprintf(stderr, "usage: smtp_tap -l IP:PORT -f IP:PORT [-b IP] -d DIR\n");
        return 64;
    }
    net_serve(option_listen, serve);
}
