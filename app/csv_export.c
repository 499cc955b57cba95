#include "app/csv_export.h"

#include "app/step_csv.h"
#include "app/summary_json.h"
#include "process/force/cop.h"
#include "process/force/plate_map.h"
#include "process/motion/motion_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Below this vertical force a centre of pressure means nothing (methods 7.2). */
#define COP_MINIMUM_FY_N 100.0

/** One stream being written: as recorded, for a plate its wrench, for an IMU its orientation. */
struct stream_files {
    const struct kl_stream *stream;
    char name[KL_NAME_MAX + 16]; /* of its files */
    FILE *recorded;
    FILE *force;       /* plates only */
    FILE *orientation; /* sensors worn on a segment only */
    enum kl_segment segment;
    struct kl_plate_map map;
    /* a tare in progress */
    int64_t tare_until_ns;
    double tare_sum[KL_WRENCH_COUNT];
    size_t tare_count;
};

struct export
{
    const char *folder;
    struct kl_motion_chain *chain; /* NULL: sensors that contradict each other, no orientations */
    size_t count;
    struct stream_files file[KL_STREAMS_MAX];
};

static FILE *create(const char *folder, const char *name, struct kl_fault *fault)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s.csv", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        (void)kl_fault(fault, KL_ERR_IO, "%s: cannot be created: %s%s", path, strerror(errno),
                       errno == EEXIST ? "; choose another folder with --output" : "");
    }
    return file;
}

