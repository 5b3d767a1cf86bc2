/* SPDX-License-Identifier: Apache-2.0 */
/*
 * treatment: which parts have to be recoded, and how. canonical.c does it.
 *
 * A signed entity must pass MTAs unchanged, so what will be signed becomes 7-bit with short lines and without anything
 * that some MTA or mailbox changes:
 *
 *     leaf without trouble                   unchanged; a label "8bit" or "binary" becomes "7bit"
 *     text leaf with trouble                 quoted-printable (base64 again if it was base64)
 *     other leaf with trouble                base64
 *     multipart/signed, multipart/encrypted, message/…, base64 of application/pkcs7-mime
 *                                            unchanged, whatever its content: a signature may be inside
 *     part with a fault, unknown or broken transfer encoding
 *                                            unchanged except bare CR and LF: it cannot be split reliably
 *
 * What comes out of a layer to be delivered has been anything (RFC 8551 §3.1.2: binary). Only what the transport cannot
 * carry is recoded, and everything is: NUL, a bare CR or LF and a line over 998 octets would be changed on the way. So
 * nothing is exempt, but what a signature covers keeps its octets if there is a way:
 *
 *     multipart/signed of S/MIME             the same signature as application/pkcs7-mime, in base64
 *     another multipart/signed               its parts; 8-bit alone stays, for a signature that it would break
 *     message/rfc822                         the parts of the message in it (RFC 2046 §5.2.1 allows no base64 around
 * it) lines of text that end in LF, not said to be binary CRLF line ends unknown or broken transfer encoding, message/…
 * that allows no encoding base64 of the octets as application/octet-stream
 */
#include "treatment.h"

#include "lines.h"

#include <string.h>

static bool is_multipart(const struct part *part)
{
    return text_begins_with(part->type, "multipart/");
}

static bool declares_eight_bit(const struct part *part)
{
    return part->encoding == ENCODING_8BIT || part->encoding == ENCODING_BINARY;
}

static unsigned scan_body(const struct part *part, bool is_child)
{
    return lines_scan(part->body) & ~(is_child ? TROUBLE_OPEN : 0u);
}

unsigned treatment_barred(const struct transport *transport)
{
    return transport != NULL && transport->eight_bit ? TROUBLE_HARD & ~(unsigned)TROUBLE_EIGHT_BIT : TROUBLE_HARD;
}

static enum treatment encoded(const struct part *part)
{
    if (part->encoding == ENCODING_BASE64)
        return BASE64;
    return text_begins_with(part->type, "text/") ? QUOTED : BASE64;
}

/* --- what will be signed --- */

/* Parts whose content we must not change, because signatures may cover it. */
static bool is_sealed(const struct part *part)
{
    return strcmp(part->type, "multipart/signed") == 0 || strcmp(part->type, "multipart/encrypted") == 0 ||
           text_begins_with(part->type, "message/") ||
           (part->encoding == ENCODING_BASE64 && text_begins_with(part->type, "application/") &&
            part_is_pkcs7_mime(part));
}

static enum treatment for_signing(const struct part *part, bool is_child, unsigned *troubles)
{
    if (is_multipart(part) && part->fault == NULL && !is_sealed(part))
        return OPEN;
    *troubles = scan_body(part, is_child);
    if (part->fault != NULL)
        return LINE_ENDS;
    if (is_sealed(part) || *troubles == 0)
        return KEEP;
    if (part->encoding == ENCODING_UNKNOWN)
        return LINE_ENDS;
    if (part->encoding == ENCODING_BASE64 && *troubles == TROUBLE_OPEN)
        return KEEP;
    return encoded(part);
}

/* --- what is delivered --- */

static enum treatment for_delivery_multipart(const struct part *part, const struct transport *transport)
{
    unsigned covered = 0;
    if (strcmp(part->type, "multipart/signed") != 0 || part->child_count == 0)
        return OPEN;
    covered = lines_scan(part->children[0].whole) & treatment_barred(transport);
    if (covered != 0 && part_is_multipart_signed(part) && part->fault == NULL)
        return OPAQUE;
    return covered == TROUBLE_EIGHT_BIT ? KEEP : OPEN;
}

/* What readers make of it is not known; 8-bit octets alone are left to them. */
static enum treatment undecodable(unsigned barred)
{
    return (barred & (TROUBLE_NUL | TROUBLE_LONG)) != 0 ? OCTETS : LINE_ENDS;
}

