#include "acquire/formats/mot.h"

#include "acquire/formats/recording.h"
#include "acquire/formats/table_session.h"
#include "acquire/whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_BYTES_MAX 65536 /* endheader comes within */
#define PLATES_MAX 8
#define NAME_CHARS 80
#define CHANNELS 6 /* vx vy vz px ty pz */

/* The six columns of one plate and the strings the description borrows. */
struct plate_columns {
    char name[KL_NAME_MAX];
    char column[CHANNELS][NAME_CHARS];
    struct kl_column channel[CHANNELS];
};

static const struct {
    const char *suffix;
    enum kl_component component;
    const char *unit;
} parts[] = {
    {"vx", KL_COMPONENT_FX, "N"},    {"vy", KL_COMPONENT_FY, "N"},    {"vz", KL_COMPONENT_FZ, "N"},
    {"px", KL_COMPONENT_COP_X, "m"}, {"pz", KL_COMPONENT_COP_Z, "m"},
};

/* Offset behind the line `endheader`, or 0. */
static size_t head_length(const uint8_t *buf, size_t len)
{
    static const char word[] = "endheader";
    size_t word_len = sizeof(word) - 1;
    size_t look = len < HEAD_BYTES_MAX ? len : HEAD_BYTES_MAX;
    for (size_t i = 0; i + word_len <= look; i++) {
        bool begins = i == 0 || buf[i - 1] == '\n' || buf[i - 1] == '\r';
        if (begins && strncasecmp((const char *)buf + i, word, word_len) == 0) {
            i += word_len;
            while (i < len && buf[i] != '\n' && buf[i] != '\r') {
                i++;
            }
            return i;
        }
    }
    return 0;
}

/* The rows the head promises (`datarows 246` or `nRows=246`), or 0. */
static size_t stated_rows(const uint8_t *buf, size_t head)
{
    static const char *const words[] = {"datarows ", "nRows="};
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        size_t len = strlen(words[w]);
        for (size_t i = 0; i + len < head; i++) {
            if (strncasecmp((const char *)buf + i, words[w], len) != 0) {
                continue;
            }
            size_t rows = 0;
            for (i += len; i < head && buf[i] >= '0' && buf[i] <= '9' && rows < SIZE_MAX / 100;
                 i++) {
                rows = rows * 10 + (size_t)(buf[i] - '0');
            }
            return rows;
        }
    }
    return 0;
}

bool kl_mot_matches(const uint8_t *buf, size_t len)
{
    return kl_delimited_is_text(buf, len) && head_length(buf, len) > 0;
}

/* ---------------------------------------------------------------- columns */

static bool has_word(const char *stem, const char *letter, const char *word)
{
    size_t n = strlen(stem);
    char inner[8];
    (void)snprintf(inner, sizeof(inner), "_%s_", letter);
    for (size_t i = 0; i < n; i++) {
        if (strncasecmp(stem + i, inner, 3) == 0 ||
            strncasecmp(stem + i, word, strlen(word)) == 0) {
            return true;
        }
    }
    return strncasecmp(stem, inner + 1, 2) == 0; /* "R_..." */
}

static enum kl_side side_of(const char *stem)
{
    bool left = has_word(stem, "l", "left");
    bool right = has_word(stem, "r", "right");
    return left == right ? KL_SIDE_UNKNOWN : left ? KL_SIDE_LEFT : KL_SIDE_RIGHT;
}

/* The column of the moment about +Y that goes with a force stem: "R_ground_force_" has
 * "R_ground_torque_y". */
static bool find_moment(const struct kl_delimited *d, const char *stem, char *out, size_t cap)
{
    static const char *const words[] = {"torque", "moment"};
    static const char *const ends[] = {"y", "my", "ty"};
    const char *force = strstr(stem, "force");
    if (force == NULL) {
        return false;
    }
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
            (void)snprintf(out, cap, "%.*s%s%s%s", (int)(force - stem), stem, words[w],
                           force + strlen("force"), ends[e]);
            if (kl_delimited_find(d, out) >= 0) {
                return true;
            }
        }
    }
    return false;
}

static void add_channel(struct plate_columns *plate, struct kl_column_stream *stream,
                        enum kl_component component, const char *unit)
{
    size_t i = stream->channels_count++;
    plate->channel[i] =
        (struct kl_column){.column = plate->column[i], .component = component, .unit = unit};
}

