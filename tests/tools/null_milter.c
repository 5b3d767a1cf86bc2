/* SPDX-License-Identifier: Apache-2.0 */
/*
 * null_milter: changes of each message what a signing gateway changes, some header fields and the whole body, and does
 * nothing else: what is left of the price is Postfix's and libmilter's.
 * usage: null_milter SOCKET
 */
#include <glib.h>
#include <libmilter/mfapi.h>

#define SIGNATURE 3500 /* octets that a clear signature adds */

static void body_free(SMFICTX *session)
{
    GByteArray *body = smfi_getpriv(session);
    if (body != NULL)
        g_byte_array_unref(body);
    smfi_setpriv(session, NULL);
}

static sfsistat on_sender(SMFICTX *session, char **arguments)
{
    (void)arguments;
    body_free(session);
    smfi_setpriv(session, g_byte_array_new());
    return SMFIS_CONTINUE;
}

static sfsistat on_recipient(SMFICTX *session, char **arguments)
{
    (void)session;
    (void)arguments;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *session, char *name, char *value)
{
    (void)session;
    (void)name;
    (void)value;
    return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *session, unsigned char *bytes, size_t length)
{
    g_byte_array_append(smfi_getpriv(session), bytes, (guint)length);
    return SMFIS_CONTINUE;
}

static sfsistat on_end(SMFICTX *session)
{
    GByteArray *body = smfi_getpriv(session);
    guint length = body->len;
    g_byte_array_set_size(body, length + SIGNATURE);
    for (guint i = length; i < body->len; i++)
        body->data[i] = (i - length) % 66 == 64 ? '\r' : (i - length) % 66 == 65 ? '\n' : 'A';
    if (smfi_insheader(session, 1, (char *)"MIME-Version", (char *)"1.0") != MI_SUCCESS ||
        smfi_insheader(session, 2, (char *)"Content-Type", (char *)"multipart/mixed; boundary=none") != MI_SUCCESS ||
        smfi_replacebody(session, body->data, (int)body->len) != MI_SUCCESS)
        return SMFIS_TEMPFAIL;
    return SMFIS_ACCEPT;
}

static sfsistat on_close(SMFICTX *session)
{
    body_free(session);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc description = {
        .xxfi_name = (char *)"null_milter",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGBODY,
        .xxfi_envfrom = on_sender,
        .xxfi_envrcpt = on_recipient,
        .xxfi_header = on_header,
        .xxfi_body = on_body,
        .xxfi_eom = on_end,
        .xxfi_close = on_close,
    };
    if (argc != 2 || smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS)
        return 1;
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
