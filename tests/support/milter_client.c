/* SPDX-License-Identifier: Apache-2.0 */
#include "support/milter_client.h"

void mc_outcome_clear(struct mc_outcome *outcome)
{
    if (outcome->edits != NULL) {
        for (guint i = 0; i < outcome->edits->len; i++) {
            struct mc_edit *edit = &g_array_index(outcome->edits, struct mc_edit, i);
            g_free(edit->name);
            g_free(edit->value);
        }
        g_array_free(outcome->edits, TRUE);
    }
    if (outcome->body != NULL)
        g_byte_array_free(outcome->body, TRUE);
    g_free(outcome->reply);
    g_free(outcome->quarantine);
    *outcome = (struct mc_outcome){0};
}

bool mc_accepted(const struct mc_outcome *outcome)
{
    return outcome->disposition == SMFIR_ACCEPT || outcome->disposition == SMFIR_CONTINUE;
}

const struct mc_edit *mc_find_edit(const struct mc_outcome *outcome, const char *name)
{
    for (guint i = 0; i < outcome->edits->len; i++) {
        const struct mc_edit *edit = &g_array_index(outcome->edits, struct mc_edit, i);
        if (g_ascii_strcasecmp(edit->name, name) == 0)
            return edit;
    }
    return NULL;
}

bool mc_open(struct mc *client, const char *address)
{
    *client = (struct mc){.fd = -1, .out = g_byte_array_new()};
    if (strncmp(address, "local:", 6) == 0 || strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        g_strlcpy(name.sun_path, strchr(address, ':') + 1, sizeof(name.sun_path));
        client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return client->fd >= 0 && connect(client->fd, (struct sockaddr *)&name, sizeof(name)) == 0;
    }
    struct sockaddr_in name = {.sin_family = AF_INET};
    unsigned port = 0;
    char host[64] = "127.0.0.1";
    if (sscanf(address, "inet:%u@%63s", &port, host) < 1 || inet_pton(AF_INET, host, &name.sin_addr) != 1)
        return false;
    name.sin_port = htons((uint16_t)port);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return client->fd >= 0 && connect(client->fd, (struct sockaddr *)&name, sizeof(name)) == 0;
}

void mc_close(struct mc *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    for (size_t i = 0; i < G_N_ELEMENTS(client->symbols); i++)
        if (client->symbols[i] != NULL)
            g_string_free(g_steal_pointer(&client->symbols[i]), TRUE);
    if (client->out != NULL)
        g_byte_array_free(g_steal_pointer(&client->out), TRUE);
}

