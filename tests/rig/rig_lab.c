/* mkdtemp, wait4, F_SETPIPE_SZ */
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
#define _GNU_SOURCE
#include "rig_lab.h"

#include "devices/registry.h"
#include "tests/devices/emulator.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIGNO_COMMANDS 50040 /* its second port */
#define ENVIRONMENT_MAX 500
#define DEVICES_TEXT ((size_t)1 << 16)

extern char **environ;

/* A configuration with every endpoint our drivers ask for; bulk, or interrupt for a HID device. */
static char descriptors[2][160];

static void write_descriptors(void)
{
    static const unsigned endpoint[] = {0x81, 0x82, 0x83, 0x01, 0x02};
    for (unsigned hid = 0; hid < 2; hid++) {
        int at = snprintf(descriptors[hid], sizeof(descriptors[hid]),
                          "090235000101008032"
                          "0904000005%s000000",
                          hid ? "03" : "ff");
        for (size_t i = 0; i < sizeof(endpoint) / sizeof(endpoint[0]); i++) {
            at += snprintf(descriptors[hid] + at, sizeof(descriptors[hid]) - (size_t)at,
                           "0705%02x%s4000%s", endpoint[i], hid ? "03" : "02", hid ? "01" : "00");
        }
    }
}

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

void rig_lab_begin(struct rig_lab *lab, struct rig *rig)
{
    memset(lab, 0, sizeof(*lab));
    lab->rig = rig;
    (void)snprintf(lab->folder, sizeof(lab->folder), "/tmp/kneelab-rig-XXXXXX");
    if (mkdtemp(lab->folder) == NULL) {
        fail(lab->folder);
    }
    write_descriptors();
}

void rig_lab_end(struct rig_lab *lab)
{
    for (size_t i = 0; i < lab->count; i++) {
        free(lab->member[i].self);
        free(lab->member[i].seen);
    }
    char path[128];
    static const char *const left[] = {"lab.yaml",     "session.xdf", "session.png",
                                       "session.json", "session.csv", "words.txt"};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", lab->folder, left[i]);
        (void)unlink(path);
    }
    (void)rmdir(lab->folder);
}

/* ------------------------------------------------------------------- members */

static const struct kl_link_need *need_of(const struct kl_driver *driver, enum kl_link_kind kind)
{
    for (size_t i = 0; i < driver->need_count; i++) {
        if (kind == KL_LINK_NONE || driver->need[i].kind == kind) {
            return &driver->need[i];
        }
    }
    return NULL;
}

struct rig_member *rig_lab_add(struct rig_lab *lab, const char *driver, enum kl_link_kind kind,
                               const char *placement, struct rig_delivery delivery)
{
    const struct emulated_device *emulated = emulators_find(driver);
    return emulated == NULL ? NULL : rig_lab_add_emulated(lab, emulated, kind, placement, delivery);
}

