/* kneelab check LAB.yaml: is this lab file right, what would it stream, is it all there, and does
 * it say what it should? */
#include "app/arguments.h"
#include "app/lab_together.h"
#include "app/reading_report.h"
#include "app/verbs.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MASS_MIN_KG 20.0
#define MASS_MAX_KG 250.0
#define SECONDS_MAX 60.0

/* What the caller asked for. */
struct wanted {
    bool file_only;
    double seconds, mass_kg;
};

static void print_findings(const struct kl_lab_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        kl_complain("check", "%s%s", findings->finding[i].doubt ? "doubt: " : "",
                    findings->finding[i].fault.text);
    }
    if (findings->faults > 1) {
        kl_complain("check", "%zu faults", findings->faults);
    }
}

static void print_streams(const struct kl_lab_device *device)
{
    (void)printf("%s (%s)\n", device->name, device->driver->label);
    for (size_t i = 0; i < device->stream_count; i++) {
        const struct kl_stream *stream = &device->stream[i];
        double capacity_n = stream->kind == KL_KIND_FORCE ? kl_lab_plate_capacity_n(stream) : 0;
        char rail[48] = "";
        if (capacity_n > 0 && device->driver->generate == NULL) {
            (void)snprintf(rail, sizeof(rail), ", up to %.0f N", capacity_n);
        }
        (void)printf("  %-22s %-9s %2zu channel%s at %g Hz%s\n", stream->name,
                     kl_kind_text(stream->kind), stream->channel_count,
                     stream->channel_count == 1 ? "" : "s", stream->rate_hz, rail);
    }
}

/* Is it plugged in, may it be opened, is it what the lab file says? */
static int look_for(const struct kl_lab_device *device, struct kl_fault *fault)
{
    struct kl_link_found found = {.where = ""};
    struct kl_link *link = NULL;
    char identity[160] = "";
    if (device->driver->generate != NULL) {
        return KL_OK;
    }
    int status = kl_link_open(device->name, device->driver, &device->choice, &found, &link, fault);
    if (status == KL_OK && device->driver->identify != NULL) {
        status =
            kl_link_identify(link, device->driver, device->choice.baud, identity, sizeof(identity));
        if (status < 0) {
            (void)kl_fault(
                fault, status,
                "device %s: what is at %s does not answer as a %s: %s; another cable, or "
                "another speed (`baud`)?",
                device->name, found.where, device->driver->label, kl_status_text(status));
        }
    }
    kl_link_close(link);
    if (status >= 0) {
        (void)printf("  found at %s%s%s\n", found.where, identity[0] != '\0' ? ": " : "", identity);
    }
    return status < 0 ? status : KL_OK;
}

/* Devices one by one. @return how many are not there */
static size_t look_for_all(const struct kl_lab *lab, bool there[KL_LAB_DEVICES])
{
    size_t absent = 0;
    for (size_t i = 0; i < lab->device_count; i++) {
        struct kl_fault fault = {.text = ""};
        print_streams(&lab->device[i]);
        there[i] = look_for(&lab->device[i], &fault) == KL_OK;
        if (!there[i]) {
            (void)fflush(stdout);
            kl_complain("check", "%s:%zu: %s", lab->path, lab->device[i].line, fault.text);
            absent++;
        }
    }
    return absent;
}

/* No file tells which leg a sensor hangs on. */
static void say_what_is_left(const struct kl_lab *lab)
{
    bool left = false, right = false;
    for (size_t i = 0; i < lab->device_count; i++) {
        for (size_t s = 0; s < lab->device[i].stream_count; s++) {
            const struct kl_stream *stream = &lab->device[i].stream[s];
            bool imu = stream->kind == KL_KIND_IMU;
            left |= imu && strstr(stream->name, ".left") != NULL;
            right |= imu && strstr(stream->name, ".right") != NULL;
        }
    }
    if (left && right) {
        (void)printf("not checked: whether the left sensors are on the left leg; a serial number "
                     "does not tell, the calibration with the runner does\n");
    }
}

/* Asks once, then waits for Enter a tenth of a second at a time. */
static bool stands(void *self)
{
    bool *asked = self;
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte = '\n';
    if (!*asked) {
        (void)printf("plates read at rest. Now stand still on them, then press Enter\n");
        (void)fflush(stdout);
        *asked = true;
    }
    if (poll(&in, 1, 100) <= 0) {
        return false;
    }
    ssize_t got = read(STDIN_FILENO, &byte, 1);
    return got <= 0 || byte == '\n'; /* the end of the input is as good as Enter */
}

