/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edits: the changes to a message, in the terms of a milter.
 *
 * Indexes refer to the message as received. So that they keep their meaning when an MTA applies the edits one by one,
 * nothing is deleted or changed twice, changes come before deletions, and deletions run from the highest index down. A
 * field inserted later is above one inserted earlier, in edits_apply() as in an MTA.
 *
 * Readers differ in what they make of a header line of blanks only, of a bare CR, LF or NUL, of white space before the
 * colon, and of a line that is not a field: some of it ends the header for some of them. A message that is changed
 * leaves without, so that no field is there for one reader and not for another, and what we sign another gateway takes.
 * A line that is not a field becomes one: after an inserted field, one that begins with white space would become its
 * continuation, and would speak in our name. mime determines the MIME structure, not this
 * file.
 */
#include "mail/edits.h"

#include <limits.h>
#include <string.h>

#define VALUE_MAX ((size_t)4 << 10) /* of a field that is replaced by itself */

static void edit_clear(struct edit *edit)
{
    g_free(edit->name);
    g_free(edit->value);
    *edit = (struct edit){0};
}

void edits_clear(struct edits *edits)
{
    for (size_t i = 0; i < edits->count; i++)
        edit_clear(&edits->list[i]);
    g_free(edits->list);
    rope_free(edits->body);
    *edits = (struct edits){0};
}

/* Takes value. */
static void add(struct edits *edits, enum edit_kind kind, struct slice name, unsigned index, char *value)
{
    if ((edits->count & (edits->count - 1)) == 0) /* the struct is public, so the capacity follows from the count */
        edits->list = g_renew(struct edit, edits->list, edits->count != 0 ? edits->count * 2 : 1);
    edits->list[edits->count++] =
        (struct edit){.kind = kind, .name = g_strndup(name.data, name.len), .index = index, .value = value};
}

void edits_insert(struct edits *edits, const char *name, const char *value)
{
    add(edits, EDIT_INSERT, slice_of(name), 1, field_plain(slice_of(value)));
}

void edits_delete(struct edits *edits, const char *name, unsigned index)
{
    add(edits, EDIT_DELETE, slice_of(name), index, NULL);
}

void edits_change(struct edits *edits, const char *name, unsigned index, const char *value)
{
    add(edits, EDIT_CHANGE, slice_of(name), index, field_plain(slice_of(value)));
}

void edits_set(struct edits *edits, const struct message *message, const char *name, const char *value)
{
    const struct fields *received = message_fields(message);
    const struct field *first = fields_find(received, name, 1);
    for (unsigned i = fields_count(received, name); i > 1; i--)
        edits_delete(edits, name, i);
    add(edits, first != NULL ? EDIT_CHANGE : EDIT_APPEND, first != NULL ? first->name : slice_of(name), 1,
        field_plain(slice_of(value)));
}

/* NULL if there are fewer of that name. */
static const struct field *counterpart(const struct fields *fields, const struct field *field)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *other = &fields->list[i];
        if (other->index == field->index && other->name.len == field->name.len &&
            g_ascii_strncasecmp(other->name.data, field->name.data, field->name.len) == 0)
            return other;
    }
    return NULL;
}

/* The nth field of a name there becomes the nth of that name here, so that an ambiguity stays as visible as before. */
static void replace_fields(struct edits *edits, const struct fields *received, const struct fields *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const struct field *field = &wanted->list[i];
        if (!field_is_content(field))
            continue;
        const struct field *old = counterpart(received, field);
        g_autofree char *value = field_plain(field->value);
        if (old == NULL)
            add(edits, EDIT_APPEND, field->name, field->index, steal(&value));
        else if (!slice_equal(old->value, slice_of(value)))
            add(edits, EDIT_CHANGE, old->name, old->index, steal(&value));
    }
    for (size_t i = 0; i < received->count; i++) {
        const struct field *field = &received->list[i];
        if (field_is_content(field) && counterpart(wanted, field) == NULL)
            add(edits, EDIT_DELETE, field->name, field->index, NULL);
    }
}

