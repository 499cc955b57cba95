#include "acquire/yaml_check.h"

#include "acquire/formats/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define PATH_MAX_CHARS 160
#define ALLOWED_MAX_CHARS 240
#define FOUND_MAX_CHARS 40 /* of a wrong value shown in a message */

struct check {
    const char *name;
    yaml_document_t *document;
    struct kl_fault *fault;
    char path[PATH_MAX_CHARS]; /* streams[2].kind */
};

/* The three check_ functions call each other as deep as the schema is, not the text. */
/* NOLINTBEGIN(misc-no-recursion) */
static int check_value(struct check *c, const struct cyaml_schema_value *schema,
                       const yaml_node_t *node);

/* ---------------------------------------------------------------- words */

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static int fail_at(struct check *c, yaml_mark_t mark, const char *what, const char *allowed)
{
    return kl_fault(c->fault, KL_ERR_RANGE, "%s:%zu:%zu: %s%s%s%s%s", c->name, mark.line + 1,
                    mark.column + 1, c->path, c->path[0] != 0 ? ": " : "", what,
                    allowed[0] != 0 ? "; " : "", allowed);
}

/* "found 'blue'; a number is expected" */
static int fail_found(struct check *c, const yaml_node_t *node, const char *expected)
{
    char what[FOUND_MAX_CHARS + 20];
    if (node->type == YAML_MAPPING_NODE) {
        (void)snprintf(what, sizeof(what), "found keys with values");
    } else if (node->type == YAML_SEQUENCE_NODE) {
        (void)snprintf(what, sizeof(what), "found a list");
    } else if (node->data.scalar.length == 0) {
        (void)snprintf(what, sizeof(what), "found nothing");
    } else {
        (void)snprintf(what, sizeof(what), "found '%.*s'", FOUND_MAX_CHARS, text_of(node));
    }
    return fail_at(c, node->start_mark, what, expected);
}

static void append(char *out, size_t cap, const char *word, const char *between)
{
    size_t len = strlen(out);
    (void)snprintf(out + len, cap - len, "%s%s", len > 0 && out[len - 1] != ' ' ? between : "",
                   word);
}

static void list_keys(const struct cyaml_schema_value *schema, char *out, size_t cap)
{
    (void)snprintf(out, cap, "allowed: ");
    for (const struct cyaml_schema_field *f = schema->mapping.fields; f->key != NULL; f++) {
        append(out, cap, f->key, ", ");
    }
}

static void list_words(const struct cyaml_schema_value *schema, char *out, size_t cap)
{
    (void)snprintf(out, cap, "allowed: ");
    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        append(out, cap, schema->enumeration.strings[i].str, ", ");
    }
}

/* --------------------------------------------------------------- scalars */

static bool is_integer(const yaml_node_t *node, bool is_signed)
{
    const char *text = text_of(node);
    char *end = NULL;
    if (text[0] == 0 || (!is_signed && text[0] == '-')) {
        return false;
    }
    (void)strtoll(text, &end, 0);
    return *end == 0;
}

static bool is_word_of(const struct cyaml_schema_value *schema, const yaml_node_t *node)
{
    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        if (strcmp(schema->enumeration.strings[i].str, text_of(node)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_boolean(const yaml_node_t *node)
{
    static const char *const words[] = {"true", "false", "yes", "no"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], text_of(node)) == 0) {
            return true;
        }
    }
    return false;
}

static int check_string(struct check *c, const struct cyaml_schema_value *schema,
                        const yaml_node_t *node)
{
    char expected[64];
    size_t len = node->data.scalar.length;
    if (memchr(text_of(node), 0, len) != NULL) {
        return fail_at(c, node->start_mark, "found a zero byte", "text is expected");
    }
    if (len < schema->string.min || len > schema->string.max) {
        (void)snprintf(expected, sizeof(expected),
                       "%u to %u characters are expected, these are %zu", schema->string.min,
                       schema->string.max, len);
        return fail_found(c, node, expected);
    }
    return KL_OK;
}

