/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option: the schema of domsec.conf and of policy files. Each key has one row with everything that is known about it.
 * The parser, the suggestion for an unknown key, and the test that compares domsec.conf(5) with the program read the
 * same rows. Private to conf/ and its tests.
 */
#ifndef DOMSEC_CONF_OPTION_H
#define DOMSEC_CONF_OPTION_H

#include "place.h"

#include "conf/conf.h"

struct config_setting_t; /* libconfig's */

/* Checks a string and converts it to the form in the snapshot: g_free(). NULL after it has added a fault. */
typedef char *option_convert(const char *text, const struct place *place);
option_convert convert_address;
option_convert convert_address_member;
option_convert convert_address_pattern;
option_convert convert_anchor;
option_convert convert_authserv_id;
option_convert convert_br_generation;
option_convert convert_br_type;
option_convert convert_bundle_url;
option_convert convert_certificate_kind;
option_convert convert_dns_record;
option_convert convert_domain;
option_convert convert_field_name;
option_convert convert_folder;
option_convert convert_header;
option_convert convert_key;
option_convert convert_key_kind;
option_convert convert_kind;
option_convert convert_ldap_domain;
option_convert convert_ldap_uri;
option_convert convert_listen;
option_convert convert_local_domain;
option_convert convert_login;
option_convert convert_mark;
option_convert convert_network;
option_convert convert_oid;
option_convert convert_origin;
option_convert convert_path;
option_convert convert_resolver;
option_convert convert_source;
option_convert convert_store;
option_convert convert_tag;
option_convert convert_variable;
option_convert convert_x500;

/* Whether an entry that convert_anchor() has taken is the URL of a bundle; else it is a file. */
bool anchor_is_url(const char *text);

enum option_type {
    OPTION_TEXT,   /* char * */
    OPTION_TEXTS,  /* char **: a list or array of strings, or one string; groups may stand among them if the row has a
                      table, and the loader reads them */
    OPTION_WORD,   /* an enum: the index in words */
    OPTION_SWITCH, /* bool */
    OPTION_STATED, /* enum stated: true, false or left out */
    OPTION_SIZE,   /* size_t */
    OPTION_COUNT,  /* unsigned */
    OPTION_TIME,   /* time_t after 1970; 0: not given */
    OPTION_GROUP,  /* a group with a table of its own, which fills what is at offset */
    OPTION_GROUPS, /* a list of groups; the loader reads them */
    OPTION_NAMED,  /* a group whose keys are names; the loader reads them */
};

struct option_table;

struct conf_option {
    const char *key;
    enum option_type type;
    size_t offset; /* in the struct that the table fills */
    bool required;
    const char *fallback; /* the default as it is written in the file, a string without its quotes, strings with a space
                             between them; NULL: none, or `computed` */
    const char *computed; /* describes a default that the loader computes */
    option_convert *convert; /* OPTION_TEXT, OPTION_TEXTS; NULL: any text except an empty one */
    const char *const *words;
    long long minimum, maximum; /* OPTION_SIZE, OPTION_COUNT */
    const struct option_table *group;
    const char *help;
};

struct option_table {
    const char *name; /* of the block, as domsec.conf(5) heads its section */
    const struct conf_option *options;
    size_t count;
    const struct option_table *also; /* whose keys may stand in the group, too; NULL: none */
    size_t also_offset;              /* of the struct that they fill */
};

extern const struct option_table main_options;     /* struct conf */
extern const struct option_table identity_options; /* struct identity_conf */
extern const struct option_table login_options;    /* struct login_conf */
extern const struct option_table partner_options;  /* struct partner, with outbound_options and inbound_options in it */
extern const struct option_table outbound_options; /* struct outbound_rule */
extern const struct option_table sign_with_options;          /* struct sign_with_conf, within outbound_options */
extern const struct option_table inbound_options;            /* struct inbound_rule */
extern const struct option_table rule_options;               /* struct rule, and outbound_options in it */
extern const struct option_table when_options;               /* struct when */
extern const struct option_table group_options;              /* struct group_conf */
extern const struct option_table label_options;              /* struct label_conf */
extern const struct option_table bundle_options;             /* struct bundle_conf */
extern const struct option_table split_options;              /* struct conf, within main_options */
extern const struct option_table harvest_options;            /* struct conf, within main_options */
extern const struct option_table dns_options;                /* struct conf, within main_options */
extern const struct option_table capabilities_options;       /* struct capabilities_conf, within partner_options */
extern const struct option_table ldap_options;               /* struct ldap_conf */
extern const struct option_table demands_options;            /* struct partner, within partner_options */
extern const struct option_table revocation_options;         /* struct conf, within main_options */
extern const struct option_table partner_revocation_options; /* struct partner, within partner_options */

/* schema_rules.c */
#define RULE_ROWS 3
extern const struct conf_option rule_rows[RULE_ROWS];

/* Fills base (zeroed) from a group: every key that is present, then the defaults of those that are absent or faulty. */
void option_read_group(const struct config_setting_t *group, const struct option_table *table, void *base,
                       const struct place *place);
/* The same over the values that base has: a key that is absent keeps its value. */
void option_apply_group(const struct config_setting_t *group, const struct option_table *table, void *base,
                        const struct place *place);
/* Reads one value as an OPTION_TEXTS row with that converter has it. NULL after it has added a fault. g_strfreev(). */
char **option_read_texts(const struct config_setting_t *setting, option_convert *convert, const struct place *place);
/* The place of a setting, which may be in an included file. *file: g_free() it after the last use of the place. */
struct place option_place(const struct place *place, const struct config_setting_t *setting, char **file);
/* Reads a list of groups into a new array of structs of `size` bytes. lines (of unsigned) gets a line for each, and
 * its length is the count. NULL if the key is absent or not a list. Clear each struct with option_clear(), and the
 * array with g_free(). */
void *option_read_groups(const struct config_setting_t *parent, const char *key, const struct option_table *table,
                         size_t size, GArray *lines, const struct place *place);
void option_set_defaults(const struct option_table *table, void *base);
/* Copies all values except those of OPTION_GROUPS. to: zeroed. option_clear(). */
void option_copy(const struct option_table *table, const void *from, void *to);
/* A value as it is written in the file; g_free(). */
char *option_value_text(const struct conf_option *option, const void *base);
/* Frees the strings and lists in base, but not the contents of OPTION_GROUPS. */
void option_clear(const struct option_table *table, void *base);
/* The default as domsec.conf(5) shows it: `"reject"`, `20`, `none`, `required`. g_free(). */
char *option_default_text(const struct conf_option *option);
/* The line of a key in a group; 0 if it is absent or in an included file. */
unsigned option_line(const struct config_setting_t *group, const char *key);

/* The known key nearest to an unknown one ("outbound.protect" if it belongs in that group), NULL if none is near.
 * g_free(). */
char *option_suggest(const struct option_table *table, const char *key);

#endif