struct rig_member *rig_lab_add_emulated(struct rig_lab *lab, const struct emulated_device *emulated,
                                        enum kl_link_kind kind, const char *placement,
                                        struct rig_delivery delivery)
{
    static const struct kl_usb_id bridge = {0x1209, 0x0001}; /* a board of nobody's */
    const char *driver = emulated->driver;
    const struct kl_driver *real = kl_registry_find(driver);
    const struct kl_link_need *need = real != NULL ? need_of(real, kind) : NULL;
    if (need == NULL || lab->count == RIG_MEMBERS_MAX) {
        return NULL;
    }
    unsigned number = (unsigned)lab->count;
    struct rig_member *member = &lab->member[lab->count++];
    member->emulated = emulated;
    member->self = calloc(1, emulated->size);
    if (member->self == NULL) {
        fail("memory");
    }
    emulated->init(member->self);
    (void)snprintf(member->name, sizeof(member->name), "d%u", number);
    (void)snprintf(member->placement, sizeof(member->placement), "%s", placement);
    member->device = (struct rig_device){
        .ops = emulated->ops,
        .self = member->self,
        .kind = need->kind,
        .id = need->usb_id_count > 0 ? need->usb_id[0] : bridge,
        .number = number,
        .descriptors = descriptors[strcmp(driver, "vernier_go_direct") == 0],
        .tcp_port = need->tcp_port,
        .stream_in = need->stream_in,
        .delivery = delivery,
        .power_up = emulated->init,
    };
    (void)snprintf(member->device.serial_number, sizeof(member->device.serial_number), "RIG%04u",
                   number);
    if (emulated->ops == &emulator_ops) {
        member->device.baud = &((const struct emulator *)member->self)->baud;
    }
    if (need->kind == KL_LINK_TCP) { /* an address of its own, so that rigs may run at once */
        unsigned pid = (unsigned)getpid();
        (void)snprintf(member->address, sizeof(member->address), "127.%u.%u.%u",
                       1 + pid / 250 % 250, 1 + pid % 250, 1 + number);
        member->device.address = member->address;
        member->device.tcp_port = need->tcp_port != 0 ? need->tcp_port : 4000;
        if (strcmp(driver, "delsys_trigno") == 0) {
            member->beside = member->device;
            member->beside.tcp_port = TRIGNO_COMMANDS;
            member->beside.endpoint = EMULATOR_BESIDE;
            member->beside.delivery = (struct rig_delivery){.burst_min_ns = 0};
            member->device.beside = &member->beside;
        }
    }
    return member;
}

void rig_lab_option(struct rig_member *member, const char *key, const char *value)
{
    member->option[member->option_count++] = (struct kl_device_option){key, value};
}

bool rig_lab_fell_behind(const struct rig_member *member)
{
    return member->device.kind == KL_LINK_USB &&
           member->device.backlog_worst + EMULATOR_FRAME_MAX >
               sizeof(((const struct emulator *)member->self)->out);
}

/* ------------------------------------------------------------------ lab file */

static void write_plate(FILE *file, size_t channels)
{
    static const char *const row[] = {"fx", "fy", "fz", "mx", "my", "mz"};
    (void)fprintf(file, "        plate:\n          matrix:\n");
    for (size_t r = 0; r < 6; r++) {
        if (channels != 6 && r != 1) { /* y is up in the lab */
            continue;
        }
        (void)fprintf(file, "            %s: [", row[r]);
        for (size_t c = 0; c < channels; c++) {
            (void)fprintf(file, "%s%d", c > 0 ? ", " : "", channels != 6 || r == c ? 100 : 0);
        }
        (void)fprintf(file, "]\n");
    }
}

static void write_streams(FILE *file, const struct rig_member *member)
{
    const struct kl_device_config *config = &member->emulated->config;
    if (config->stream_count > 0) {
        (void)fprintf(file, "    streams:\n");
    }
    for (size_t s = 0; s < config->stream_count; s++) {
        const struct kl_stream *stream = &config->stream[s];
        (void)fprintf(file, "      - name: %s.%s\n        kind: %s\n", stream->name, member->name,
                      kl_kind_text(stream->kind));
        (void)fprintf(file, "        channels:\n");
        for (size_t c = 0; c < stream->channel_count; c++) {
            (void)fprintf(file, "          - {input: %u, label: \"%s%zu\", unit: \"%s\"}\n",
                          config->input != NULL ? config->input[s][c] : (unsigned)c,
                          stream->label[c][0] != '\0' ? stream->label[c] : "c", c,
                          stream->unit[c][0] != '\0' ? stream->unit[c] : "V");
        }
        if (stream->kind == KL_KIND_FORCE) {
            write_plate(file, stream->channel_count);
        }
    }
}

