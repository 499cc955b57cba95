/* Every driver end to end: the real program finds, configures and records the emulated device over
 * a real cable, and what is in the file is what the device meant. Then the same with faults on the
 * cable, and with devices that answer wrongly, stall, and hang up until they are switched off and
 * on: whatever is missing is marked, nothing is in the file that was never meant, and every device
 * streams again in the end.
 */
#include "devices/registry.h"
#include "rig_lab.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define AT_ONCE 12 /* devices in one lab */
#define SECONDS 6.0
#define RECORDED_MIN 4 /* a treadmill gives four a second; on a busy machine devices start late */
#define START_S 4.5    /* a driver that looks for the speed of its device needs so long */

/* Protocols that cannot tell all damage: no checksum, so that a flipped bit is another value; no
 * frames either, so that a missing byte shifts all that follow (those links lose nothing). */
static const struct {
    const char *driver;
    bool no_frames;
} blind[] = {
    {"mcc_usb1608fs_plus", true},                      /* u16 after u16 */
    {"delsys_trigno", true},                           /* float after float */
    {"bertec_treadmill", false},  {"bitalino", false}, /* four bits of sum */
    {"load_cells", false}, /* text as the lab describes it, without a sum */
    {"number_line", false},       {"openbci_cyton", false}, /* start and end bytes */
    {"shimmer3", false},                                    /* without its CRC */
    {"trackmaster", false},       {"woodway", false},       {"ximu3", false}, /* an end byte */
};

static bool has_checksum(const char *driver)
{
    for (size_t i = 0; i < sizeof(blind) / sizeof(blind[0]); i++) {
        if (strcmp(blind[i].driver, driver) == 0) {
            return false;
        }
    }
    return true;
}

static bool has_frames(const char *driver)
{
    for (size_t i = 0; i < sizeof(blind) / sizeof(blind[0]); i++) {
        if (strcmp(blind[i].driver, driver) == 0) {
            return !blind[i].no_frames;
        }
    }
    return true;
}

static void fill(struct rig_lab *lab, size_t first, bool faulty)
{
    static const char *const place[] = {"shank.left", "shank.right", "thigh.left", "thigh.right",
                                        "foot.left",  "foot.right",  "pelvis",     "trunk"};
    const struct rig_delivery delivery = {.burst_min_ns = 1000000, .burst_max_ns = 20000000};
    for (size_t i = first; i < emulators_count() && i < first + AT_ONCE; i++) {
        const struct emulated_device *emulated = emulators_get(i);
        bool placed = emulated->config.placement != NULL && emulated->config.placement[0] != '\0';
        struct rig_member *member = rig_lab_add(
            lab, emulated->driver, KL_LINK_NONE,
            placed ? place[(i - first) % (sizeof(place) / sizeof(place[0]))] : "", delivery);
        if (member != NULL && strstr(emulated->driver, "tread") != NULL) {
            (void)snprintf(member->placement, sizeof(member->placement), "first");
        } else if (member != NULL && strstr(emulated->driver, "way") != NULL) {
            (void)snprintf(member->placement, sizeof(member->placement), "second");
        }
        if (member == NULL) {
            (void)fprintf(stderr, "%s: not on a cable\n", emulated->driver);
            exit(EXIT_FAILURE);
        }
        member->device.faults = (struct rig_faults){
            .every = faulty ? 7 : 0,
            .flip = has_checksum(emulated->driver),
            .drop = has_frames(emulated->driver) && member->device.kind != KL_LINK_USB,
            .garbage = has_frames(emulated->driver) && member->device.kind != KL_LINK_USB,
            .from_ns = kl_nanoseconds(START_S),
            .until_ns = kl_nanoseconds(START_S + SECONDS - 1.5),
        };
        rig_add(lab->rig, &member->device);
    }
}

/* Is this port's entry as it should be: the driver named, and the device asked when its ids are no
 * one else's? */
static bool is_described(const json_t *port, const struct kl_driver *driver)
{
    const json_t *fitting = json_object_get(port, "drivers"), *one;
    const char *identified = json_string_value(json_object_get(port, "identified"));
    const char *identity = json_string_value(json_object_get(port, "identity"));
    bool fits = driver->need[0].usb_id_count == 0; /* on a bridge that says nothing */
    size_t i;
    json_array_foreach(fitting, i, one)
    {
        fits |= strcmp(json_string_value(one), driver->name) == 0;
    }
    if (json_array_size(fitting) != 1 || driver->need[0].usb_id_count == 0 ||
        driver->identify == NULL) {
        return fits && identified == NULL; /* who it is would be a guess */
    }
    (void)printf("  %s answers: %s\n", driver->name, identity != NULL ? identity : "nothing");
    return fits && identified != NULL && strcmp(identified, driver->name) == 0 &&
           identity != NULL && identity[0] != '\0';
}

