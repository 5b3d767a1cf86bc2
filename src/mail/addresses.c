/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addresses: parses the mailboxes of a header field, so that no other parser can find another mailbox.
 *
 * The author of a message decides whose signature counts, and this gateway must find the author that a mail client
 * shows. So two parsers read each value: the grammar below, which accepts the plain forms of RFC 5322 §3.4 and refuses
 * everything on which parsers differ, and GMime in its strict mode. A value is accepted only if both give the same
 * result. A display name in quotes or encoded words leaves no doubt of the mailbox, but may show or hide another
 * address: that is noted, and policy/ decides.
 *
 *     list    = [address] *("," [address])               address = mailbox / phrase ":" mailboxes ";"
 *     mailbox = addr-spec / [phrase] "<" addr-spec ">"   phrase  = *(quoted-string / atom, dots allowed)
 *
 * with comments and white space between these, but not within an addr-spec. Display names are not returned, because
 * they prove nothing.
 */
#include "charsets.h"
#include "mail/address.h"
#include "shown_names.h"
#include "words.h"

#include <gmime/gmime.h>
#include <string.h>

/* Characters that make an address out of a text. */
#define ADDRESS_CHARACTERS "@<>"

struct scanner {
    const char *at; /* in a NUL-terminated text */
    GMimeParserOptions *options;
    struct addresses *addresses;
    GString *shown; /* display names and comments, each in a line */
    struct error *error;
};

static bool fault(struct scanner *scanner, const char *why)
{
    return error_set(scanner->error, ERROR_PERMANENT, "address field: %s", why);
}

/* The value without its folding, or NULL if it contains bytes on which parsers disagree. */
static char *unfold(struct slice value, struct error *error)
{
    g_autoptr(GString) text = g_string_sized_new(value.len);
    for (size_t i = 0; i < value.len; i++) {
        size_t end = i + (value.data[i] == '\r' && i + 1 < value.len ? 1 : 0);
        bool folded = value.data[end] == '\n' && end + 1 < value.len && strchr(" \t", value.data[end + 1]) != NULL &&
                      value.data[end + 1] != '\0';
        if (folded) {
            i = end;
            continue;
        }
        if (g_ascii_iscntrl(value.data[i]) && value.data[i] != '\t') {
            error_set(error, ERROR_PERMANENT, "address field: it contains a control character");
            return NULL;
        }
        g_string_append_c(text, value.data[i]);
    }
    /* Some 8-bit character sets contain "@" and "\" within a character. */
    if (!g_utf8_validate_len(text->str, text->len, NULL)) {
        error_set(error, ERROR_PERMANENT, "address field: it is not UTF-8");
        return NULL;
    }
    return g_string_free(steal(&text), FALSE);
}

static size_t count_of(const char *text, size_t length, const char *characters)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (strchr(characters, text[i]) != NULL)
            count++;
    }
    return count;
}

/* "Name (own@address)", or just the address: a parser that finds an address in the decoded text finds its own. */
static bool holds_its_own(const char *decoded, const struct address *own)
{
    g_autofree char *text = g_strstrip(g_ascii_strdown(decoded, -1));
    size_t length = strlen(text);
    if (length > 1 && text[0] == '"' && strchr(text + 1, '"') == text + length - 1) { /* of a quoted string */
        text[0] = text[length - 1] = ' ';
        g_strstrip(text);
    }
    g_autofree char *address = g_ascii_strdown(own->text, -1);
    g_autofree char *comment = g_strconcat("(", address, ")", NULL);
    return strcmp(text, address) == 0 || (strstr(text, comment) != NULL &&
                                          count_of(text, strlen(text), ADDRESS_CHARACTERS "()\"\\") == strlen("(@)"));
}

static bool hides_address(const char *decoded, const char *raw, const struct address *own)
{
    size_t seen = count_of(raw, strlen(raw), ADDRESS_CHARACTERS);
    return count_of(decoded, strlen(decoded), ADDRESS_CHARACTERS) > seen &&
           (seen > 0 || own == NULL || !holds_its_own(decoded, own));
}

/* A parser that decodes RFC 2047 words before it looks for addresses would find addresses that these words hide.
 * own: the address whose display name this is; NULL: it is not a display name. */
static bool check_encoded_words(struct scanner *scanner, const char *start, const char *end, const struct address *own)
{
    g_autofree char *raw = g_strndup(start, (gsize)(end - start));
    if (strstr(raw, "=?") == NULL)
        return true;
    g_autofree char *decoded = words_decode(raw);
    owned(words_reading) struct words_reading *other = words_read(raw);
    if (!other->is_sound)
        return fault(scanner, "an encoded word that programs read differently");
    bool hides = hides_address(decoded, raw, own) || hides_address(other->each->str, raw, own);
    if (hides && own == NULL)
        return fault(scanner, "an encoded word contains an address");
    scanner->addresses->hides_another |= hides;
    for (const char *c = decoded; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c) && *c != '\t')
            return fault(scanner, "an encoded word contains a control character");
    }
    return true;
}