static void write_member(FILE *file, const struct rig_member *member)
{
    const struct kl_device_config *config = &member->emulated->config;
    double rate_hz = member->rate_hz > 0 ? member->rate_hz : config->rate_hz;
    (void)fprintf(file, "  - name: %s\n    driver: %s\n", member->name, member->emulated->driver);
    if (member->device.kind == KL_LINK_TCP) {
        (void)fprintf(file, "    host: \"%s:%u\"\n", member->device.address,
                      member->device.tcp_port);
    } else {
        (void)fprintf(file, "    serial_number: \"%s\"\n", member->device.serial_number);
    }
    if (member->placement[0] != '\0') {
        (void)fprintf(file, "    placement: %s\n", member->placement);
    }
    if (rate_hz > 0) {
        (void)fprintf(file, "    rate_hz: %.9g\n", rate_hz);
    }
    if (config->option_count + member->option_count > 0) {
        (void)fprintf(file, "    options:\n");
    }
    for (size_t i = 0; i < member->option_count; i++) {
        (void)fprintf(file, "      %s: \"%s\"\n", member->option[i].key, member->option[i].value);
    }
    for (size_t i = 0; i < config->option_count; i++) {
        (void)fprintf(file, "      %s: \"%s\"\n", config->option[i].key, config->option[i].value);
    }
    write_streams(file, member);
}

const char *rig_lab_write(const struct rig_lab *lab)
{
    static char path[96];
    (void)snprintf(path, sizeof(path), "%s/lab.yaml", lab->folder);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fail(path);
    }
    (void)fprintf(file, "settings:\n  cutoff_hz: 20\ndevices:\n"); /* for plates of 80 Hz too */
    for (size_t i = 0; i < lab->count; i++) {
        write_member(file, &lab->member[i]);
    }
    (void)fclose(file);
    return path;
}

/* --------------------------------------------------------------- the program */

