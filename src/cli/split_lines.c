/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split_lines: main.cf's settings are for mail that comes in or leaves. On the way between the two passes of a message
 * that is split, they would change the sealed message, refuse it, or show it to a milter that has seen it. So each
 * option undoes one of them. tests/split/lines.py shows for each that it is needed.
 */
#include "split_lines.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define WIDTH 110
#define CHANGED "the sealed message is changed on its way, and then refused"
#define HELD "sealed messages are held in the queue, and then returned"
#define LOST "notifications do not name the address that the sender used"
#define TWICE "it is applied a second time to each copy"

const struct split_option split_transport[] = {
    {"smtp_bind_address", "127.0.0.1", NULL},
    {"smtp_body_checks", "", CHANGED},
    {"smtp_delivery_status_filter", "", "messages may be returned while the gateway is down"},
    {"smtp_discard_ehlo_keyword_address_maps", "", LOST},
    {"smtp_discard_ehlo_keywords", "", LOST},
    {"smtp_fallback_relay", "", "sealed messages leave by it while the gateway's listener is down"},
    {"smtp_generic_maps", "", CHANGED},
    {"smtp_header_checks", "", CHANGED},
    {"smtp_line_length_limit", "0", CHANGED},
    {"smtp_mime_header_checks", "", CHANGED},
    {"smtp_never_send_ehlo", "no", LOST},
    {"smtp_quote_rfc821_envelope", "yes", HELD},
    {"smtp_reply_filter", "", "replies of the gateway are changed"},
    {"smtp_tls_policy_maps", "", HELD},
    {"smtp_tls_security_level", "none", HELD},
    {"smtp_tls_wrappermode", "no", HELD},
    {NULL, NULL, NULL},
};

const struct split_option split_listener[] = {
    {"cleanup_service_name", SPLIT_CLEANUP, NULL},
    {"local_header_rewrite_clients", "", CHANGED},
    {"message_size_limit", "0", HELD},
    {"milter_default_action", "tempfail", NULL},
    {"milter_macro_daemon_name", "domsec-split", NULL},
    {"mynetworks", "127.0.0.0/8", NULL},
    {"receive_override_options", "no_address_mappings,no_header_body_checks,no_unknown_recipient_checks", NULL},
    {"smtpd_banner", "$myhostname ESMTP", NULL},
    {"smtpd_client_event_limit_exceptions", "127.0.0.0/8", NULL},
    {"smtpd_client_restrictions", "permit_mynetworks,reject", "other hosts can connect to it"},
    {"smtpd_command_filter", "", CHANGED},
    {"smtpd_data_restrictions", "", HELD},
    {"smtpd_discard_ehlo_keyword_address_maps", "", LOST},
    {"smtpd_discard_ehlo_keywords", "", LOST},
    {"smtpd_end_of_data_restrictions", "", HELD},
    {"smtpd_helo_restrictions", "", HELD},
    {"smtpd_milter_maps", "", "the gateway may not be called"},
    {"smtpd_milters", "$domsec_milters", NULL},
    {"smtpd_proxy_filter", "", HELD},
    {"smtpd_recipient_restrictions", "", HELD},
    {"smtpd_relay_restrictions", "permit_mynetworks,reject", HELD},
    {"smtpd_sasl_auth_enable", "no", HELD},
    {"smtpd_sender_restrictions", "", HELD},
    {"smtpd_tls_security_level", "none", HELD},
    {"smtpd_tls_wrappermode", "no", HELD},
    {"smtpd_upstream_proxy_protocol", "", HELD},
    {NULL, NULL, NULL},
};

const struct split_option split_cleanup[] = {
    {"message_size_limit", "0", HELD},
    {"milter_header_checks", "", TWICE},
    {"remote_header_rewrite_domain", "", CHANGED},
    {NULL, NULL, NULL},
};

void split_print_main(FILE *stream, const char *milter, unsigned indent)
{
    const char *const lines[] = {
        "domsec_milters = ",
        "milter_header_checks = regexp:{ { /^Domsec-Split: v=1/ FILTER " SPLIT_TRANSPORT ":[127.0.0.1]:10026 } }",
        SPLIT_TRANSPORT "_destination_recipient_limit = 1",
        SPLIT_TRANSPORT "_destination_rate_delay = 0s",
        SPLIT_TRANSPORT "_transport_rate_delay = 0s",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        fprintf(stream, "%*s%s%s\n", (int)indent, "", lines[i], i == 0 ? milter : "");
}

/* Several options a line, up to the usual width. */
static void print_service(FILE *stream, const char *line, const struct split_option *options, unsigned indent)
{
    size_t column = WIDTH;
    fprintf(stream, "%*s%s", (int)indent, "", line);
    for (; options->name != NULL; options++) {
        bool braces = strchr(options->value, ' ') != NULL;
        g_autofree char *word = braces ? g_strdup_printf("-o { %s = %s }", options->name, options->value)
                                       : g_strdup_printf("-o %s=%s", options->name, options->value);
        if (column + 1 + strlen(word) > WIDTH) {
            fprintf(stream, "\n%*s ", (int)indent, "");
            column = 1;
        }
        fprintf(stream, " %s", word);
        column += 1 + strlen(word);
    }
    fprintf(stream, "\n");
}

void split_print_master(FILE *stream, unsigned indent)
{
    print_service(stream, SPLIT_TRANSPORT " unix - - n - 10 smtp", split_transport, indent);
    print_service(stream, SPLIT_ADDRESS " inet n - n - - smtpd", split_listener, indent);
    print_service(stream, SPLIT_CLEANUP " unix n - n - 0 cleanup", split_cleanup, indent);
}
