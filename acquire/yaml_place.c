/* Finding values in a document by their path: "devices[2].options". */
#include "acquire/yaml.h"
#include "acquire/yaml_check.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The node one step down `path`; the step taken is cut off. NULL: not there. */
static const yaml_node_t *step_down(yaml_document_t *document, const yaml_node_t *node,
                                    const char **path)
{
    const char *p = *path;
    if (*p == '[' && node->type == YAML_SEQUENCE_NODE) {
        char *end = NULL;
        unsigned long index = strtoul(p + 1, &end, 10);
        size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
        *path = *end == ']' ? end + 1 : end;
        return index >= 1 && index <= count
                   ? yaml_document_get_node(document, node->data.sequence.items.start[index - 1])
                   : NULL;
    }
    if (node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    p += *p == '.';
    size_t len = strcspn(p, ".[");
    *path = p + len;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == len &&
            memcmp(key->data.scalar.value, p, len) == 0) {
            return yaml_document_get_node(document, pair->value);
        }
    }
    return NULL;
}

/* The node at `key_path`, or the deepest on the way when `deepest`; else NULL. */
static const yaml_node_t *find(yaml_document_t *document, const char *key_path, bool deepest)
{
    const yaml_node_t *node = yaml_document_get_root_node(document);
    const yaml_node_t *reached = node;
    while (node != NULL && *key_path != 0) {
        node = step_down(document, node, &key_path);
        reached = node != NULL ? node : reached;
    }
    return deepest ? reached : node;
}

static bool load(const char *text, size_t len, yaml_parser_t *parser, yaml_document_t *document)
{
    if (!yaml_parser_initialize(parser)) {
        return false;
    }
    yaml_parser_set_input_string(parser, (const unsigned char *)text, len);
    if (!yaml_parser_load(parser, document)) {
        yaml_parser_delete(parser);
        return false;
    }
    return true;
}

void kl_yaml_place(const char *text, size_t len, const char *key_path, size_t *line, size_t *column)
{
    yaml_parser_t parser;
    yaml_document_t document;
    *line = *column = 1;
    if (!load(text, len, &parser, &document)) {
        return;
    }
    const yaml_node_t *node = find(&document, key_path, true);
    if (node != NULL) {
        *line = node->start_mark.line + 1;
        *column = node->start_mark.column + 1;
    }
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
}

/* ---------------------------------------------------------------- pairs */

void kl_yaml_pairs_free(struct kl_yaml_pair *pair, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pair[i].key);
        free(pair[i].value);
    }
    free(pair);
}

static const char *scalar(yaml_document_t *document, int index)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    bool is_text = node->type == YAML_SCALAR_NODE &&
                   memchr(node->data.scalar.value, 0, node->data.scalar.length) == NULL;
    return is_text ? (const char *)node->data.scalar.value : NULL;
}

/* @return pairs written, or what is wrong in words */
static const char *take_pairs(yaml_document_t *document, const yaml_node_t *node,
                              struct kl_yaml_pair *out, size_t *count)
{
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
         p < node->data.mapping.pairs.top; p++) {
        const char *key = scalar(document, p->key);
        const char *value = scalar(document, p->value);
        if (key == NULL || value == NULL) {
            return "each line is one `key: value`, no lists or further keys";
        }
        for (size_t i = 0; i < *count; i++) {
            if (strcmp(out[i].key, key) == 0) {
                return "a key is here twice";
            }
        }
        out[*count] = (struct kl_yaml_pair){.key = strdup(key), .value = strdup(value)};
        (*count)++;
        if (out[*count - 1].key == NULL || out[*count - 1].value == NULL) {
            return "no memory";
        }
    }
    return NULL;
}

int kl_yaml_pairs(const char *name, const char *text, size_t len, const char *key_path,
                  struct kl_yaml_pair **out, size_t *count, struct kl_fault *fault)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!load(text, len, &parser, &document)) {
        return kl_fault(fault, KL_ERR_MEM, "%s: no memory to read it", name); /* it was read once */
    }
    const yaml_node_t *node = find(&document, key_path, false);
    const char *wrong = NULL;
    struct kl_yaml_pair *pair = NULL;
    size_t taken = 0;
    if (node != NULL && node->type != YAML_MAPPING_NODE) {
        wrong = "keys with values are expected";
    } else if (node != NULL) {
        size_t room = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
        pair = calloc(room + 1, sizeof(*pair));
        wrong = pair == NULL ? "no memory" : take_pairs(&document, node, pair, &taken);
    }
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    if (wrong != NULL) {
        kl_yaml_pairs_free(pair, taken);
        return kl_yaml_fault(name, text, len, key_path, fault, "%s", wrong);
    }
    *out = pair;
    *count = taken;
    return KL_OK;
}