pid_t rig_lab_spawn(const char *program, char *const *arguments, const char *words)
{
    pid_t pid = -1;
    char preload[512], *environment[ENVIRONMENT_MAX + 2];
    const char *bed = getenv("LD_PRELOAD");
    size_t count = 0;
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s:%s", KL_UMOCKDEV_LOCK,
                   bed != NULL ? bed : "");
    for (size_t i = 0; environ[i] != NULL && count < ENVIRONMENT_MAX; i++) {
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0) {
            environment[count++] = environ[i];
        }
    }
    environment[count++] = preload;
    environment[count] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none); /* whatever who started us blocks */
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawn_file_actions_init(&actions);
    if (words != NULL) {
        (void)posix_spawn_file_actions_addopen(&actions, 1, words, O_WRONLY | O_CREAT | O_TRUNC,
                                               0600);
        (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    }
    if (posix_spawn(&pid, program, &actions, &attributes, arguments, environment) != 0) {
        fail(program);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return pid;
}

void rig_lab_interrupt(const struct rig_run *run)
{
    (void)kill(run->pid, SIGINT);
}

/* For whoever looks for why a program does not end: its signals and what its threads wait for. */
static void print_state(pid_t pid)
{
    char path[64], line[256];
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Sig", 3) == 0 || strncmp(line, "ShdPnd", 6) == 0 ||
            strncmp(line, "State", 5) == 0 || strncmp(line, "Threads", 7) == 0) {
            (void)fputs(line, stderr);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static char program[] = KL_KNEELAB;

struct rig_run rig_lab_record(const struct rig_lab *lab, double seconds)
{
    static char verb[] = "record", for_seconds[] = "--seconds", to[] = "--output";
    struct rig_run run = {.pid = -1};
    char length[32], path[96];
    (void)snprintf(path, sizeof(path), "%s", rig_lab_write(lab));
    (void)snprintf(run.session, sizeof(run.session), "%s/session.xdf", lab->folder);
    (void)snprintf(run.words, sizeof(run.words), "%s/words.txt", lab->folder);
    (void)snprintf(length, sizeof(length), "%g", seconds);
    (void)unlink(run.session);
    char *const arguments[] = {program, verb, path, for_seconds, length, to, run.session, NULL};
    run.pid = rig_lab_spawn(KL_KNEELAB, arguments, run.words);
    return run;
}

char *rig_lab_devices(const struct rig_lab *lab)
{
    static char verb[] = "devices", json[] = "--json";
    char words[96];
    (void)snprintf(words, sizeof(words), "%s/words.txt", lab->folder);
    char *const arguments[] = {program, verb, json, NULL};
    pid_t pid = rig_lab_spawn(KL_KNEELAB, arguments, words);
    int status = -1;
    char *text = calloc(1, DEVICES_TEXT);
    if (waitpid(pid, &status, 0) != pid || status != 0 || text == NULL) {
        struct rig_run said = {.words = ""};
        (void)snprintf(said.words, sizeof(said.words), "%s", words);
        (void)fprintf(stderr, "kneelab devices: status %d\n", status);
        rig_lab_words(&said);
        free(text);
        return NULL;
    }
    FILE *file = fopen(words, "r");
    size_t len = file != NULL ? fread(text, 1, DEVICES_TEXT - 1, file) : 0;
    text[len] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

void rig_lab_see(struct rig_lab *lab, double after_s)
{
    const struct timespec wait = {.tv_sec = (time_t)after_s,
                                  .tv_nsec = (long)((after_s - floor(after_s)) * 1e9)};
    (void)nanosleep(&wait, NULL);
    (void)pthread_mutex_lock(&lab->rig->lock);
    for (size_t i = 0; i < lab->count; i++) {
        struct rig_member *member = &lab->member[i];
        member->seen = member->seen != NULL ? member->seen : malloc(member->emulated->size);
        if (member->seen != NULL) {
            memcpy(member->seen, member->self, member->emulated->size);
        }
    }
    (void)pthread_mutex_unlock(&lab->rig->lock);
}

/* The busiest thread's processor time so far. */
static double busiest_s(pid_t pid, size_t *threads)
{
    char path[64];
    double most = 0;
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
    DIR *tasks = opendir(path);
    const struct dirent *task;
    while (tasks != NULL && (task = readdir(tasks)) != NULL) { // NOLINT(concurrency-mt-unsafe)
        char name[128], line[512] = "";
        unsigned long user = 0, system = 0;
        (void)snprintf(name, sizeof(name), "%s/%.20s/stat", path, task->d_name);
        FILE *file = fopen(name, "r");
        if (file == NULL) {
            continue;
        }
        const char *after = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
        count++;
        /* NOLINTBEGIN(cert-err34-c): the kernel's own numbers */
        if (after != NULL &&
            sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                   &system) == 2) {
            /* NOLINTEND(cert-err34-c) */
            double seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
            most = seconds > most ? seconds : most;
        }
        (void)fclose(file);
    }
    if (tasks != NULL) {
        (void)closedir(tasks);
    }
    /* in a process that ends, those that are left count for those that are gone */
    bool whole = count >= *threads;
    *threads = whole ? count : *threads;
    return whole ? most : 0;
}

struct rig_end rig_lab_wait(struct rig_run *run, double patience_s)
{
    struct rusage usage;
    struct rig_end end = {.status = -1};
    memset(&usage, 0, sizeof(usage));
    const struct timespec pause = {.tv_nsec = 100000000};
    int64_t until_ns = rig_now_ns() + kl_nanoseconds(patience_s);
    pid_t ended;
    size_t threads = 0;
    while ((ended = wait4(run->pid, &end.status, WNOHANG, &usage)) == 0 &&
           rig_now_ns() < until_ns) {
        double most = busiest_s(run->pid, &threads);
        end.busiest_s = most > end.busiest_s ? most : end.busiest_s;
        (void)nanosleep(&pause, NULL);
    }
    if (ended == 0) {
        (void)fprintf(stderr, "the program did not end\n");
        print_state(run->pid);
        (void)kill(run->pid, SIGKILL);
        (void)wait4(run->pid, &end.status, 0, &usage);
    }
    end.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    end.rss_kib = usage.ru_maxrss;
    run->pid = -1;
    return end;
}

void rig_lab_words(const struct rig_run *run)
{
    char line[1024];
    FILE *file = fopen(run->words, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        (void)fprintf(stderr, "kneelab: %s", line);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}
