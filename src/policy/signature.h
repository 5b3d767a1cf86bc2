/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature: the verdict on one signed layer.
 */
#ifndef DOMSEC_POLICY_SIGNATURE_H
#define DOMSEC_POLICY_SIGNATURE_H

#include "policy/layers.h"

/* Judges each signer of an open signed layer: fills finding, signature_types, around_others, as_originators and
 * signer_judged. */
void signature_judge(const struct layer_view *view, const struct originator *originator, const struct authors *authors,
                     struct judged_layer *judged);

#endif
