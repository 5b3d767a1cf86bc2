/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject_text: the text of a Subject and back. Private to mail/.
 */
#ifndef DOMSEC_MAIL_SUBJECT_TEXT_H
#define DOMSEC_MAIL_SUBJECT_TEXT_H

/* What readers show: unfolded, with encoded words decoded, and blanks for controls. UTF-8; g_free(). */
char *subject_shown(const char *raw);
/* The value of a field that shows this text, with its leading space and folding. g_free(). */
char *subject_written(const char *text);

#endif