static void destroy_rope(void *rope)
{
    rope_free(rope);
}

void edits_replace_entity(struct edits *edits, const struct message *message, struct entity *entity)
{
    const struct fields *received = message_fields(message);
    struct fields wanted = {0};
    struct error error = {0};
    size_t length = 0;
    g_autofree char *header = rope_flatten(entity->header, &length);
    /* It is ours, or was within limits when it was taken from a message, so it is not measured again. */
    const struct limits limits = {.header_size = length, .header_count = UINT_MAX};
    if (fields_count(received, "MIME-Version") == 0)
        add(edits, EDIT_APPEND, slice_of("MIME-Version"), 1, g_strdup(" 1.0"));
    if (fields_parse((struct slice){header, length}, &limits, &wanted, &error))
        replace_fields(edits, received, &wanted);
    fields_clear(&wanted);

    rope_free(edits->body);
    edits->body = steal(&entity->body);
    /* The objects of the header rope may keep the body's bytes alive. */
    rope_own(edits->body, steal(&entity->header), destroy_rope);
}

void edits_pad(struct edits *edits, const struct message *message, size_t count)
{
    unsigned behind = fields_count(message_fields(message), "Content-Type") + 1;
    while (edits->count < count)
        edits_delete(edits, "Content-Type", behind + (unsigned)edits->count);
}

static bool is_blank(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!g_ascii_isspace(value.data[i]))
            return false;
    return true;
}

void edits_replace_by_itself(struct edits *edits, const struct message *message)
{
    const struct fields *received = message_fields(message);
    size_t count = edits->count;
    for (size_t i = 0; i < received->count; i++) {
        const struct field *field = &received->list[i];
        if (!field_is_content(field))
            continue;
        count++;
        if (!field_is_plain(field)) /* edits_finish() would, too */
            add(edits, EDIT_CHANGE, field->name, field->index, field_plain(field->value));
        else if (field->value.len <= VALUE_MAX && !is_blank(field->value))
            add(edits, EDIT_CHANGE, field->name, field->index, g_strndup(field->value.data, field->value.len));
    }
    edits_pad(edits, message, count);
    rope_free(edits->body);
    edits->body = rope_new();
    rope_borrow(edits->body, message_body(message));
}

static int rank(const struct edit *edit)
{
    static const int ranks[] = {[EDIT_CHANGE] = 0, [EDIT_DELETE] = 1, [EDIT_INSERT] = 2, [EDIT_APPEND] = 3};
    return ranks[edit->kind];
}

/* Of two in one list. */
static int compare(const void *first, const void *second)
{
    const struct edit *a = *(const struct edit *const *)first, *b = *(const struct edit *const *)second;
    if (rank(a) != rank(b))
        return rank(a) < rank(b) ? -1 : 1;
    if (a->kind == EDIT_DELETE && a->index != b->index)
        return a->index > b->index ? -1 : 1;
    return a < b ? -1 : a > b; /* as they were added */
}

static bool concerns(const struct edit *edit, struct slice name, unsigned index)
{
    return (edit->kind == EDIT_DELETE || edit->kind == EDIT_CHANGE) && edit->index == index &&
           slice_equal_nocase(name, edit->name);
}

/* A second deletion of the same field would hit the next one of that name. A field that is changed is not deleted. */
static bool is_superfluous(const struct edits *edits, size_t index)
{
    const struct edit *edit = &edits->list[index];
    if (edit->kind != EDIT_DELETE)
        return false;
    for (size_t i = 0; i < edits->count; i++) {
        if (concerns(&edits->list[i], slice_of(edit->name), edit->index) &&
            (edits->list[i].kind == EDIT_CHANGE || i < index))
            return true;
    }
    return false;
}

static const struct edit *edit_of(const struct edits *edits, const struct field *field)
{
    for (size_t i = 0; i < edits->count; i++) {
        if (concerns(&edits->list[i], field->name, field->index))
            return &edits->list[i];
    }
    return NULL;
}