/* @return how many of the lab's devices the program does not list once and rightly */
static unsigned wrong_in_list(const struct rig_lab *lab)
{
    unsigned wrong = 0;
    char *text = rig_lab_devices(lab);
    json_t *all = text != NULL ? json_loads(text, 0, NULL) : NULL;
    for (size_t i = 0; i < lab->count; i++) {
        const struct rig_member *member = &lab->member[i];
        const json_t *port;
        size_t p;
        /* a TCP device is named by a lab file, not found */
        unsigned listed = member->device.kind == KL_LINK_TCP;
        bool right = true;
        json_array_foreach(json_object_get(all, "plugged"), p, port)
        {
            const char *number = json_string_value(json_object_get(port, "serial_number"));
            if (number != NULL && strcmp(number, member->device.serial_number) == 0) {
                right &= is_described(port, kl_registry_find(member->emulated->driver));
                listed++;
            }
        }
        if (listed != 1 || !right) {
            (void)fprintf(stderr, "`kneelab devices` lists %s %u times%s\n",
                          member->emulated->driver, listed, right ? "" : ", wrongly");
            wrong++;
        }
    }
    if (wrong > 0) {
        (void)fprintf(stderr, "%s\n", text != NULL ? text : "it failed");
    }
    json_decref(all);
    free(text);
    return wrong;
}

/* Does every sample differ from the last? A digital input may stay as it is for long; then nothing
 * tells which sample it was. */
static bool is_countable(const struct rig_stream_account *stream)
{
    return strncmp(stream->name, "sync", 4) != 0;
}

static bool is_right(const struct rig_member *member, const struct rig_stream_account *stream,
                     bool faulty)
{
    const struct rig_device *device = &member->device;
    /* one fault on the cable touches two samples at most */
    uint64_t passed = has_checksum(member->emulated->driver)
                          ? 0
                          : 2 * (device->flipped + device->dropped + device->garbled);
    if (stream->recorded < RECORDED_MIN || stream->alien > passed) {
        return false;
    }
    if (!faulty) {
        return stream->alien == 0 && stream->missing == 0 && stream->told == 0 &&
               stream->recorded == stream->last - stream->first + 1;
    }
    return !is_countable(stream) ||
           (stream->missing_unmarked <= passed &&
            stream->recorded - stream->alien + stream->missing == stream->last - stream->first + 1);
}

static unsigned judge(const struct rig_lab *lab, const struct rig_account *account, bool faulty)
{
    unsigned wrong = 0;
    for (size_t s = 0; s < account->count; s++) {
        const struct rig_member *member = &lab->member[account->member_of[s]];
        bool ok = is_right(member, &account->stream[s], faulty);
        if (!ok) {
            (void)fprintf(stderr, "wrong: %s (%s)\n", account->stream[s].name,
                          member->emulated->driver);
        }
        wrong += !ok;
    }
    return wrong;
}

static unsigned record(size_t first, bool faulty)
{
    static struct rig rig;
    static struct rig_lab lab;
    static struct rig_account account;
    rig_start(&rig);
    rig_lab_begin(&lab, &rig);
    fill(&lab, first, faulty);
    unsigned wrong = faulty ? 0 : wrong_in_list(&lab);
    struct rig_run run = rig_lab_record(&lab, SECONDS);
    rig_lab_see(&lab, SECONDS - 1);
    struct rig_end end = rig_lab_wait(&run, 60);
    bool read = rig_lab_account(&lab, run.session, &account);
    (void)printf("%s\n", faulty ? "with faults on the cables" : "as it should be");
    rig_lab_print(&lab, &account);
    for (size_t i = 0; faulty && i < lab.count; i++) {
        (void)printf("  %s: %llu flipped, %llu cut, %llu with garbage\n",
                     lab.member[i].emulated->driver,
                     (unsigned long long)lab.member[i].device.flipped,
                     (unsigned long long)lab.member[i].device.dropped,
                     (unsigned long long)lab.member[i].device.garbled);
    }
    /* a run that lost samples says so by its status */
    wrong += !read || !WIFEXITED(end.status) || (!faulty && WEXITSTATUS(end.status) != 0);
    wrong += judge(&lab, &account, faulty);
    if (wrong > 0) {
        (void)fprintf(stderr, "status %d\n", end.status);
        rig_lab_words(&run);
    }
    rig_stop(&rig);
    rig_lab_end(&lab);
    return wrong;
}

/* --------------------------------------------------------- broken devices */

#define STALL_NS INT64_C(500000000)
#define PATIENCE_S 60.0           /* for all to stream, on a machine that has other things to do */
#define LENGTH_S (4 * PATIENCE_S) /* it is ended before */
#define FRAMES_MIN 20
#define HUNG_UP_S 3.0 /* longer than a device may be silent and go on as if nothing was */
#define BACK_S 4.0