void mc_timeout(struct mc *client, unsigned seconds)
{
    struct timeval limit = {.tv_sec = seconds};
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

bool mc_flush(struct mc *client)
{
    size_t done = 0;
    while (done < client->out->len) {
        ssize_t n = send(client->fd, client->out->data + done, client->out->len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    g_byte_array_set_size(client->out, 0);
    return true;
}

bool mc_send(struct mc *client, char command, const void *data, size_t length)
{
    uint32_t size = htonl((uint32_t)length + 1);
    g_byte_array_append(client->out, (const guint8 *)&size, 4);
    g_byte_array_append(client->out, (const guint8 *)&command, 1);
    if (length > 0)
        g_byte_array_append(client->out, data, (guint)length);
    return client->out->len < 32768 || mc_flush(client);
}

static bool mc_read_all(int fd, void *data, size_t length)
{
    char *at = data;
    while (length > 0) {
        ssize_t n = recv(fd, at, length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

/* One packet; its data in *data (g_free), NUL-terminated beyond its length. Returns the command, 0 if the connection is
 * lost. */
static char mc_receive(struct mc *client, char **data, size_t *length)
{
    uint32_t size;
    char command;
    *data = NULL;
    if (!mc_flush(client) || !mc_read_all(client->fd, &size, 4) || !mc_read_all(client->fd, &command, 1))
        return 0;
    size = ntohl(size);
    if (size < 1 || size > 4u << 20)
        return 0;
    *length = size - 1;
    *data = g_malloc(size);
    (*data)[size - 1] = '\0';
    if (*length > 0 && !mc_read_all(client->fd, *data, *length)) {
        g_clear_pointer(data, g_free);
        return 0;
    }
    return command;
}

static uint32_t mc_number(const char *data)
{
    uint32_t number;
    memcpy(&number, data, 4);
    return ntohl(number);
}

bool mc_negotiate_as(struct mc *client, uint32_t version, uint32_t actions, uint32_t steps)
{
    uint32_t offer[3] = {htonl(version), htonl(actions), htonl(steps)};
    g_autofree char *data = NULL;
    size_t length = 0;
    client->offered_actions = actions;
    client->offered_steps = steps;
    if (!mc_send(client, SMFIC_OPTNEG, offer, sizeof(offer)) || mc_receive(client, &data, &length) != SMFIC_OPTNEG ||
        length < 12)
        return false;
    client->version = mc_number(data);
    client->actions = mc_number(data + 4);
    client->steps = mc_number(data + 8);
    for (size_t at = 12; at + 4 < length;) {
        uint32_t stage = mc_number(data + at);
        if (stage >= G_N_ELEMENTS(client->symbols))
            return false;
        client->symbols[stage] = g_string_new(data + at + 4);
        at += 4 + client->symbols[stage]->len + 1;
    }
    return (client->actions & ~actions) == 0 && (client->steps & ~steps) == 0;
}

bool mc_negotiate(struct mc *client)
{
    return mc_negotiate_as(client, 6, MC_ALL_ACTIONS, MC_ALL_STEPS);
}

/* After a command: waits for an answer if the milter did not agree to give none. Anything but "continue" is false. */
static bool mc_step(struct mc *client, uint32_t no_reply)
{
    g_autofree char *data = NULL;
    size_t length;
    if ((client->steps & no_reply) != 0)
        return true;
    return mc_receive(client, &data, &length) == SMFIR_CONTINUE;
}

bool mc_macros(struct mc *client, char command, ...)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    va_list list;
    g_byte_array_append(data, (const guint8 *)&command, 1);
    va_start(list, command);
    for (const char *text; (text = va_arg(list, const char *)) != NULL;)
        g_byte_array_append(data, (const guint8 *)text, (guint)strlen(text) + 1);
    va_end(list);
    return mc_send(client, SMFIC_MACRO, data->data, data->len);
}

bool mc_connect(struct mc *client, const char *host, const char *address)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    uint16_t port = htons(4711);
    char family = address == NULL ? SMFIA_UNKNOWN : strchr(address, ':') != NULL ? SMFIA_INET6 : SMFIA_INET;
    g_byte_array_append(data, (const guint8 *)host, (guint)strlen(host) + 1);
    g_byte_array_append(data, (const guint8 *)&family, 1);
    if (address != NULL) {
        g_byte_array_append(data, (const guint8 *)&port, 2);
        g_byte_array_append(data, (const guint8 *)address, (guint)strlen(address) + 1);
    }
    return mc_send(client, SMFIC_CONNECT, data->data, data->len) && mc_step(client, SMFIP_NR_CONN);
}

bool mc_helo(struct mc *client, const char *name)
{
    if ((client->steps & SMFIP_NOHELO) != 0)
        return true;
    return mc_send(client, SMFIC_HELO, name, strlen(name) + 1) && mc_step(client, SMFIP_NR_HELO);
}

bool mc_mail(struct mc *client, const char *address, ...)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    va_list list;
    g_byte_array_append(data, (const guint8 *)address, (guint)strlen(address) + 1);
    va_start(list, address);
    for (const char *text; (text = va_arg(list, const char *)) != NULL;)
        g_byte_array_append(data, (const guint8 *)text, (guint)strlen(text) + 1);
    va_end(list);
    return mc_send(client, SMFIC_MAIL, data->data, data->len) && mc_step(client, SMFIP_NR_MAIL);
}

bool mc_rcpt(struct mc *client, const char *address)
{
    return mc_send(client, SMFIC_RCPT, address, strlen(address) + 1) && mc_step(client, SMFIP_NR_RCPT);
}

bool mc_data(struct mc *client)
{
    if ((client->steps & SMFIP_NODATA) != 0)
        return true;
    return mc_send(client, SMFIC_DATA, NULL, 0) && mc_step(client, SMFIP_NR_DATA);
}

bool mc_header(struct mc *client, const char *name, const char *value)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    if ((client->steps & SMFIP_HDR_LEADSPC) == 0)
        value += strspn(value, " \t");
    g_byte_array_append(data, (const guint8 *)name, (guint)strlen(name) + 1);
    g_byte_array_append(data, (const guint8 *)value, (guint)strlen(value) + 1);
    return mc_send(client, SMFIC_HEADER, data->data, data->len) && mc_step(client, SMFIP_NR_HDR);
}

bool mc_eoh(struct mc *client)
{
    return mc_send(client, SMFIC_EOH, NULL, 0) && mc_step(client, SMFIP_NR_EOH);
}

bool mc_body(struct mc *client, const void *data, size_t length, size_t chunk)
{
    for (size_t at = 0; at < length; at += chunk)
        if (!mc_send(client, SMFIC_BODY, (const char *)data + at, MIN(chunk, length - at)) ||
            !mc_step(client, SMFIP_NR_BODY))
            return false;
    return true;
}

static void mc_take_edit(struct mc_outcome *outcome, char kind, const char *data, size_t length)
{
    struct mc_edit edit = {.kind = kind};
    size_t skip = kind == MC_ADD ? 0 : 4;
    if (length < skip + 2)
        return;
    edit.index = skip > 0 ? mc_number(data) : 0;
    edit.name = g_strdup(data + skip);
    size_t used = skip + strlen(edit.name) + 1;
    edit.value = g_strdup(used < length ? data + used : "");
    outcome->disordered |= outcome->body != NULL;
    g_array_append_val(outcome->edits, edit);
}

bool mc_end(struct mc *client, struct mc_outcome *outcome)
{
    bool body_over = false;
    *outcome = (struct mc_outcome){.edits = g_array_new(FALSE, FALSE, sizeof(struct mc_edit))};
    if (!mc_send(client, SMFIC_BODYEOB, NULL, 0))
        return false;
    for (;;) {
        g_autofree char *data = NULL;
        size_t length = 0;
        char command = mc_receive(client, &data, &length);
        if (outcome->body != NULL && command != SMFIR_REPLBODY)
            body_over = true;
        switch (command) {
        case 0:
            return false;
        case SMFIR_INSHEADER:
        case SMFIR_ADDHEADER:
        case SMFIR_CHGHEADER:
            mc_take_edit(outcome, command, data, length);
            break;
        case SMFIR_REPLBODY:
            outcome->disordered |= body_over;
            if (outcome->body == NULL)
                outcome->body = g_byte_array_new();
            g_byte_array_append(outcome->body, (const guint8 *)data, (guint)length);
            outcome->chunks++;
            outcome->largest_chunk = MAX(outcome->largest_chunk, length);
            break;
        case SMFIR_QUARANTINE:
            outcome->quarantine = g_strdup(data);
            break;
        case SMFIR_PROGRESS:
            outcome->progress++;
            break;
        default:
            outcome->disposition = command;
            if (command == SMFIR_REPLYCODE)
                outcome->reply = g_strdup(data);
            return true;
        }
    }
}

bool mc_abort(struct mc *client)
{
    return mc_send(client, SMFIC_ABORT, NULL, 0) && mc_flush(client);
}

bool mc_quit(struct mc *client)
{
    bool sent = mc_send(client, SMFIC_QUIT, NULL, 0) && mc_flush(client);
    mc_close(client);
    return sent;
}

/* The header fields of a message, one after another, from its bytes (LF or CRLF lines; kept with LF folding). Returns
 * where the body begins. */
static const char *mc_headers(struct mc *client, const char *message, const char *end, bool *sent)
{
    const char *at = message;
    *sent = true;
    while (at < end && *at != '\r' && *at != '\n') {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        const char *stop = at;
        do {
            const char *line = memchr(stop, '\n', (size_t)(end - stop));
            stop = line != NULL ? line + 1 : end;
        } while (stop < end && (*stop == ' ' || *stop == '\t'));
        if (colon != NULL && colon < stop) {
            g_autofree char *name = g_strndup(at, (size_t)(colon - at));
            GString *value = g_string_new(NULL);
            for (const char *c = colon + 1; c < stop; c++)
                if (*c != '\r')
                    g_string_append_c(value, *c);
            if (value->len > 0 && value->str[value->len - 1] == '\n')
                g_string_truncate(value, value->len - 1);
            *sent = *sent && mc_header(client, name, value->str);
            g_string_free(value, TRUE);
        }
        at = stop;
    }
    if (at < end && *at == '\r')
        at++;
    return at < end ? at + 1 : end;
}

bool mc_message(struct mc *client, const char *message, size_t length, size_t chunk)
{
    bool sent;
    const char *end = message + length;
    const char *body = mc_headers(client, message, end, &sent);
    return sent && mc_eoh(client) && mc_body(client, body, (size_t)(end - body), chunk > 0 ? chunk : 65535);
}