static void make_plain(struct edits *edits, const struct message *message)
{
    const struct fields *fields = message_fields(message);
    for (size_t i = 0; i < fields->count && !edits_are_empty(edits); i++) {
        const struct field *field = &fields->list[i];
        if (!field_is_plain(field) && edit_of(edits, field) == NULL)
            add(edits, EDIT_CHANGE, field->name, field->index, field_plain(field->value));
    }
}

bool edits_fit(const struct edits *edits, struct error *error)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[i];
        if (strlen(edit->name) + (edit->value != NULL ? strlen(edit->value) : 0) > EDIT_MAX)
            return error_set(error, ERROR_TOO_LARGE,
                             "the change of header field %.80s is larger than the milter protocol allows (%u octets)",
                             edit->name, EDIT_MAX);
    }
    return true;
}

bool edits_finish(struct edits *edits, const struct message *message, struct error *error)
{
    make_plain(edits, message);
    struct edits kept = {.body = edits->body, .body_chunks = edits->body_chunks};
    g_autofree const struct edit **order = g_new(const struct edit *, edits->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < edits->count; i++) {
        if (!is_superfluous(edits, i))
            order[count++] = &edits->list[i];
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): these are pointers */
    qsort(order, count, sizeof(*order), compare);
    for (size_t i = 0; i < count; i++)
        add(&kept, order[i]->kind, slice_of(order[i]->name), order[i]->index, g_strdup(order[i]->value));
    edits->body = NULL;
    edits_clear(edits);
    *edits = kept;
    if (edits_fit(edits, error))
        return true;
    edits_clear(edits);
    return false;
}

bool edits_are_empty(const struct edits *edits)
{
    return edits->count == 0 && edits->body == NULL;
}

static void append_field(struct edits *edits, struct slice name, const char *value)
{
    add(edits, EDIT_APPEND, name, 1, g_strdup(value));
}

/* From the top down. */
static void append_edited(struct edits *moved, const struct edits *edits, const struct fields *fields)
{
    for (size_t i = edits->count; i-- > 0;)
        if (edits->list[i].kind == EDIT_INSERT)
            append_field(moved, slice_of(edits->list[i].name), edits->list[i].value);
    for (size_t i = 0; i < fields->count; i++) {
        const struct edit *edit = edit_of(edits, &fields->list[i]);
        g_autofree char *value = g_strndup(fields->list[i].value.data, fields->list[i].value.len);
        if (edit == NULL || edit->kind != EDIT_DELETE)
            append_field(moved, fields->list[i].name, edit != NULL ? edit->value : value);
    }
    for (size_t i = 0; i < edits->count; i++)
        if (edits->list[i].kind == EDIT_APPEND)
            append_field(moved, slice_of(edits->list[i].name), edits->list[i].value);
}

void edits_move(struct edits *edits, const struct message *inner, const struct message *outer, const bool *kept)
{
    const struct fields *fields = message_fields(outer);
    struct edits moved = {.body = steal(&edits->body), .body_chunks = edits->body_chunks};
    for (size_t i = 0; i < fields->count; i++)
        if (!kept[i])
            add(&moved, EDIT_DELETE, fields->list[i].name, fields->list[i].index, NULL);
    append_edited(&moved, edits, message_fields(inner));
    if (moved.body == NULL) {
        moved.body = rope_new();
        message_lend_body(inner, moved.body);
    }
    edits_clear(edits);
    *edits = moved;
}

static void put_field(struct rope *rope, const struct edit *edit)
{
    rope_borrow(rope, slice_of(edit->name));
    rope_borrow(rope, slice_of(":"));
    rope_borrow(rope, slice_of(edit->value));
    rope_borrow(rope, slice_of("\r\n"));
}