/* Many parsers do not support nesting and backslashes, so such a text must not contain anything that looks like an
 * address. */
static bool check_nested(struct scanner *scanner, const char *start, bool difficult)
{
    return !difficult || count_of(start, (size_t)(scanner->at - start), ADDRESS_CHARACTERS) == 0 ||
           fault(scanner, "an address within nested comments or after a backslash");
}

static void note_shown(struct scanner *scanner, const char *start, const char *end)
{
    g_string_append_len(scanner->shown, start, end - start);
    g_string_append_c(scanner->shown, '\n');
}

static bool skip_comment(struct scanner *scanner)
{
    const char *start = scanner->at;
    bool difficult = false;
    size_t depth = 0;
    do {
        if (*scanner->at == '(') {
            depth++;
        } else if (*scanner->at == ')') {
            depth--;
        } else if (*scanner->at == '\\') {
            difficult = true;
            scanner->at++;
        }
        if (*scanner->at == '\0')
            return fault(scanner, "a comment does not end");
        difficult |= depth > 1;
        scanner->at++;
    } while (depth > 0);
    note_shown(scanner, start, scanner->at);
    return check_nested(scanner, start, difficult) && check_encoded_words(scanner, start, scanner->at, NULL);
}

static bool skip_space(struct scanner *scanner)
{
    for (;;) {
        while (*scanner->at == ' ' || *scanner->at == '\t')
            scanner->at++;
        if (*scanner->at != '(')
            return true;
        if (!skip_comment(scanner))
            return false;
    }
}

static bool skip_quoted(struct scanner *scanner)
{
    const char *start = scanner->at++;
    bool difficult = false;
    while (*scanner->at != '"') {
        if (*scanner->at == '\\') {
            difficult = true;
            scanner->at++;
        }
        if (*scanner->at == '\0')
            return fault(scanner, "a quoted string does not end");
        scanner->at++;
    }
    scanner->at++;
    return check_nested(scanner, start, difficult);
}

