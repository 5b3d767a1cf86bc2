/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_compare [-n] SENT DELIVERED: does the delivered message say what was sent?
 *
 * Equal means: the same tree of parts, each with the same media type, parameters, disposition and Content-ID, each leaf
 * the same octets once its transfer encoding is taken off (text and reports with their line ends as LF), and every
 * header field of the sent message, MIME fields apart, in its place and unchanged to the octet, folding included
 * (transports may add fields of their own). With -n the last line of a leaf may have got a line end. Prints "N parts, N
 * octets" and ends with 0, or prints the first difference and ends with 1. GMime reads both; nothing of the product is
 * used.
 */
#include <gmime/gmime.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct count {
    unsigned parts;
    size_t octets;
    bool final_line_end; /* may have been added */
};

static void differ(const char *what, const char *sent, const char *delivered)
{
    printf("differs: %s: sent \"%.200s\", delivered \"%.200s\"\n", what, sent ? sent : "(none)",
           delivered ? delivered : "(none)");
    exit(1);
}

static void same(const char *what, const char *sent, const char *delivered)
{
    if (g_strcmp0(sent, delivered) != 0)
        differ(what, sent, delivered);
}

static GMimeMessage *message_open(const char *name)
{
    g_autoptr(GError) error = NULL;
    GMimeStream *stream = g_mime_stream_file_open(name, "r", &error);

    if (!stream) {
        fprintf(stderr, "%s\n", error->message);
        exit(66);
    }
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
    if (!message) {
        printf("differs: %s is no message\n", name);
        exit(1);
    }
    return message;
}

/* Line ends as LF, in place. */
static void text_line_ends(GByteArray *bytes)
{
    guint kept = 0;
    for (guint i = 0; i < bytes->len; i++)
        if (bytes->data[i] != '\r' || i + 1 >= bytes->len || bytes->data[i + 1] != '\n')
            bytes->data[kept++] = bytes->data[i];
    g_byte_array_set_size(bytes, kept);
}

static GByteArray *content(GMimeObject *part)
{
    GByteArray *bytes = g_byte_array_new();
    GMimeDataWrapper *wrapper = g_mime_part_get_content(GMIME_PART(part));
    if (wrapper) {
        GMimeStream *memory = g_mime_stream_mem_new_with_byte_array(bytes);
        g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(memory), FALSE);
        g_mime_data_wrapper_write_to_stream(wrapper, memory);
        g_object_unref(memory);
    }
    GMimeContentType *type = g_mime_object_get_content_type(part);
    if (g_mime_content_type_is_type(type, "text", "*") || g_mime_content_type_is_type(type, "message", "*"))
        text_line_ends(bytes);
    return bytes;
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

/* The parameters of a media type but the boundary, which is nobody's content; sorted by name. */
static char *parameters(GMimeObject *part)
{
    GMimeContentType *type = g_mime_object_get_content_type(part);
    GMimeParamList *list = g_mime_content_type_get_parameters(type);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    bool charset = false;

    for (int i = 0; list && i < g_mime_param_list_length(list); i++) {
        GMimeParam *parameter = g_mime_param_list_get_parameter_at(list, i);
        const char *name = g_mime_param_get_name(parameter);
        if (g_ascii_strcasecmp(name, "boundary") == 0)
            continue;
        charset |= g_ascii_strcasecmp(name, "charset") == 0;
        g_ptr_array_add(words, g_strdup_printf("%s=%s", name, g_mime_param_get_value(parameter)));
    }
    if (!charset && g_mime_content_type_is_type(type, "text", "plain"))
        g_ptr_array_add(words, g_strdup("charset=us-ascii")); /* RFC 2045 5.2: the default */
    g_ptr_array_sort(words, by_name);
    g_ptr_array_add(words, NULL);
    return g_strjoinv("; ", (char **)words->pdata);
}

static void compare_part(GMimeObject *sent, GMimeObject *delivered, struct count *count);

static void compare_leaf(GMimeObject *sent, GMimeObject *delivered, struct count *count)
{
    g_autoptr(GByteArray) a = content(sent);
    g_autoptr(GByteArray) b = content(delivered);

    count->parts++;
    count->octets += a->len;
    if (count->final_line_end && b->len == a->len + 1 && b->data[a->len] == '\n')
        g_byte_array_set_size(b, a->len);
    for (guint i = 0; i < MIN(a->len, b->len); i++)
        if (a->data[i] != b->data[i]) {
            g_autofree char *place = g_strdup_printf("octet %u of part %u", i, count->parts);
            g_autofree char *was = g_strdup_printf("%02x", a->data[i]);
            g_autofree char *is = g_strdup_printf("%02x", b->data[i]);
            differ(place, was, is);
        }
    if (a->len != b->len) {
        g_autofree char *place = g_strdup_printf("length of part %u", count->parts);
        g_autofree char *was = g_strdup_printf("%u", a->len);
        g_autofree char *is = g_strdup_printf("%u", b->len);
        differ(place, was, is);
    }
}