static enum treatment for_delivery_message(const struct part *part, unsigned barred)
{
    static const char *const messages[] = {"message/rfc822", "message/global", "message/news"};
    if (part->encoding == ENCODING_BASE64 || part->encoding == ENCODING_QUOTED_PRINTABLE)
        return part->encoding == ENCODING_BASE64 ? BASE64 : QUOTED;
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
        if (strcmp(part->type, messages[i]) == 0)
            return NEST;
    if (text_begins_with(part->type, "message/global-")) /* RFC 6533 §6.2 allows an encoding */
        return part->encoding == ENCODING_UNKNOWN ? undecodable(barred) : QUOTED;
    return (barred & ~(unsigned)TROUBLE_EIGHT_BIT) == 0 ? KEEP : OCTETS;
}

/* RFC 2045 §2.7, §2.8: a CR or an LF by itself cannot be content of it, and is a line end of some software. */
static bool is_lines_of_text(const struct part *part)
{
    return text_begins_with(part->type, "text/") &&
           (part->encoding == ENCODING_7BIT || part->encoding == ENCODING_8BIT);
}

static enum treatment for_delivery(const struct part *part, const struct transport *transport, bool is_child,
                                   unsigned *troubles)
{
    if (is_multipart(part) && part->child_count > 0) {
        enum treatment treatment = for_delivery_multipart(part, transport);
        if (treatment != OPEN)
            *troubles = scan_body(part, is_child);
        return treatment;
    }
    *troubles = scan_body(part, is_child);
    unsigned barred = *troubles & treatment_barred(transport);
    if (text_begins_with(part->type, "message/") && (barred != 0 || part->encoding == ENCODING_BINARY))
        return for_delivery_message(part, barred);
    /* The CRLF that an MTA adds at the end would be one of the content. */
    bool is_open = (*troubles & TROUBLE_OPEN) != 0;
    if (barred == 0 && (!is_open || text_begins_with(part->type, "message/")))
        return KEEP;
    if (is_multipart(part) || part->encoding == ENCODING_UNKNOWN)
        return undecodable(barred);
    return barred == TROUBLE_BARE && is_lines_of_text(part) ? LINE_ENDS : encoded(part);
}

/* --- both --- */

enum treatment treatment_choose(const struct part *part, const struct transport *transport, bool is_child,
                                unsigned *troubles)
{
    *troubles = 0;
    return transport == NULL ? for_signing(part, is_child, troubles)
                             : for_delivery(part, transport, is_child, troubles);
}

enum treatment treatment_otherwise(const struct transport *transport, enum treatment treatment, unsigned troubles)
{
    if (treatment == OPAQUE)
        return OPEN;
    if (treatment == NEST)
        return (troubles & (TROUBLE_NUL | TROUBLE_BARE | TROUBLE_LONG)) != 0 ? OCTETS : KEEP;
    return transport == NULL ? LINE_ENDS : undecodable(troubles);
}

static const char *transfer_label(const struct part *part, unsigned left)
{
    if (!declares_eight_bit(part) || (left & (TROUBLE_NUL | TROUBLE_BARE | TROUBLE_LONG)) != 0)
        return NULL;
    if ((left & TROUBLE_EIGHT_BIT) == 0)
        return "Content-Transfer-Encoding: 7bit\r\n";
    return part->encoding == ENCODING_BINARY ? "Content-Transfer-Encoding: 8bit\r\n" : NULL;
}

struct relabelling treatment_label(const struct part *part, const struct transport *transport, enum treatment treatment,
                                   unsigned left)
{
    static const char *const encoding[] = {"Content-Transfer-Encoding", NULL};
    static const char *const type[] = {"Content-Transfer-Encoding", "Content-Type", NULL};
    static const char *const all[] = {"Content-Transfer-Encoding", "Content-Type", "Content-Disposition", NULL};
    switch (treatment) {
    case QUOTED:
        return (struct relabelling){"Content-Transfer-Encoding: quoted-printable\r\n", encoding};
    case BASE64:
        return (struct relabelling){"Content-Transfer-Encoding: base64\r\n", encoding};
    case OCTETS:
        return (struct relabelling){"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n",
                                    type};
    case OPAQUE:
        return (struct relabelling){transport->opaque_header, all};
    case LINE_ENDS:
        break;
    case KEEP:
    case OPEN:
    case NEST:
        return (struct relabelling){transfer_label(part, left), encoding};
    }
    return (struct relabelling){NULL, encoding};
}

bool treatment_has_label(const struct part *part, const struct transport *transport)
{
    if (transport == NULL ? declares_eight_bit(part) : part->encoding == ENCODING_BINARY)
        return true;
    for (size_t i = 0; i < part->child_count; i++)
        if (treatment_has_label(&part->children[i], transport))
            return true;
    return false;
}