/* What lies between two fields, one line after another. */
static void put_malformed(struct rope *rope, const char *from, const char *to)
{
    while (from < to) {
        const char *end = from;
        do {
            const char *lf = memchr(end, '\n', (size_t)(to - end));
            end = lf != NULL ? lf + 1 : to;
        } while (end < to && (*end == ' ' || *end == '\t'));
        size_t length = (size_t)(end - from);
        while (length > 0 && (from[length - 1] == '\n' || from[length - 1] == '\r'))
            length--;
        g_autofree char *value = field_plain((struct slice){from, length});
        rope_copy(rope, slice_of("X-Malformed-Line: "));
        rope_copy(rope, slice_of(value));
        rope_copy(rope, slice_of("\r\n"));
        from = end;
    }
}

static void put_received(struct rope *rope, const struct edits *edits, const struct field *field)
{
    const struct edit *edit = edit_of(edits, field);
    if (edit != NULL && edit->kind == EDIT_DELETE)
        return;
    rope_borrow(rope, field->name);
    rope_borrow(rope, slice_of(":"));
    rope_borrow(rope, edit != NULL ? slice_of(edit->value) : field->value);
    rope_borrow(rope, slice_of("\r\n"));
}

static struct rope *edited_header(const struct edits *edits, const struct message *message)
{
    const struct fields *fields = message_fields(message);
    const struct slice received = message_header(message);
    const char *at = received.data, *end = received.data + received.len;
    struct rope *rope = rope_new();
    for (size_t i = edits->count; i-- > 0;) {
        if (edits->list[i].kind == EDIT_INSERT)
            put_field(rope, &edits->list[i]);
    }
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        put_malformed(rope, at, field->name.data);
        put_received(rope, edits, field);
        const char *lf =
            memchr(field->value.data + field->value.len, '\n', (size_t)(end - field->value.data - field->value.len));
        at = lf != NULL ? lf + 1 : end;
    }
    put_malformed(rope, at, end);
    for (size_t i = 0; i < edits->count; i++) {
        if (edits->list[i].kind == EDIT_APPEND)
            put_field(rope, &edits->list[i]);
    }
    rope_borrow(rope, slice_of("\r\n"));
    return rope;
}

/* Borrows source without each CR that comes before an LF. */
static void borrow_unix(struct rope *rope, const struct rope *source)
{
    bool pending_cr = false; /* the last slice ended in CR */
    for (size_t i = 0; i < rope_count(source); i++) {
        struct slice rest = rope_at(source, i);
        if (pending_cr && rest.data[0] != '\n')
            rope_borrow(rope, slice_of("\r"));
        while (rest.len > 0) {
            const char *cr = memchr(rest.data, '\r', rest.len);
            size_t text = cr != NULL ? (size_t)(cr - rest.data) : rest.len;
            bool last = text + 1 == rest.len;
            bool line_end = cr != NULL && !last && cr[1] == '\n';
            /* A bare CR belongs to the bytes before it. */
            rope_borrow(rope, (struct slice){rest.data, cr != NULL && !last && !line_end ? text + 1 : text});
            pending_cr = last;
            size_t step = cr != NULL ? text + 1 : text;
            rest = (struct slice){rest.data + step, rest.len - step};
        }
    }
    if (pending_cr)
        rope_borrow(rope, slice_of("\r"));
}

struct rope *edits_apply(const struct edits *edits, const struct message *message)
{
    struct rope *rope = rope_new();
    if (edits_are_empty(edits)) {
        rope_borrow(rope, message_original(message));
        return rope;
    }
    struct rope *header = edited_header(edits, message);
    if (!message_is_unix(message)) {
        rope_take(rope, header);
        if (edits->body != NULL)
            rope_borrow_all(rope, edits->body);
        else
            rope_borrow(rope, message_body(message));
        return rope;
    }
    borrow_unix(rope, header);
    rope_own(rope, header, destroy_rope);
    if (edits->body != NULL)
        borrow_unix(rope, edits->body);
    else
        rope_borrow(rope, message_original_body(message));
    return rope;
}