static void pause_for(double seconds)
{
    const int64_t ns = kl_nanoseconds(seconds);
    const struct timespec pause = {.tv_sec = (time_t)(ns / KL_NS_PER_S),
                                   .tv_nsec = (long)(ns % KL_NS_PER_S)};
    (void)nanosleep(&pause, NULL);
}

static void break_all(struct rig_lab *lab, enum emulator_fault fault)
{
    (void)pthread_mutex_lock(&lab->rig->lock);
    for (size_t i = 0; i < lab->count; i++) {
        struct emulator *device = lab->member[i].self;
        device->stall_ns = STALL_NS;
        /* another command of each, so that beginnings, middles and ends of starts are met */
        emulator_break(device, fault, fault == EMULATOR_WRONG_ANSWER ? i % 4 : 0, 1);
    }
    (void)pthread_mutex_unlock(&lab->rig->lock);
}

static void switch_off_and_on(struct rig_lab *lab)
{
    (void)pthread_mutex_lock(&lab->rig->lock);
    int64_t now_ns = rig_now_ns();
    for (size_t i = 0; i < lab->count; i++) {
        struct rig_device *device = &lab->member[i].device;
        device->power_up(device->self);
        device->backlog_len = 0;
        device->on_ns = now_ns;
        if (device->beside != NULL) {
            device->beside->on_ns = now_ns;
        }
    }
    (void)pthread_mutex_unlock(&lab->rig->lock);
}

static bool wait_for_streams(struct rig_lab *lab)
{
    bool all = false;
    for (unsigned looks = 0; !all && looks < 10 * PATIENCE_S; looks++) {
        pause_for(0.1);
        all = true;
        (void)pthread_mutex_lock(&lab->rig->lock);
        for (size_t i = 0; i < lab->count; i++) {
            all &= ((const struct emulator *)lab->member[i].self)->frames >= FRAMES_MIN;
        }
        (void)pthread_mutex_unlock(&lab->rig->lock);
    }
    for (size_t i = 0; i < lab->count && !all; i++) {
        (void)fprintf(stderr, "%s: %llu frames\n", lab->member[i].emulated->driver,
                      (unsigned long long)((const struct emulator *)lab->member[i].self)->frames);
    }
    return all;
}

static unsigned judge_broken(const struct rig_lab *lab, const struct rig_account *account)
{
    unsigned wrong = 0;
    int64_t newest_ns = 0;
    for (size_t s = 0; s < account->count; s++) {
        int64_t last_ns = account->stream[s].last_ns;
        newest_ns = last_ns > newest_ns ? last_ns : newest_ns;
    }
    for (size_t s = 0; s < account->count; s++) {
        const struct rig_stream_account *stream = &account->stream[s];
        bool whole = !is_countable(stream) || (stream->alien == 0 && stream->missing_unmarked == 0);
        bool back = newest_ns - stream->last_ns < kl_nanoseconds(BACK_S - 1);
        if (!whole || !back || stream->gaps == 0) {
            (void)fprintf(stderr, "wrong: %s (%s)%s\n", stream->name,
                          lab->member[account->member_of[s]].emulated->driver,
                          back ? "" : ": it did not come back");
            wrong++;
        }
    }
    return wrong;
}

static unsigned record_broken(size_t first)
{
    static struct rig rig;
    static struct rig_lab lab;
    static struct rig_account account;
    rig_start(&rig);
    rig_lab_begin(&lab, &rig);
    lab.power_cycles = true;
    fill(&lab, first, false);
    break_all(&lab, EMULATOR_WRONG_ANSWER);
    struct rig_run run = rig_lab_record(&lab, LENGTH_S);
    bool streaming = wait_for_streams(&lab);
    pause_for(1);
    break_all(&lab, EMULATOR_STALL);
    pause_for(2);
    break_all(&lab, EMULATOR_HANG_UP);
    pause_for(HUNG_UP_S);
    switch_off_and_on(&lab);
    streaming = wait_for_streams(&lab) && streaming;
    pause_for(BACK_S); /* those that speak unasked may not have been heard yet */
    rig_lab_see(&lab, 0);
    rig_lab_interrupt(&run);
    struct rig_end end = rig_lab_wait(&run, PATIENCE_S);
    bool read = rig_lab_account(&lab, run.session, &account);
    (void)printf("wrong answers, a stall, and hung up\n");
    rig_lab_print(&lab, &account);
    bool ended = WIFEXITED(end.status) && read && account.count > 0;
    unsigned wrong = ended && streaming ? 0 : 1;
    wrong += judge_broken(&lab, &account);
    if (wrong > 0) {
        (void)fprintf(stderr, "status %d\n", end.status);
        rig_lab_words(&run);
    }
    rig_stop(&rig);
    rig_lab_end(&lab);
    return wrong;
}

int main(void)
{
    unsigned wrong = 0;
    for (size_t first = 0; first < emulators_count(); first += AT_ONCE) {
        wrong += record(first, false) + record(first, true) + record_broken(first);
    }
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
