/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime: media types, the tree of parts by offsets into the received bytes, and transfer encodings. GMime parses field
 * values and does the encodings; only src/mail/ knows it. The tree is our own, because signatures are verified on the
 * bytes received (RFC 1847 §2.1), and GMime does not report where a part begins and ends. It is strict where two
 * parsers could differ.
 */
#ifndef DOMSEC_MAIL_MIME_H
#define DOMSEC_MAIL_MIME_H

#include "base/budget.h"
#include "base/bytes.h"
#include "base/error.h"
#include "conf/conf.h"
#include "mail/message.h"
#include "mail/spool.h"

/* Starts GMime; must be called before any other function here. Further calls, from any thread, do nothing. */
void mime_init(void);

enum encoding {
    ENCODING_7BIT,
    ENCODING_8BIT,
    ENCODING_BINARY,
    ENCODING_QUOTED_PRINTABLE,
    ENCODING_BASE64,
    ENCODING_UNKNOWN
};

struct part {
    char *id;            /* IMAP part number: "1", "1.2"; of the root: "" if it is a multipart, else "1" */
    struct slice whole;  /* header, empty line, body; of the root: SLICE_NONE if header and body are apart */
    struct slice header; /* without the empty line, with the CRLF of its last field */
    struct slice body;   /* of a part in a multipart: without the CRLF before the boundary (RFC 2046 §5.1.1) */
    struct fields fields;
    char *type; /* "multipart/signed", lower case; "text/plain" when absent; "" when it cannot be parsed */
    enum encoding encoding;
    const char *fault;     /* why two parsers could see it differently (two Content-Type fields, boundary missing or
                              prefix of another, not closed, over a limit), NULL: nothing */
    struct part *children; /* of a multipart/… with a boundary, in order */
    size_t child_count;
    struct slice preamble, epilogue; /* of a multipart */
    void *parameters;                /* private; see part_parameter() */
    const struct message *message;   /* of a root: whose bytes these are, lent; NULL: not a message as received */
};

/* Builds the tree. message/rfc822 parts are leaves. Malformed input does not make it fail; `fault` of the part
 * describes it. Fails with ERROR_PERMANENT beyond limits->nesting, parts or header sizes. */
struct part *part_parse(struct slice header, struct slice body, const struct limits *limits, struct error *error);
/* The same, paid from budget, which may be NULL. Fails with ERROR_PERMANENT also if it does not suffice. */
struct part *part_parse_paid(struct slice header, struct slice body, const struct limits *limits, struct budget *budget,
                             struct error *error);
/* part_parse_paid() of a message as received; root->message is set. A line of blanks only in its header is no fault:
 * edits take it out (edits_finish()). */
struct part *part_parse_message(const struct message *message, const struct limits *limits, struct budget *budget,
                                struct error *error);
void part_free(struct part *part);
/* Splits header, empty line and body of an opened layer (CRLF lines). header includes the CRLF of its last field,
 * without the empty line. False if there is no empty line: everything is header then. */
bool part_split(struct slice whole, struct slice *header, struct slice *body);
/* part_parse() of such bytes; root->whole is set. */
struct part *part_parse_entity(struct slice whole, const struct limits *limits, struct error *error);
/* True if the bytes begin with a header that has a field of MIME (RFC 2045 §3), or an empty one. Line ends may be LF.
 */
bool mime_is_entity(struct slice bytes, const struct limits *limits);
/* A parameter of Content-Type (RFC 2231 decoded), lent, NULL if absent. Name lower case. */
const char *part_parameter(const struct part *part, const char *name);
/* True if type is application/pkcs7-mime or application/x-pkcs7-mime, or application/octet-stream with a name or
 * filename ending in .p7m or .p7z (RFC 8551 §3.9, any case). */
bool part_is_pkcs7_mime(const struct part *part);
/* True if its name has two endings, as that of a signed document has: "invoice.xml.p7m". */
bool part_is_named_as_document(const struct part *part);
/* True if multipart/signed with an S/MIME protocol parameter or a pkcs7-signature second part. */
bool part_is_multipart_signed(const struct part *part);

/* The only part of a multipart/mixed that holds nothing else: neither text around it nor a header field of its own that
 * would be lost with the multipart. NULL: it is no such multipart. */
const struct part *part_alone(const struct part *part);

/* Decodes the body by its transfer encoding. Strict for base64: characters outside the alphabet other than white
 * space, or a truncated final group, are ERROR_PERMANENT. Large bodies are decoded in pieces. */
bool part_decode(const struct part *part, struct spool *out, struct error *error);

