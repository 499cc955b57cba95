#include "acquire/clock_pair.h"

#include <jansson.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t kl_clock_pair_write(const struct kl_clock_pair *pair, char out[KL_CLOCK_PAIR_TEXT])
{
    char name[2 * KL_NAME_MAX];
    size_t at = 0;
    for (const char *c = pair->device; *c != '\0' && at + 2 < sizeof(name); c++) {
        if (*c == '"' || *c == '\\') {
            name[at++] = '\\';
        }
        name[at++] = (unsigned char)*c < ' ' ? '?' : *c;
    }
    name[at] = '\0';
    int len = snprintf(out, KL_CLOCK_PAIR_TEXT,
                       "{\"device\":\"%s\",\"connection\":%" PRIu64 ",\"device_ns\":%" PRId64
                       ",\"arrival_ns\":%" PRId64 ",\"t_ns\":%" PRId64 "}",
                       name, pair->connection, pair->device_ns, pair->arrival_ns, pair->t_ns);
    return len > 0 ? (size_t)len : 0;
}

static bool read_integer(const json_t *root, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(root, key);
    *out = json_integer_value(value);
    return json_is_integer(value);
}

int kl_clock_pair_read(const char *text, struct kl_clock_pair *out)
{
    json_t *root = json_loads(text, 0, NULL);
    const char *device = json_string_value(json_object_get(root, "device"));
    int64_t connection = 0;
    bool good = device != NULL && read_integer(root, "connection", &connection) &&
                read_integer(root, "device_ns", &out->device_ns) &&
                read_integer(root, "arrival_ns", &out->arrival_ns) &&
                read_integer(root, "t_ns", &out->t_ns);
    if (good) {
        out->connection = (uint64_t)connection;
        (void)snprintf(out->device, sizeof(out->device), "%s", device);
    }
    json_decref(root);
    return good ? KL_OK : KL_ERR_DATA;
}