static int check_scalar(struct check *c, const struct cyaml_schema_value *schema,
                        const yaml_node_t *node)
{
    char allowed[ALLOWED_MAX_CHARS];
    double number;
    switch (schema->type) {
    case CYAML_INT:
    case CYAML_UINT:
        return is_integer(node, schema->type == CYAML_INT)
                   ? KL_OK
                   : fail_found(c, node, "a whole number is expected");
    case CYAML_FLOAT:
        return kl_number(text_of(node), node->data.scalar.length, '.', &number)
                   ? KL_OK
                   : fail_found(c, node, "a number is expected");
    case CYAML_BOOL:
        return is_boolean(node) ? KL_OK : fail_found(c, node, "allowed: true, false");
    case CYAML_ENUM:
        list_words(schema, allowed, sizeof(allowed));
        return is_word_of(schema, node) ? KL_OK : fail_found(c, node, allowed);
    case CYAML_STRING:
        return check_string(c, schema, node);
    default:
        return KL_OK; /* libcyaml has the last word */
    }
}

static const char *expected_of(const struct cyaml_schema_value *schema)
{
    switch (schema->type) {
    case CYAML_MAPPING:
    case CYAML_BITFIELD:
        return "keys with values are expected";
    case CYAML_SEQUENCE:
    case CYAML_SEQUENCE_FIXED:
    case CYAML_FLAGS:
        return "a list is expected";
    case CYAML_INT:
    case CYAML_UINT:
        return "a whole number is expected";
    case CYAML_FLOAT:
        return "a number is expected";
    case CYAML_BOOL:
        return "allowed: true, false";
    default:
        return "one word or text is expected";
    }
}

/* ------------------------------------------------- mappings and sequences */

static int check_known_once(struct check *c, const struct cyaml_schema_value *schema,
                            const yaml_node_t *node, const yaml_node_pair_t *pair,
                            const struct cyaml_schema_field **field)
{
    char what[FOUND_MAX_CHARS + 60];
    char allowed[ALLOWED_MAX_CHARS];
    const yaml_node_t *key = yaml_document_get_node(c->document, pair->key);
    list_keys(schema, allowed, sizeof(allowed));
    if (key->type != YAML_SCALAR_NODE) {
        return fail_at(c, key->start_mark, "a key is one word", allowed);
    }
    const struct cyaml_schema_field *f = schema->mapping.fields;
    while (f->key != NULL && strcmp(f->key, text_of(key)) != 0) {
        f++;
    }
    if (f->key == NULL) {
        (void)snprintf(what, sizeof(what), "unknown key '%.*s'", FOUND_MAX_CHARS, text_of(key));
        return fail_at(c, key->start_mark, what, allowed);
    }
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < pair; p++) {
        const yaml_node_t *other = yaml_document_get_node(c->document, p->key);
        if (other->type == YAML_SCALAR_NODE && strcmp(text_of(other), f->key) == 0) {
            (void)snprintf(what, sizeof(what), "key '%s' is here twice, first in line %zu", f->key,
                           other->start_mark.line + 1);
            return fail_at(c, key->start_mark, what, "");
        }
    }
    *field = f;
    return KL_OK;
}

static int check_complete(struct check *c, const struct cyaml_schema_value *schema,
                          const yaml_node_t *node)
{
    char what[FOUND_MAX_CHARS + 20];
    char required[ALLOWED_MAX_CHARS] = "required: ";
    const char *missing = NULL;
    for (const struct cyaml_schema_field *f = schema->mapping.fields; f->key != NULL; f++) {
        if ((f->value.flags & CYAML_FLAG_OPTIONAL) != 0) {
            continue;
        }
        append(required, sizeof(required), f->key, ", ");
        bool here = false;
        for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
             p < node->data.mapping.pairs.top; p++) {
            here |= strcmp(text_of(yaml_document_get_node(c->document, p->key)), f->key) == 0;
        }
        if (!here && missing == NULL) {
            missing = f->key;
        }
    }
    if (missing == NULL) {
        return KL_OK;
    }
    (void)snprintf(what, sizeof(what), "key '%.*s' is missing", FOUND_MAX_CHARS, missing);
    return fail_at(c, node->start_mark, what, required);
}

static int check_mapping(struct check *c, const struct cyaml_schema_value *schema,
                         const yaml_node_t *node)
{
    size_t path_len = strlen(c->path);
    int status = KL_OK;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         status == KL_OK && pair < node->data.mapping.pairs.top; pair++) {
        const struct cyaml_schema_field *field = NULL;
        status = check_known_once(c, schema, node, pair, &field);
        if (status == KL_OK && field != NULL) {
            append(c->path, sizeof(c->path), field->key, ".");
            status =
                check_value(c, &field->value, yaml_document_get_node(c->document, pair->value));
            c->path[path_len] = 0;
        }
    }
    return status != KL_OK ? status : check_complete(c, schema, node);
}