/* @return how many things are wrong with what the devices say */
static size_t read_all(const struct kl_lab *lab, const bool *there, const struct wanted *wanted)
{
    struct kl_reading *reading = calloc(1, sizeof(*reading));
    struct kl_fault fault = {.text = ""};
    bool asked = false, any = false;
    for (size_t i = 0; i < lab->device_count; i++) {
        any |= there[i];
    }
    if (reading == NULL || !any) {
        free(reading);
        return any ? 1 : 0;
    }
    const struct kl_reading_wish wish = {
        .seconds = wanted->seconds, .stands = wanted->mass_kg > 0 ? stands : NULL, .self = &asked};
    const struct kl_reading_question question = {lab, there, wanted->seconds, wanted->mass_kg};
    (void)fflush(stdout);
    size_t wrong = 1;
    if (kl_lab_reading(lab, there, &wish, reading, &fault) == KL_OK) {
        wrong = kl_reading_report(&question, reading);
    } else {
        kl_complain("check", "%s", fault.text);
    }
    free(reading);
    return wrong;
}

/* Do the devices get along in one session? */
static int plug_together(const struct kl_lab *lab)
{
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    int status =
        hub != NULL ? kl_lab_plug(lab, hub, &fault) : kl_fault(&fault, KL_ERR_MEM, "out of memory");
    kl_hub_destroy(hub);
    if (status != KL_OK) {
        kl_complain("check", "%s", fault.text);
    }
    return status;
}

/* The file is right; now the devices. @return exit status */
static int check_devices(const struct kl_lab *lab, const struct wanted *wanted)
{
    bool there[KL_LAB_DEVICES] = {false};
    size_t absent = 0, wrong = 0;
    if (wanted->file_only) {
        for (size_t i = 0; i < lab->device_count; i++) {
            print_streams(&lab->device[i]);
        }
    } else {
        absent = look_for_all(lab, there);
    }
    if (plug_together(lab) != KL_OK) {
        return KL_EXIT_SHORT;
    }
    if (!wanted->file_only) {
        wrong = read_all(lab, there, wanted);
    }
    say_what_is_left(lab);
    (void)printf("flags: %zu rules from %s%s\n%s is right", lab->flags.count, lab->flags_path,
                 lab->flags.timing.demo ? " (demo timing)" : "", lab->path);
    if (absent > 0) {
        (void)printf(", but not everything is there: %zu of %zu devices",
                     lab->device_count - absent, lab->device_count);
    }
    if (wrong > 0) {
        (void)printf(", but what the devices say is not");
    }
    (void)putchar('\n');
    return absent == 0 && wrong == 0 ? KL_EXIT_OK : KL_EXIT_SHORT;
}

static int check_file(const char *path, const struct wanted *wanted)
{
    struct kl_lab *lab = calloc(1, sizeof(*lab));
    struct kl_lab_findings *findings = calloc(1, sizeof(*findings));
    int exit_status = KL_EXIT_SHORT;
    if (lab != NULL && findings != NULL) {
        int status = kl_lab_read(path, lab, findings);
        print_findings(findings);
        if (status == KL_OK) {
            exit_status = check_devices(lab, wanted);
            kl_lab_free(lab);
        }
    }
    free(findings);
    free(lab);
    return exit_status;
}

int kl_verb_check(int argc, char **argv)
{
    struct wanted wanted = {.seconds = 1.0};
    const struct kl_option options[] = {
        {"--file-only", KL_OPTION_FLAG, &wanted.file_only, NULL, "do not look for the devices"},
        {"--seconds", KL_OPTION_SECONDS, &wanted.seconds, "N", "read the devices for N s (1)"},
        {"--mass", KL_OPTION_NUMBER, &wanted.mass_kg, "KG",
         "somebody of KG kg stands on the plates after the reading at rest"},
    };
    const struct kl_arguments arguments = {
        .verb = "check",
        .operands = "LAB.yaml",
        .summary =
            "Reads a lab file and the flag table it names and says all that is wrong, with line\n"
            "and cure; then what the devices would stream, whether they are plugged in, and, of\n"
            "those that are, their rate, noise, clipping, offset at rest and battery.",
        .option = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operand_min = 1,
        .operand_max = 1,
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    if ((wanted.mass_kg != 0 &&
         !(wanted.mass_kg >= MASS_MIN_KG && wanted.mass_kg <= MASS_MAX_KG)) ||
        wanted.seconds > SECONDS_MAX) {
        kl_complain("check", wanted.seconds > SECONDS_MAX ? "--seconds: at most 60"
                                                          : "--mass: 20 to 250 kg are allowed");
        return KL_EXIT_USAGE;
    }
    return check_file(argv[0], &wanted);
}