static void compare_headers(GMimeMessage *sent, GMimeMessage *delivered)
{
    GMimeHeaderList *a = g_mime_object_get_header_list(GMIME_OBJECT(sent));
    GMimeHeaderList *b = g_mime_object_get_header_list(GMIME_OBJECT(delivered));
    int at = 0;
    for (int i = 0; i < g_mime_header_list_get_count(a); i++) {
        GMimeHeader *wanted = g_mime_header_list_get_header_at(a, i);
        const char *name = g_mime_header_get_name(wanted);
        if (g_ascii_strncasecmp(name, "Content-", 8) == 0 || g_ascii_strcasecmp(name, "MIME-Version") == 0)
            continue;
        g_auto(GStrv) lines = g_strsplit(g_mime_header_get_raw_value(wanted), "\r\n", -1);
        g_autofree char *value = g_strjoinv("\n", lines);
        const char *last = NULL;
        bool found = false;
        for (; at < g_mime_header_list_get_count(b) && !found; at++) {
            GMimeHeader *there = g_mime_header_list_get_header_at(b, at);
            g_auto(GStrv) there_lines = g_strsplit(g_mime_header_get_raw_value(there), "\r\n", -1);
            g_autofree char *there_value = g_strjoinv("\n", there_lines);
            if (g_strcmp0(g_mime_header_get_name(there), name) != 0)
                continue;
            last = g_mime_header_get_raw_value(there);
            found = g_strcmp0(there_value, value) == 0;
        }
        if (!found)
            differ(name, value, last);
    }
}

static void compare_message(GMimeMessage *sent, GMimeMessage *delivered, struct count *count)
{
    compare_headers(sent, delivered);
    GMimeObject *a = g_mime_message_get_mime_part(sent);
    GMimeObject *b = g_mime_message_get_mime_part(delivered);
    if (!a != !b)
        differ("body", a ? "one" : "none", b ? "one" : "none");
    if (a)
        compare_part(a, b, count);
}

static void compare_part(GMimeObject *sent, GMimeObject *delivered, struct count *count)
{
    g_autofree char *a_type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(sent));
    g_autofree char *b_type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(delivered));
    g_autofree char *a_parameters = parameters(sent);
    g_autofree char *b_parameters = parameters(delivered);
    same("media type", a_type, b_type);
    same("parameters of the media type", a_parameters, b_parameters);
    same("disposition", g_mime_object_get_disposition(sent), g_mime_object_get_disposition(delivered));
    same("Content-ID", g_mime_object_get_content_id(sent), g_mime_object_get_content_id(delivered));
    if (GMIME_IS_MULTIPART(sent) && GMIME_IS_MULTIPART(delivered)) {
        int children = g_mime_multipart_get_count(GMIME_MULTIPART(sent));
        if (children != g_mime_multipart_get_count(GMIME_MULTIPART(delivered)))
            differ("number of parts", a_type, b_type);
        for (int i = 0; i < children; i++)
            compare_part(g_mime_multipart_get_part(GMIME_MULTIPART(sent), i),
                         g_mime_multipart_get_part(GMIME_MULTIPART(delivered), i), count);
    } else if (GMIME_IS_MESSAGE_PART(sent) && GMIME_IS_MESSAGE_PART(delivered)) {
        compare_message(g_mime_message_part_get_message(GMIME_MESSAGE_PART(sent)),
                        g_mime_message_part_get_message(GMIME_MESSAGE_PART(delivered)), count);
    } else if (GMIME_IS_PART(sent) && GMIME_IS_PART(delivered)) {
        same("file name", g_mime_part_get_filename(GMIME_PART(sent)), g_mime_part_get_filename(GMIME_PART(delivered)));
        compare_leaf(sent, delivered, count);
    } else {
        differ("kind of part", a_type, b_type);
    }
}

int main(int argc, char **argv)
{
    struct count count = {.final_line_end = argc == 4 && strcmp(argv[1], "-n") == 0};
    if (argc != 3 + count.final_line_end) {
        fprintf(stderr, "usage: mail_compare [-n] SENT DELIVERED\n");
        return 64;
    }
    g_mime_init();
    GMimeMessage *sent = message_open(argv[argc - 2]);
    GMimeMessage *delivered = message_open(argv[argc - 1]);
    compare_message(sent, delivered, &count);
    printf("%u part%s, %zu octets\n", count.parts, count.parts == 1 ? "" : "s", count.octets);
    g_object_unref(sent);
    g_object_unref(delivered);
    return 0;
}