static bool name_taken(const struct export *export, const char *name)
{
    for (size_t i = 0; i < export->count; i++) {
        if (strcmp(export->file[i].name, name) == 0) {
            return true;
        }
    }
    static const char *const tables[] = {"steps", "flags", "figures", "asymmetry"};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (strcmp(tables[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/** A stream's name comes from a file that others wrote: it must not lead out of the folder, and two
 *  streams of one name are two files. */
static void name_file(const struct export *export, struct stream_files *file)
{
    char safe[KL_NAME_MAX];
    (void)snprintf(safe, sizeof(safe), "%s", file->stream->name);
    for (char *p = safe; *p != '\0'; p++) {
        bool hidden = p == safe && *p == '.';
        *p = *p == '/' || (unsigned char)*p < ' ' || hidden ? '_' : *p;
    }
    (void)snprintf(file->name, sizeof(file->name), "%s", safe[0] != '\0' ? safe : "stream");
    for (size_t again = 2; name_taken(export, file->name); again++) {
        (void)snprintf(file->name, sizeof(file->name), "%s-%zu", safe, again);
    }
}

/** ",label (unit)", in quotes when it would break the row. */
static void put_title(FILE *out, const char *label, const char *unit)
{
    char title[2 * KL_NAME_MAX + 8];
    (void)snprintf(title, sizeof(title), "%s (%s)", label, unit);
    if (strpbrk(title, ",\"\r\n") == NULL) {
        (void)fprintf(out, ",%s", title);
        return;
    }
    (void)fputs(",\"", out);
    for (const char *p = title; *p != '\0'; p++) {
        (void)fprintf(out, *p == '"' ? "\"\"" : "%c", *p);
    }
    (void)fputc('"', out);
}

/** "force.<name>.csv" of the newest stream. */
static int open_derived(const struct export *export, const char *what, FILE **out,
                        const char *titles, struct kl_fault *fault)
{
    char name[KL_NAME_MAX + 32];
    (void)snprintf(name, sizeof(name), "%.12s.%s", what, export->file[export->count - 1].name);
    *out = create(export->folder, name, fault);
    if (*out == NULL) {
        return KL_ERR_IO;
    }
    (void)fprintf(*out, "time (s),%s\n", titles);
    return KL_OK;
}

static int open_stream(struct export *export, const struct kl_stream *stream,
                       struct kl_fault *fault)
{
    struct stream_files *file = &export->file[export->count];
    *file = (struct stream_files){.stream = stream};
    name_file(export, file);
    file->recorded = create(export->folder, file->name, fault);
    if (file->recorded == NULL) {
        return KL_ERR_IO;
    }
    export->count++;
    (void)fprintf(file->recorded, "time (s)");
    for (size_t c = 0; c < stream->channel_count; c++) {
        put_title(file->recorded, stream->label[c], stream->unit[c]);
    }
    (void)fprintf(file->recorded, ",quality\n");
    if (stream->kind == KL_KIND_FORCE && kl_plate_map_init(&file->map, stream) == KL_OK) {
        return open_derived(export, "force", &file->force,
                            "Fx (N),Fy (N),Fz (N),Mx (N.m),My (N.m),Mz (N.m),COP x (m),COP z (m),"
                            "free moment (N.m)",
                            fault);
    }
    file->segment = export->chain == NULL
                        ? KL_SEGMENT_COUNT
                        : kl_motion_chain_segment(export->chain, export->count - 1);
    return file->segment == KL_SEGMENT_COUNT
               ? KL_OK
               : open_derived(export, "orientation", &file->orientation, "w,x,y,z", fault);
}

static void write_force(struct stream_files *file, int64_t t_ns, const double *raw)
{
    uint32_t quality = 0;
    double rows[KL_WRENCH_COUNT] = {0};
    double wrench[KL_WRENCH_COUNT] = {0};
    struct kl_cop cop;
    (void)fprintf(file->force, "%.9f", kl_recording_seconds((double)t_ns));
    if (!kl_plate_map_rows(&file->map, raw, rows, &quality)) {
        (void)fprintf(file->force, ",,,,,,,,,\n");
        return;
    }
    kl_plate_map_wrench(&file->map, rows, wrench);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        if ((file->map.measured & 1u << i) != 0) {
            (void)fprintf(file->force, ",%.9g", wrench[i]);
        } else {
            (void)fputc(',', file->force);
        }
    }
    if (file->map.measured == KL_PLATE_MEASURES_ALL && wrench[KL_FY] >= COP_MINIMUM_FY_N &&
        kl_cop_of_wrench(wrench, 0.0, &cop)) {
        (void)fprintf(file->force, ",%.9g,%.9g,%.9g\n", cop.x_m, cop.z_m, cop.free_moment_n_m);
    } else {
        (void)fprintf(file->force, ",,,\n");
    }
    if (t_ns < file->tare_until_ns) {
        for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
            file->tare_sum[i] += rows[i];
        }
        file->tare_count++;
    } else if (file->tare_count > 0) {
        for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
            file->map.tare[i] = file->tare_sum[i] / (double)file->tare_count;
        }
        file->tare_count = 0;
    }
}

/** The chain gives the newest orientation, so samples go in one by one; how they are cut changes
 *  nothing. */
static void write_orientation(struct export *export, const struct stream_files *file,
                              const struct kl_block *block, size_t i)
{
    struct kl_block one = *block;
    struct kl_quat q;
    one.count = 1;
    one.t_ns += i;
    one.value += i * file->stream->channel_count;
    one.quality += i;
    kl_motion_chain_push(export->chain, &one);
    (void)fprintf(file->orientation, "%.9f", kl_recording_seconds((double)*one.t_ns));
    if (kl_motion_chain_sensor(export->chain, file->segment, &q)) {
        (void)fprintf(file->orientation, ",%.9g,%.9g,%.9g,%.9g\n", q.w, q.x, q.y, q.z);
    } else {
        (void)fputs(",,,,\n", file->orientation);
    }
}

static void write_block(struct export *export, struct stream_files *file,
                        const struct kl_block *block)
{
    size_t channels = file->stream->channel_count;
    for (size_t i = 0; i < block->count; i++) {
        const double *value = block->value + i * channels;
        (void)fprintf(file->recorded, "%.9f", kl_recording_seconds((double)block->t_ns[i]));
        for (size_t c = 0; c < channels; c++) {
            bool finite = value[c] - value[c] == 0.0;
            (void)fprintf(file->recorded, finite ? ",%.9g" : ",", value[c]);
        }
        (void)fprintf(file->recorded, ",%u\n", block->quality[i]);
        if (file->force != NULL) {
            write_force(file, block->t_ns[i], value);
        }
        if (file->orientation != NULL) {
            write_orientation(export, file, block, i);
        }
    }
}

static void start_tare(struct export *export, const struct kl_event *event)
{
    for (size_t i = 0; i < export->count; i++) {
        struct stream_files *file = &export->file[i];
        if (event->text[0] == '\0' || strcmp(event->text, file->stream->name) == 0) {
            file->tare_until_ns = event->t_ns + event->duration_ns;
            file->tare_count = 0;
            memset(file->tare_sum, 0, sizeof(file->tare_sum));
        }
    }
}

/** Closes a file; a full disk shows at the latest here. */
static int finish(FILE *file, const char *folder, struct kl_fault *fault)
{
    if (file == NULL) {
        return KL_OK;
    }
    bool failed = ferror(file) != 0;
    failed = fclose(file) != 0 || failed;
    return failed ? kl_fault(fault, KL_ERR_IO, "%s: not everything could be written: %s", folder,
                             strerror(errno))
                  : KL_OK;
}

static int write_streams(struct export *export, struct kl_input_file *recording,
                         struct kl_fault *fault)
{
    struct kl_source *source = kl_recording_open(recording->path, &recording->options, fault);
    if (source == NULL) {
        return KL_ERR_DATA;
    }
    struct kl_fault sensors; /* `analyze` tells it */
    if (kl_motion_chain_create(source->stream, source->stream_count, NULL, &export->chain,
                               &sensors) != KL_OK) {
        export->chain = NULL;
    }
    int status = KL_OK;
    for (size_t i = 0; status == KL_OK && i < source->stream_count; i++) {
        status = open_stream(export, &source->stream[i], fault);
    }
    struct kl_item item;
    int answer = status == KL_OK ? kl_source_next(source, 0, &item, fault) : KL_SOURCE_END;
    while (answer == KL_SOURCE_ITEM) {
        if (item.kind == KL_ITEM_BLOCK && item.block.stream < export->count) {
            write_block(export, &export->file[item.block.stream], &item.block);
        } else if (item.kind == KL_ITEM_EVENT && item.event.kind == KL_EVENT_TARE) {
            start_tare(export, &item.event);
        }
        answer = kl_source_next(source, 0, &item, fault);
    }
    status = answer < 0 ? answer : status;
    for (size_t i = 0; i < export->count; i++) {
        int recorded = finish(export->file[i].recorded, export->folder, fault);
        int force = finish(export->file[i].force, export->folder, fault);
        int turned = finish(export->file[i].orientation, export->folder, fault);
        status = recorded != KL_OK ? recorded
                 : force != KL_OK  ? force
                 : turned != KL_OK ? turned
                                   : status;
    }
    kl_motion_chain_destroy(export->chain);
    kl_source_close(source);
    return status;
}

static int write_results(const char *folder, struct kl_input_file *recording,
                         struct kl_fault *fault)
{
    struct kl_results results = {0};
    bool fell_short = false;
    struct kl_run *run = kl_input_file_analyze(recording, &results, &fell_short, fault);
    int status = run == NULL || fell_short ? KL_ERR_DATA : KL_OK;
    kl_run_destroy(run);
    static const struct {
        const char *name;
        void (*write)(FILE *out, const struct kl_results *results);
    } table[] = {{"steps", kl_step_csv},
                 {"flags", kl_flag_csv},
                 {"figures", kl_figure_csv},
                 {"asymmetry", kl_asymmetry_csv}};
    for (size_t i = 0; run != NULL && i < sizeof(table) / sizeof(table[0]); i++) {
        FILE *file = create(folder, table[i].name, fault);
        if (file == NULL) {
            status = KL_ERR_IO;
            break;
        }
        table[i].write(file, &results);
        int finished = finish(file, folder, fault);
        status = finished != KL_OK ? finished : status;
    }
    kl_results_free(&results);
    return status;
}

int kl_csv_export(struct kl_input_file *recording, const char *folder, struct kl_fault *fault)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return kl_fault(fault, KL_ERR_IO, "%s: the folder cannot be created: %s", folder,
                        strerror(errno));
    }
    struct export *export = calloc(1, sizeof(*export));
    if (export == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    export->folder = folder;
    int status = write_streams(export, recording, fault);
    if (status == KL_OK) {
        status = write_results(folder, recording, fault);
    }
    free(export);
    return status;
}
