/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tags: words at the head of a Subject by which people ask the gateway for something ("[encrypt]"), and the text of a
 * header field as rules compare it.
 */
#ifndef DOMSEC_MAIL_TAGS_H
#define DOMSEC_MAIL_TAGS_H

#include "base/bytes.h"
#include "conf/conf.h"

struct subject_tags {
    char *
        *found; /* as in conf->tags, each once, in the order in which they stand there; lent by conf; NULL-terminated */
    char *rest; /* the value without them, with its leading space and folding; NULL: no tags */
};

/* Finds conf's tags at the head of a Subject's raw value: at its beginning, behind "Re:" and the like, and behind each
 * other. Bytes that no tag is in stay as they are, unless a tag is in an encoded word. */
void subject_tags_read(const struct conf *conf, struct slice value, struct subject_tags *tags);
void subject_tags_clear(struct subject_tags *tags);

/* The value of a field folded by fold_text(), as it stands there, and with its encoded words decoded. NULL: it is not
 * text; the same text twice: it has no encoded words. g_free() both. */
void field_texts(struct slice value, char **plain, char **decoded);

#endif
