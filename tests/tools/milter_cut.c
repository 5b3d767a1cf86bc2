/* SPDX-License-Identifier: Apache-2.0 */
/*
 * milter_cut: stands between a mail server and a milter, passes on what both say, and breaks both connections after the
 * milter's n-th edit of a message (before its next edit or its verdict): what a milter that dies at that moment looks
 * like to the server.
 *
 * DIR/limit holds n (0: before the first edit; absent or -1: never); it is read anew for every connection. DIR/edits is
 * the number of edits that were passed on for the last message, DIR/cut exists once a connection was cut. If DIR/mute
 * exists, the milter does not learn that the server lets it choose its macros, as behind a multiplexer of milters.
 * The milter protocol's frames are a 32-bit length in network order, a command octet and data (libmilter/mfdef.h).
 * Frames are not understood beyond that. One connection at a time is enough here, but each has its own thread.
 */
#include "smtp_net.h"

#include <poll.h>

static char *option_listen, *option_forward, *option_folder;

static const GOptionEntry OPTIONS[] = {
    {"listen", 'l', 0, G_OPTION_ARG_STRING, &option_listen, "address for the mail server", "IP:PORT"},
    {"forward", 'f', 0, G_OPTION_ARG_STRING, &option_forward, "the milter", "IP:PORT"},
    {"folder", 'd', 0, G_OPTION_ARG_FILENAME, &option_folder, "where limit, edits and cut are", "DIR"},
    {0},
};

/* SMFIR_ codes that change a message; 'e' is the change of the sender, '2' a recipient with parameters. */
static const char EDITS[] = "+2-bhmieq";
static const char PROGRESS = 'p';

static bool read_all(int fd, void *bytes, size_t length)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t got = read(fd, at, length);
        if (got <= 0)
            return false;
        at += got;
        length -= (size_t)got;
    }
    return true;
}

/* One frame with its length field, or NULL at the end. */
static GByteArray *read_frame(int fd)
{
    uint32_t size;
    if (!read_all(fd, &size, sizeof(size)) || ntohl(size) == 0 || ntohl(size) > 64u << 20)
        return NULL;
    GByteArray *frame = g_byte_array_new();
    g_byte_array_append(frame, (guint8 *)&size, sizeof(size));
    g_byte_array_set_size(frame, (guint)sizeof(size) + ntohl(size));
    if (read_all(fd, frame->data + sizeof(size), ntohl(size)))
        return frame;
    g_byte_array_unref(frame);
    return NULL;
}

static void keep(const char *what, int number)
{
    g_autofree char *name = g_build_filename(option_folder, what, NULL);
    g_autofree char *text = g_strdup_printf("%d\n", number);
    (void)g_file_set_contents(name, text, -1, NULL);
}

static int limit(void)
{
    g_autofree char *name = g_build_filename(option_folder, "limit", NULL);
    g_autofree char *text = NULL;
    return g_file_get_contents(name, &text, NULL, NULL) ? atoi(text) : -1;
}

/* Passes one frame from the milter on. False when the connection is to be broken. */
static bool pass_reply(int from, int to, int allowed, int *edits)
{
    g_autoptr(GByteArray) frame = read_frame(from);

    if (!frame)
        return false;
    char command = (char)frame->data[sizeof(uint32_t)];
    bool edit = strchr(EDITS, command) != NULL && command != '\0';
    if (allowed >= 0 && *edits >= allowed && (edit || *edits > 0)) {
        keep("cut", *edits);
        return false;
    }
    *edits += edit;
    if (!edit && command != PROGRESS && *edits > 0) {
        keep("edits", *edits);
        *edits = 0;
    }
    return net_write(to, frame->data, frame->len);
}

/* The options that the server offers: command, version, actions, steps. */
static void mute(GByteArray *frame)
{
    enum { COMMAND = 4, ACTIONS = 9, SIZE = 17, SETSYMLIST = 1 /* of the third octet */ };
    g_autofree char *name = g_build_filename(option_folder, "mute", NULL);
    if (frame->len == SIZE && frame->data[COMMAND] == 'O' && g_file_test(name, G_FILE_TEST_EXISTS))
        frame->data[ACTIONS + 2] &= (guint8)~SETSYMLIST;
}

static void *serve(void *argument)
{
    int near = GPOINTER_TO_INT(argument);
    int far = net_connect(option_forward, NULL);
    int allowed = limit();
    int edits = 0;
    bool more = far >= 0;
    while (more) {
        struct pollfd fds[2] = {{.fd = near, .events = POLLIN}, {.fd = far, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0)
            break;
        if (fds[1].revents)
            more = pass_reply(far, near, allowed, &edits);
        if (more && fds[0].revents) {
            g_autoptr(GByteArray) frame = read_frame(near);
            if (frame)
                mute(frame);
            more = frame && net_write(far, frame->data, frame->len);
        }
    }
    close(near);
    if (far >= 0)
        close(far);
    return NULL;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_add_main_entries(context, OPTIONS, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL) || !option_listen || !option_forward || !option_folder) {
        fprintf(stderr, "usage: milter_cut -l IP:PORT -f IP:PORT -d DIR\n");
        return 64;
    }
    net_serve(option_listen, serve);
}