static int check_sequence(struct check *c, const struct cyaml_schema_value *schema,
                          const yaml_node_t *node)
{
    char what[64];
    char expected[64];
    bool words = schema->type == CYAML_FLAGS;
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (!words && (count < schema->sequence.min || count > schema->sequence.max)) {
        (void)snprintf(what, sizeof(what), "found a list of %zu", count);
        if (schema->sequence.max == UINT32_MAX) {
            (void)snprintf(expected, sizeof(expected), "at least %u expected",
                           schema->sequence.min);
        } else {
            (void)snprintf(expected, sizeof(expected), "%u to %u entries are allowed",
                           schema->sequence.min, schema->sequence.max);
        }
        return fail_at(c, node->start_mark, what, expected);
    }
    struct cyaml_schema_value word = *schema;
    word.type = CYAML_ENUM;
    size_t path_len = strlen(c->path);
    int status = KL_OK;
    for (size_t i = 0; status == KL_OK && i < count; i++) {
        (void)snprintf(c->path + path_len, sizeof(c->path) - path_len, "[%zu]", i + 1);
        status =
            check_value(c, words ? &word : schema->sequence.entry,
                        yaml_document_get_node(c->document, node->data.sequence.items.start[i]));
        c->path[path_len] = 0;
    }
    return status;
}

static int check_value(struct check *c, const struct cyaml_schema_value *schema,
                       const yaml_node_t *node)
{
    bool empty = node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0;
    if (schema->type == CYAML_IGNORE ||
        (empty && (schema->flags & CYAML_FLAG_POINTER_NULL) == CYAML_FLAG_POINTER_NULL)) {
        return KL_OK;
    }
    bool list = schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED ||
                schema->type == CYAML_FLAGS;
    bool keys = schema->type == CYAML_MAPPING || schema->type == CYAML_BITFIELD;
    yaml_node_type_t wanted = list   ? YAML_SEQUENCE_NODE
                              : keys ? YAML_MAPPING_NODE
                                     : YAML_SCALAR_NODE;
    if (node->type != wanted) {
        return fail_found(c, node, expected_of(schema));
    }
    if (list) {
        return check_sequence(c, schema, node);
    }
    if (schema->type == CYAML_MAPPING) {
        return check_mapping(c, schema, node);
    }
    return check_scalar(c, schema, node);
}

/* NOLINTEND(misc-no-recursion) */

/* -------------------------------------------------------------- document */

static int fail_syntax(struct check *c, const yaml_parser_t *parser, const char *text)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return kl_fault(c->fault, KL_ERR_MEM, "%s: no memory to read it", c->name);
    }
    const char *problem = parser->problem != NULL ? parser->problem : "no YAML";
    if (parser->error != YAML_READER_ERROR) {
        return fail_at(c, parser->problem_mark, problem,
                       parser->context != NULL ? parser->context : "");
    }
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < parser->problem_offset; i++) {
        mark.column = text[i] == '\n' ? 0 : mark.column + 1;
        mark.line += text[i] == '\n';
    }
    return fail_at(c, mark, problem, "save the file as UTF-8");
}

static int check_single(struct check *c, yaml_parser_t *parser, const char *text)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        return fail_syntax(c, parser, text);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&next);
    int status = root == NULL ? KL_OK
                              : fail_at(c, root->start_mark, "a second document starts here",
                                        "a file holds one");
    yaml_document_delete(&next);
    return status;
}

int kl_yaml_check(const char *name, const char *text, size_t len,
                  const struct cyaml_schema_value *schema, struct kl_fault *fault)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) {
        return kl_fault(fault, KL_ERR_MEM, "%s: no memory to read it", name);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    struct check c = {.name = name, .document = &document, .fault = fault};
    int status;
    if (!yaml_parser_load(&parser, &document)) {
        status = fail_syntax(&c, &parser, text);
        yaml_parser_delete(&parser);
        return status;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    if (root == NULL) {
        char allowed[ALLOWED_MAX_CHARS] = "";
        if (schema->type == CYAML_MAPPING) {
            list_keys(schema, allowed, sizeof(allowed));
        }
        status = fail_at(&c, (yaml_mark_t){0}, "the file says nothing", allowed);
    } else {
        status = check_value(&c, schema, root);
        if (status == KL_OK) {
            status = check_single(&c, &parser, text);
        }
    }
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return status;
}