/* A MIME entity that we made or opened: header has the MIME fields, each with CRLF, without the empty line. */
struct entity {
    struct rope *header;
    struct rope *body;
    bool is_base64; /* the header is ASCII, the body lines of base64: so no boundary is in it */
    bool fragile; /* of mime_canonical(): an MTA may change it (8-bit, NUL, bare CR or LF, lines over 998 octets), and a
                     clear signature over it would break */
    bool eight_bit; /* there are octets beyond ASCII in header or body */
    bool opaque;    /* of mime_deliverable(): a clear signature in it became an opaque one */
};
void entity_clear(struct entity *entity);
/* Header, CRLF, body as one rope that borrows from entity. */
struct rope *entity_bytes(const struct entity *entity);

/* The entity to protect (RFC 8551 §3.1): the Content-* fields of root (its other fields stay outside), and the
 * canonical body: CRLF line ends, and every leaf 7-bit with lines up to 998 octets and without bytes that a hop
 * changes (trailing white space, "From " lines, bare CR or LF, NUL, no final newline), by quoted-printable (text) or
 * base64 (other types). Parts of multipart/signed, application/pkcs7-mime and message/rfc822, which may hold
 * signatures, are not changed (RFC 3183 §3.2: a signature must not change). A part with a fault, or one that cannot
 * be decoded, is not changed except for bare CR and LF, so only a spool can make this fail (ERROR_TEMPORARY). The
 * body ends in CRLF or is empty. Without a Content-Type it gets "Content-Type: text/plain; charset=us-ascii" (no
 * charset if it contains 8-bit text). A body that needs no change is borrowed from root's slices, not copied. */
bool mime_canonical(const struct part *root, const struct limits *limits, struct entity *entity, struct error *error);

/* The same of an entity that came out of a layer: all its fields stay in it, as its sender protected them (RFC 9788).
 */
bool mime_canonical_inner(const struct part *root, const struct limits *limits, struct entity *entity,
                          struct error *error);

/* How content goes on that comes out of a layer. */
struct transport {
    bool eight_bit; /* 8-bit content passes (8BITMIME, RFC 6152) */
    /* The MIME fields, each with CRLF, and the base64 body of the application/pkcs7-mime that is the same signature as
     * a multipart/signed. ERROR_PERMANENT: there is no such signature. */
    const char *opaque_header;
    bool (*write_opaque)(const struct part *part, const struct limits *limits, struct spool *out, struct error *error);
};

/* The entity to deliver: the Content-* fields of root, and its body. What transport cannot carry is recoded, in every
 * part, so that each leaf decodes to the same octets: NUL, bare CR and LF, lines over 998 octets, 8-bit octets if it
 * does not take them, and "binary" as a label. message/rfc822, around which no base64 may be, has the parts of its
 * message recoded. A signature over such content is kept in its opaque form. treatment.c has the details. A body that
 * gets through as it is is borrowed. Only a spool can make this fail (ERROR_TEMPORARY). */
bool mime_deliverable(const struct part *root, const struct transport *transport, const struct limits *limits,
                      struct entity *entity, struct error *error);

/* A boundary for a multipart of ours: random octets, which do not occur in the content by chance (RFC 2046 §5.1.1). */
#define BOUNDARY_SIZE 60
bool boundary_choose(char boundary[BOUNDARY_SIZE], struct error *error);

/* Writes data as base64 with CRLF lines of 76 characters into out; call with final=true once at the end.
 * carry keeps up to 56 bytes between calls and starts zeroed. */
struct base64_state {
    unsigned char carry[57];
    size_t carried;
};
bool base64_write(struct base64_state *state, struct slice data, bool final, struct spool *out, struct error *error);

/* Copies bytes into out, converts each bare CR and bare LF to CRLF, and adds a missing final CRLF. *changed is true if
 * the bytes differ. */
bool mime_line_ends(struct slice bytes, struct spool *out, bool *changed, struct error *error);
/* mime_line_ends() of an entity whose header has other line ends, except in the bodies of parts that say they are
 * binary. *text points into the spool, which is the caller's. NULL: ERROR_TEMPORARY. */
struct spool *mime_from_unix(struct slice bytes, const struct limits *limits, struct slice *text, struct error *error);
/* True if mime_line_ends() would change nothing. */
bool mime_is_canonical(struct slice bytes);

DECLARE_OWNED(part, struct part *, part_free)
static inline __attribute__((unused)) void cleanup_entity(struct entity *entity)
{
    entity_clear(entity);
}

#endif
