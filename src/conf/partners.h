/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partners: the policy directory as a sorted list of partners. Private to conf/.
 */
#ifndef DOMSEC_CONF_PARTNERS_H
#define DOMSEC_CONF_PARTNERS_H

#include "option.h"

/* Reads every policy file of conf->policy_dir (NULL: not set) into conf->partners, with the default last.
 * place is that of the key policy_dir; its folder is that of domsec.conf. */
void partners_load(struct conf *conf, const struct place *place);
void partners_free(struct conf *conf);

/* --- revocation.c, each after the options of the file were read --- */

void revocation_read(struct conf *conf, const struct config_setting_t *root, const struct place *place);
void revocation_read_partner(struct partner *partner, const struct config_setting_t *root);
/* Gives a partner without that group the global one. After revocation_read(). */
void revocation_settle(const struct conf *conf, struct partner *partner, struct faults *faults);

/* --- lists.c --- */

/* Reads the group `lists`. previous: of the configuration in force, for lists that are missing now; may be NULL. */
struct lists *lists_read(const struct config_setting_t *root, const struct lists *previous, const struct place *place);
void lists_free(struct lists *lists);
/* The members of "list:NAME" or "file:/PATH", which is read if it was not yet: addresses and patterns as in
 * when.values. Lent. NULL after it has added a fault. */
char *const *lists_members(struct lists *lists, const char *name, const struct place *place);
bool lists_is_name(const char *member);
/* The members, with those of lists in the place of their names. g_strfreev(). */
char **lists_expand(struct lists *lists, char *const *members, const struct place *place);
/* Does so in *members. Returns all, to look addresses up; address_set_free(). */
struct address_set *lists_settle(struct lists *lists, char ***members, const struct place *place);
/* After the last list was read: which lists hold a key. */
void lists_index(struct lists *lists);

/* --- rules.c --- */

/* Reads the list `rules`, once. After `outbound` and `inbound`, of the template and of the file: the rules copy them.
 */
void rules_read(struct conf *conf, struct partner *partner, const struct config_setting_t *root,
                const struct place *place);
/* Adds a fault if a rule asks for the domain's signature and for none of it. */
void rules_check_signatures(const struct outbound_rule *outbound, const struct place *place);
/* Builds the index. After all keys of the partner. */
void rules_settle(struct partner *partner);
void rules_free(struct partner *partner);
/* rules_check.c: warns of rules that can never fit, and notes those that lower. After the index was built. */
void rules_check(const struct conf *conf, const struct partner *partner, struct faults *faults);

/* --- tags.c --- */

/* Fills conf->wanted and conf->tags. After all policy files. */
void wanted_gather(struct conf *conf);
void wanted_free(struct wanted *wanted);

/* --- groups.c --- */

/* Reads the list `groups`, once. */
void groups_read(struct conf *conf, struct partner *partner, const struct config_setting_t *root,
                 const struct place *place);
/* Warns of members outside of the partner's domain. */
void groups_check(const struct partner *partner, struct faults *faults);
void groups_free(struct partner *partner);

/* --- bundles.c --- */

/* Reads the groups and URLs among the anchors of `key`; URLs are taken out of `anchors`. */
void bundles_read(struct bundles_conf *bundles, char **anchors, const struct config_setting_t *root, const char *key,
                  const struct place *place);
/* What bundles need of other keys, in the file that has them. */
void bundles_check(const struct conf *conf, const struct bundles_conf *bundles, const char *file,
                   struct faults *faults);
void bundles_clear(struct bundles_conf *bundles);

/* --- harvest.c --- */

/* What the group `harvest` needs of other keys. After the options of the file were read. */
void harvest_check(const struct conf *conf, const struct config_setting_t *root, const struct place *place);

/* --- dns.c --- */

/* The defaults of the group `dns`, and what its values are together. After the options of the file were read. */
void dns_read(struct conf *conf, const struct config_setting_t *root, const struct place *place);

/* --- split.c --- */

/* What the group `split` and mixed_recipients come to. After the options of the file were read. */
void split_read(struct conf *conf, const struct config_setting_t *root, const struct place *place);
/* Whether mail servers give a listener this name unless the administrator chooses another one. */
bool split_is_usual_name(const char *name);

#endif