/* What of a plate the file has, by the stem of its vertical force. */
static void describe_plate(const struct kl_delimited *d, const char *stem, size_t index,
                           struct plate_columns *plate, struct kl_column_stream *stream)
{
    *stream = (struct kl_column_stream){.name = plate->name,
                                        .kind = KL_KIND_FORCE,
                                        .side = side_of(stem),
                                        .channels = plate->channel};
    (void)snprintf(plate->name, sizeof(plate->name), "plate.%s",
                   stream->side != KL_SIDE_UNKNOWN ? kl_side_text(stream->side) : "");
    if (stream->side == KL_SIDE_UNKNOWN) {
        (void)snprintf(plate->name, sizeof(plate->name), "plate.%zu", index + 1);
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *column = plate->column[stream->channels_count];
        (void)snprintf(column, NAME_CHARS, "%s%s", stem, parts[i].suffix);
        if (kl_delimited_find(d, column) >= 0) {
            add_channel(plate, stream, parts[i].component, parts[i].unit);
        }
    }
    if (find_moment(d, stem, plate->column[stream->channels_count], NAME_CHARS)) {
        add_channel(plate, stream, KL_COMPONENT_FREE_MOMENT, "N.m");
    }
}

static bool same_name_before(const struct kl_column_stream *streams, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(streams[i].name, streams[index].name) == 0) {
            return true;
        }
    }
    return false;
}

/* Stems of the columns that end in "vy". @return how many plates */
static size_t find_plates(const struct kl_delimited *d, struct plate_columns *plates,
                          struct kl_column_stream *streams)
{
    const char *p = d->text + d->header;
    const char *end = memchr(p, d->newline, d->len - d->header);
    end = end != NULL ? end : d->text + d->len;
    size_t count = 0;
    while (p < end && count < PLATES_MAX) {
        while (p < end && strchr(" \t\r,;", *p) != NULL) {
            p++;
        }
        const char *begin = p;
        while (p < end && strchr(" \t\r,;", *p) == NULL) {
            p++;
        }
        size_t len = (size_t)(p - begin);
        if (len < 3 || len >= NAME_CHARS - 8 || strncmp(p - 2, "vy", 2) != 0) {
            continue;
        }
        char stem[NAME_CHARS];
        (void)snprintf(stem, sizeof(stem), "%.*s", (int)len - 2, begin);
        describe_plate(d, stem, count, &plates[count], &streams[count]);
        if (same_name_before(streams, count)) {
            (void)snprintf(plates[count].name, KL_NAME_MAX, "plate.%zu", count + 1);
        }
        count++;
    }
    return count;
}

int kl_mot_session(const char *name, const uint8_t *buf, size_t len, struct kl_memory *memory,
                   struct kl_fault *fault)
{
    struct kl_delimited d;
    struct plate_columns plates[PLATES_MAX] = {0};
    struct kl_column_stream streams[PLATES_MAX] = {0};
    size_t head = head_length(buf, len);
    size_t head_lines = 0;
    if (head == 0) {
        return kl_fault(fault, KL_ERR_DATA, "%s: not a .mot or .sto file: no line 'endheader'",
                        name);
    }
    bool old_mac = memchr(buf, '\n', len) == NULL;
    for (size_t i = 0; i < head; i++) {
        head_lines += buf[i] == (old_mac ? '\r' : '\n');
    }
    const struct kl_delimited_hint hint = {
        .decimal = '.', .header = 1, .skip_rows = head_lines + 1};
    int status = kl_delimited_look(name, (const char *)buf, len, &hint, &d, fault);
    if (status != KL_OK) {
        return status;
    }
    struct kl_columns columns = {.time = "time", .streams = streams};
    columns.streams_count = (unsigned)find_plates(&d, plates, streams);
    if (columns.streams_count == 0) {
        char names[200];
        kl_delimited_names(&d, names, sizeof(names));
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: no ground force: no column ends in 'vy'; it has: %s", name, names);
    }
    const struct kl_table table = {.data = &d, .columns = &columns};
    status = kl_table_session(&table, memory, fault);
    size_t stated = stated_rows(buf, head);
    if (status == KL_OK && memory->stream_count > 0 && memory->stream[0].count < stated) {
        (void)snprintf(memory->missing, sizeof(memory->missing),
                       "the file ends early: %zu of %zu rows are there", memory->stream[0].count,
                       stated);
    }
    return status;
}

struct kl_source *kl_mot_open(const char *path, struct kl_fault *fault)
{
    struct kl_bytes bytes;
    struct kl_source *source = NULL;
    if (kl_bytes_read(path, &bytes, fault) != KL_OK) {
        return NULL;
    }
    struct kl_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory", path);
    } else if (kl_mot_session(path, bytes.data, bytes.len, memory, fault) == KL_OK) {
        source = kl_memory_source(memory);
        if (source == NULL) {
            (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory", path);
        }
    }
    if (memory != NULL) {
        kl_memory_release(memory);
        free(memory);
    }
    kl_bytes_release(&bytes);
    return source;
}
