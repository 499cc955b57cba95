#include "session.h"

#include "process/steps/step_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_line(struct session_log *log, const char *line)
{
    size_t n = strlen(line);
    if (log->len + n + 2 > log->cap) {
        log->cap = 2 * (log->cap + n + 2);
        log->text = realloc(log->text, log->cap);
    }
    memcpy(log->text + log->len, line, n);
    log->len += n;
    log->text[log->len++] = '\n';
    log->text[log->len] = '\0';
}

static void on_step(void *self, const struct kl_step *step)
{
    struct session_log *log = self;
    char line[KL_RECORD_MAX];
    (void)kl_step_record(step, line, sizeof(line));
    add_line(log, line);
    if (log->steps == log->step_cap) {
        log->step_cap = 2 * log->step_cap + 64;
        log->step = realloc(log->step, log->step_cap * sizeof(*log->step));
    }
    log->step[log->steps++] = *step;
    log->valid += step->valid;
}

static void on_flag(void *self, const struct kl_rule *rule, const struct kl_flag *flag)
{
    struct session_log *log = self;
    char line[KL_RECORD_MAX];
    (void)kl_flag_record(rule, flag, line, sizeof(line));
    add_line(log, line);
    log->flags++;
}

struct kl_pipeline_sink session_sink(struct session_log *log)
{
    return (struct kl_pipeline_sink){.self = log, .step = on_step, .flag = on_flag};
}

void session_log_free(struct session_log *log)
{
    free(log->step);
    free(log->text);
    *log = (struct session_log){0};
}

struct session_samples session_samples(size_t stream, size_t channels, size_t count, double rate_hz)
{
    struct session_samples samples = {
        .stream = stream,
        .channels = channels,
        .count = count,
        .t_ns = calloc(count + 1, sizeof(int64_t)),
        .value = calloc(count * channels + 1, sizeof(double)),
        .quality = calloc(count + 1, sizeof(uint32_t)),
    };
    for (size_t i = 0; i < count; i++) {
        samples.t_ns[i] = KL_EPOCH_NS + (int64_t)llround((double)i * 1e9 / rate_hz);
    }
    return samples;
}

void session_samples_free(struct session_samples *samples)
{
    free(samples->t_ns);
    free(samples->value);
    free(samples->quality);
}

void session_block(struct kl_pipeline *pipeline, const struct session_samples *samples, size_t from,
                   size_t to)
{
    if (to <= from) {
        return;
    }
    struct kl_item item = {
        .kind = KL_ITEM_BLOCK,
        .block = {.stream = samples->stream,
                  .count = to - from,
                  .t_ns = samples->t_ns + from,
                  .value = samples->value + from * samples->channels,
                  .quality = samples->quality + from},
    };
    kl_pipeline_item(pipeline, &item);
}

void session_event(struct kl_pipeline *pipeline, enum kl_event_kind kind, int64_t t_ns,
                   int64_t duration_ns, double a, double b, const char *text)
{
    struct kl_item item = {
        .kind = KL_ITEM_EVENT,
        .event = {
            .kind = kind, .t_ns = t_ns, .duration_ns = duration_ns, .value = {a, b}, .text = text}};
    kl_pipeline_item(pipeline, &item);
}

struct kl_stream session_vertical_plate(double rate_hz)
{
    struct kl_stream stream = {.name = "plate.belt",
                               .kind = KL_KIND_FORCE,
                               .format = KL_FORMAT_DOUBLE64,
                               .rate_hz = rate_hz,
                               .channel_count = 1};
    stream.plate.matrix[KL_FY][0] = 1;
    stream.plate.measured = KL_PLATE_MEASURES_FY;
    return stream;
}

struct kl_stream session_wrench_plate(const char *name, enum kl_side side, double rate_hz)
{
    struct kl_stream stream = {.kind = KL_KIND_FORCE,
                               .format = KL_FORMAT_DOUBLE64,
                               .rate_hz = rate_hz,
                               .channel_count = KL_WRENCH_COUNT};
    (void)snprintf(stream.name, sizeof(stream.name), "%s", name);
    stream.plate.side = side;
    stream.plate.measured = KL_PLATE_MEASURES_ALL;
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        stream.plate.matrix[i][i] = 1;
    }
    return stream;
}

size_t session_read_table(const char *path, size_t columns, size_t header_lines, char separator,
                          double **out)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    size_t rows = 0, cap = 0;
    char line[1024];
    *out = NULL;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (header_lines > 0) {
            header_lines--;
            continue;
        }
        if (rows == cap) {
            cap = 2 * cap + 1024;
            *out = realloc(*out, cap * columns * sizeof(double));
        }
        char *at = line;
        for (size_t c = 0; c < columns; c++) {
            (*out)[rows * columns + c] = strtod(at, &at);
            at += *at == separator;
        }
        rows++;
    }
    fclose(file);
    return rows;
}

double session_half_sine(double t_s, double contact_s, double step_s, double body_weight_n)
{
    const double pi = 3.14159265358979323846;
    if (t_s < 0 || t_s >= contact_s) {
        return 0;
    }
    return pi / 2 * body_weight_n * step_s / contact_s * sin(pi * t_s / contact_s);
}
