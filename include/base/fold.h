/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: text as it is compared without case. Letters that only look alike stay different.
 */
#ifndef DOMSEC_BASE_FOLD_H
#define DOMSEC_BASE_FOLD_H

#include "base/bytes.h"

#include <stdint.h>

/* One character as it is compared. */
uint32_t fold_character(uint32_t character);
/* The text with each character folded, without white space around it, and with one blank for each run of white space.
 * NULL if it is not UTF-8 or has a NUL. g_free(). */
char *fold_text(struct slice text);

#endif
