/* The whole lab at once through the real program: two plates of 6 channels and 4 EMG channels at
 * 2 kHz (two DAQ boxes of 8 inputs), eight IMUs at 400 Hz or more of four makes, a treadmill; or
 * the stretch load, 337,000 values a second. No sample is lost, each is accounted for between
 * emulator and file. The processor use is printed.
 *
 * umockdev answers every USB request over a socket, which costs the program more than the kernel
 * would: with --no-usb the plates are boards on TCP, so that the rest can be seen.
 *
 *     test_full_lab [SECONDS [--stretch | --no-usb] [--judge]]
 */
#include "emulators/emulate_mcc_usb1608fs_plus.h"
#include "record_device.h"
#include "rig_lab.h"
#include "tests/devices/emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CPU_GOAL 0.25 /* of one core: issue "real devices" */

static const struct rig_delivery delivery = {.burst_min_ns = 1000000, .burst_max_ns = 20000000};

static const struct {
    const char *driver, *placement;
    enum kl_link_kind kind;
    double rate_hz;
} wanted[] = {
    {"mcc_usb1608fs_plus", "", KL_LINK_NONE, 2000},
    {"mcc_usb1608fs_plus", "", KL_LINK_NONE, 2000},
    {"xsens_mti", "shank.left", KL_LINK_SERIAL, 400},
    {"xsens_mti", "shank.right", KL_LINK_SERIAL, 400},
    {"vectornav", "thigh.left", KL_LINK_SERIAL, 400},
    {"vectornav", "thigh.right", KL_LINK_SERIAL, 400},
    {"ximu3", "foot.left", KL_LINK_SERIAL, 400},
    {"ximu3", "foot.right", KL_LINK_SERIAL, 400},
    {"microstrain_mip", "pelvis", KL_LINK_SERIAL, 500}, /* it divides 1000 or 500 */
    {"ximu3", "trunk", KL_LINK_SERIAL, 400},
    {"bertec_treadmill", "", KL_LINK_TCP, 0},
};

/* The DAQ box with all its inputs in use: a plate and two EMG amplifiers. */
static const uint8_t daq_input[2][KL_CHANNELS_MAX] = {{0, 1, 2, 4, 5, 6}, {3, 7}};
static const struct kl_stream daq_stream[] = {
    {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 6},
    {.name = "emg.vmo.right", .kind = KL_KIND_EMG, .channel_count = 2},
};

static void daq_meant(const void *memory, size_t stream, uint64_t k, double *value)
{
    const struct emulate_mcc_usb1608fs_plus *self = memory;
    for (size_t c = 0; c < daq_stream[stream].channel_count; c++) {
        unsigned i = daq_input[stream][c];
        value[c] = emulate_mcc_usb1608fs_plus_measured(i, self->range[i], k);
    }
}

static void add_lab(struct rig_lab *lab, bool usb)
{
    static struct emulated_device daq;
    daq = *emulators_find("mcc_usb1608fs_plus");
    daq.config.stream = daq_stream;
    daq.config.input = daq_input;
    daq.meant = daq_meant;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        bool is_daq = strcmp(wanted[i].driver, daq.driver) == 0;
        struct rig_member *member =
            is_daq
                ? rig_lab_add_emulated(lab, usb ? &daq : &record_daq_2k,
                                       usb ? KL_LINK_USB : KL_LINK_TCP, "", delivery)
                : rig_lab_add(lab, wanted[i].driver, wanted[i].kind, wanted[i].placement, delivery);
        if (member == NULL) {
            (void)fprintf(stderr, "%s: no emulator\n", wanted[i].driver);
            exit(EXIT_FAILURE);
        }
        member->rate_hz = wanted[i].rate_hz;
        if (strcmp(wanted[i].driver, "xsens_mti") == 0) {
            ((struct emulator *)member->self)->baud = 921600; /* as set with the maker's tool */
            rig_lab_option(member, "baud", "921600");
        }
        rig_add(lab->rig, &member->device);
    }
}