/* Atom characters and dots (RFC 5322 §3.2.3, RFC 6532 §3.2). */
static bool is_word(char c)
{
    return c != '\0' && (g_ascii_isalnum(c) || (guchar)c >= 0x80 || strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static void skip_word(struct scanner *scanner)
{
    while (is_word(*scanner->at))
        scanner->at++;
}

static bool add(struct scanner *scanner, const char *start)
{
    struct addresses *addresses = scanner->addresses;
    struct slice text = {start, (size_t)(scanner->at - start)};
    struct address address;
    if (g_strstr_len(text.data, (gssize)text.len, "=?") != NULL)
        return fault(scanner, "an encoded word within an address");
    if (!address_parse(text, &address, scanner->error))
        return false;
    if ((addresses->count & (addresses->count - 1)) == 0)
        addresses->list = g_renew(struct address, addresses->list, addresses->count != 0 ? addresses->count * 2 : 1);
    addresses->list[addresses->count++] = address;
    return true;
}

static void skip_domain(struct scanner *scanner)
{
    if (*scanner->at != '[') {
        skip_word(scanner);
        return;
    }
    while (*scanner->at != '\0' && *scanner->at != ']')
        scanner->at++;
    if (*scanner->at == ']')
        scanner->at++;
}

/* Parses an addr-spec. Stays in place, with *found false, if no addr-spec is there. */
static bool take_addr_spec(struct scanner *scanner, bool *found)
{
    const char *start = scanner->at;
    *found = false;
    if (*start == '"') {
        if (!skip_quoted(scanner))
            return false;
        if (*scanner->at == '@' && count_of(start, (size_t)(scanner->at - start), ADDRESS_CHARACTERS) > 0)
            return fault(scanner, "an address within a quoted local part");
    } else {
        skip_word(scanner);
    }
    if (*scanner->at != '@' || scanner->at == start) {
        scanner->at = start;
        return true;
    }
    scanner->at++;
    skip_domain(scanner);
    *found = true;
    return add(scanner, start);
}

static bool take_angle(struct scanner *scanner)
{
    bool found = false;
    scanner->at++;
    scanner->at += strspn(scanner->at, " \t");
    if (*scanner->at == '@')
        return fault(scanner, "a source route");
    if (!take_addr_spec(scanner, &found))
        return false;
    if (!found)
        return fault(scanner, "no address between \"<\" and \">\"");
    scanner->at += strspn(scanner->at, " \t");
    if (*scanner->at != '>')
        return fault(scanner, "\"<\" without \">\" right after the address");
    scanner->at++;
    return true;
}

/* Words up to "<" or ":". */
static bool take_phrase(struct scanner *scanner)
{
    while (*scanner->at != '<' && *scanner->at != ':') {
        const char *word = scanner->at;
        if (*word == '"' && !skip_quoted(scanner))
            return false;
        skip_word(scanner);
        if (*scanner->at == '@')
            return fault(scanner, "\"@\" in a display name that is not quoted");
        if (scanner->at == word)
            return fault(scanner, *word == '\0' || *word == ',' || *word == ';' ? "text without an address"
                                                                                : "a character that must be quoted");
        if (!skip_space(scanner))
            return false;
    }
    return true;
}

static bool take_mailbox_or(struct scanner *scanner, bool *is_group)
{
    const struct addresses *taken = scanner->addresses;
    const char *start = scanner->at;
    bool found = false;
    *is_group = false;
    if (!take_addr_spec(scanner, &found))
        return false;
    if (found)
        return true;
    if (*scanner->at == ':')
        return fault(scanner, "a group without a name");
    if (!take_phrase(scanner))
        return false;
    const char *end = scanner->at;
    *is_group = *end == ':';
    if (!*is_group && !take_angle(scanner))
        return false;
    note_shown(scanner, start, end);
    return check_encoded_words(scanner, start, end, *is_group ? NULL : &taken->list[taken->count - 1]);
}

/* Mailboxes up to the end of the text, or of the group. */
static bool take_list(struct scanner *scanner, bool in_group)
{
    for (;;) {
        bool is_group = false;
        if (!skip_space(scanner))
            return false;
        if (*scanner->at == '\0' || (in_group && *scanner->at == ';'))
            return true;
        if (*scanner->at == ',') {
            scanner->at++; /* an empty element (RFC 5322 §4.4) */
            continue;
        }
        if (!take_mailbox_or(scanner, &is_group))
            return false;
        if (is_group) {
            size_t before = scanner->addresses->count;
            scanner->at++;
            if (in_group)
                return fault(scanner, "a group within a group");
            if (!take_list(scanner, true))
                return false;
            if (*scanner->at != ';')
                return fault(scanner, "a group without its \";\"");
            if (scanner->addresses->count == before)
                return fault(scanner, "a group without members");
            scanner->at++;
        }
        if (!skip_space(scanner))
            return false;
        if (*scanner->at != '\0' && *scanner->at != ',' && !(in_group && *scanner->at == ';'))
            return fault(scanner, "text after an address");
    }
}

/* True if GMime's list holds the same mailboxes, from *next on. */
static bool agrees(InternetAddressList *list, const struct addresses *addresses, size_t *next)
{
    for (int i = 0; i < internet_address_list_length(list); i++) {
        InternetAddress *item = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_GROUP(item)) {
            if (!agrees(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(item)), addresses, next))
                return false;
            continue;
        }
        const char *text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(item));
        struct address address;
        struct error ignored = {0};
        if (*next >= addresses->count || !address_parse(slice_of(text), &address, &ignored))
            return false;
        bool same = address_equal(&address, &addresses->list[(*next)++]);
        address_clear(&address);
        if (!same)
            return false;
    }
    return true;
}

static bool check_against_gmime(struct scanner *scanner, const char *text)
{
    size_t next = 0;
    charsets_enter(strlen(text));
    InternetAddressList *list = internet_address_list_parse(scanner->options, text);
    charsets_leave();
    bool same = list != NULL && agrees(list, scanner->addresses, &next) && next == scanner->addresses->count;
    if (list != NULL)
        g_object_unref(list);
    return same || fault(scanner, "two parsers read it differently");
}

static bool scan(struct scanner *scanner, const char *text)
{
    if (!take_list(scanner, false))
        return false;
    if (scanner->addresses->count == 0)
        return fault(scanner, "it contains no address");
    return check_against_gmime(scanner, text);
}

bool addresses_parse(struct slice field_value, struct addresses *addresses, struct error *error)
{
    *addresses = (struct addresses){0};
    g_autofree char *text = unfold(field_value, error);
    if (text == NULL)
        return false;
    g_autoptr(GString) shown = g_string_new(NULL);
    struct scanner scanner = {text, g_mime_parser_options_new(), addresses, shown, error};
    g_mime_parser_options_set_address_compliance_mode(scanner.options, GMIME_RFC_COMPLIANCE_STRICT);
    bool good = scan(&scanner, text);
    g_mime_parser_options_free(scanner.options);
    if (good)
        addresses->shows_another = addresses->hides_another || shows_another_address(shown->str, addresses);
    else
        addresses_clear(addresses);
    return good;
}

void addresses_clear(struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        address_clear(&addresses->list[i]);
    g_free(addresses->list);
    *addresses = (struct addresses){0};
}