/* 2 x 6 at 10 kHz, 16 at 4 kHz, 17 x 9 at 1 kHz: more than one IMU behind a board, because a lab
 * has 16 devices at most. */
static void add_stretch(struct rig_lab *lab)
{
    const struct emulated_device *const board[] = {
        &record_plate_10k,   &record_plate_10k,   &record_emg_4k,      &record_imu_1k,
        &record_imu_pair_1k, &record_imu_pair_1k, &record_imu_pair_1k, &record_imu_pair_1k,
        &record_imu_pair_1k, &record_imu_pair_1k, &record_imu_pair_1k, &record_imu_pair_1k};
    for (size_t i = 0; i < sizeof(board) / sizeof(board[0]); i++) {
        struct rig_member *member = rig_lab_add_emulated(lab, board[i], KL_LINK_TCP, "", delivery);
        struct record_device *device = member->self;
        device->drift_ppm = i % 2 == 0 ? 50 : -50;
        rig_add(lab->rig, &member->device);
    }
}

/* On a loaded machine devices are there late, and the mocked bus falls behind: what is judged is
 * that what came is whole. @return streams that are not */
static unsigned count_wrong(const struct rig_lab *lab, const struct rig_account *account,
                            double seconds, bool *behind)
{
    unsigned wrong = 0;
    *behind = false;
    for (size_t s = 0; s < account->count; s++) {
        const struct rig_stream_account *stream = &account->stream[s];
        if (rig_lab_fell_behind(&lab->member[account->member_of[s]])) {
            *behind = true;
            (void)printf("%s is not judged: the mocked USB bus fell behind, its device ran over\n",
                         stream->name);
            continue;
        }
        bool whole = stream->missing == 0 && stream->alien == 0 && stream->told == 0 &&
                     stream->recorded == stream->last - stream->first + 1 &&
                     (double)stream->recorded > stream->rate_hz * seconds / 4;
        wrong += !whole;
    }
    return wrong;
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 20;
    bool judge = false, stretch = false, usb = true;
    for (int i = 2; i < argc; i++) {
        judge |= strcmp(argv[i], "--judge") == 0;
        usb &= strcmp(argv[i], "--no-usb") != 0;
        stretch |= strcmp(argv[i], "--stretch") == 0;
    }
    static struct rig rig;
    static struct rig_lab lab;
    static struct rig_account account;
    rig_start(&rig);
    rig_lab_begin(&lab, &rig);
    if (stretch) {
        add_stretch(&lab);
    } else {
        add_lab(&lab, usb);
    }
    struct rig_run run = rig_lab_record(&lab, seconds);
    rig_lab_see(&lab, seconds / 2 + 2);
    struct rig_end end = rig_lab_wait(&run, seconds / 2 + 60);
    bool ok = rig_lab_account(&lab, run.session, &account) && WIFEXITED(end.status);
    rig_lab_print(&lab, &account);
    bool behind;
    unsigned wrong = count_wrong(&lab, &account, seconds, &behind);
    double share = end.cpu_s / seconds;
    double emulation = end.busiest_s / seconds;
    (void)printf("%.0f s, %.0f values/s: processor %.1f %% of one core (goal %.0f %%), of it "
                 "%.1f %% the busiest thread, %ld KiB; the rig was late by "
                 "%.1f ms at worst; status %d; %u streams wrong\n",
                 seconds, (double)account.values / seconds, share * 100, CPU_GOAL * 100,
                 emulation * 100, end.rss_kib, (double)rig.late_worst_ns / 1e6, end.status, wrong);
    /* the program's own status tells of what it had to mark as lost */
    ok = ok && (behind || WEXITSTATUS(end.status) == 0);
    ok = ok && account.count > 0 && wrong == 0 && (!judge || share <= CPU_GOAL);
    if (!ok) {
        rig_lab_words(&run);
    }
    rig_stop(&rig);
    rig_lab_end(&lab);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
