/* A lab of emulated devices: written as a lab file, recorded by the real program, and compared
 * sample by sample with what the devices meant.
 */
#ifndef KL_TESTS_RIG_LAB_H
#define KL_TESTS_RIG_LAB_H

#include "rig.h"
#include "tests/devices/emulators.h"

#include <sys/types.h>

#define RIG_MEMBERS_MAX 48
#define RIG_STREAMS_MAX 4 /* of one member */

struct rig_member {
    const struct emulated_device *emulated;
    char name[KL_NAME_MAX], placement[KL_NAME_MAX];
    double rate_hz; /* 0: of the table */
    void *self;
    void *seen;       /* as it was in the middle of a recording; NULL: not looked at */
    char address[24]; /* TCP */
    struct kl_device_option option[4]; /* beside those of the table */
    size_t option_count;
    struct rig_device device, beside;
};

struct rig_lab {
    struct rig *rig;
    struct rig_member member[RIG_MEMBERS_MAX];
    size_t count;
    bool power_cycles; /* what follows a gap is rather counted anew */
    char folder[64];   /* of lab file and sessions; removed by rig_lab_end */
};

void rig_lab_begin(struct rig_lab *lab, struct rig *rig);
void rig_lab_end(struct rig_lab *lab);

/** Another device, not switched on yet (rig_add), on a port of its own.
 *  @param kind  KL_LINK_NONE: the first one that the driver names
 *  @return its memory, to be set up further, or NULL: no emulator of that name */
struct rig_member *rig_lab_add(struct rig_lab *lab, const char *driver, enum kl_link_kind kind,
                               const char *placement, struct rig_delivery delivery);

/** The same for a device that is not in the table of emulators. */
struct rig_member *rig_lab_add_emulated(struct rig_lab *lab, const struct emulated_device *emulated,
                                        enum kl_link_kind kind, const char *placement,
                                        struct rig_delivery delivery);

/** One more option of the driver. */
void rig_lab_option(struct rig_member *member, const char *key, const char *value);

/** Did the mocked USB bus fall so far behind that the device ran over? umockdev takes five messages
 *  between two processes for each transfer; on a machine with many other things to do that is less
 *  than a device gives. What its memory does not hold is lost before it comes to us. */
bool rig_lab_fell_behind(const struct rig_member *member);

/** Writes the lab file. @return its path, until the next call */
const char *rig_lab_write(const struct rig_lab *lab);

/** The program, as whoever calls it gets it. */
struct rig_run {
    pid_t pid;
    char session[96], words[96]; /* the recording; what it said */
};

/** Starts a program in the bed, behind umockdev_lock.c. @param words  where what it says goes;
 * NULL: where it goes here */
pid_t rig_lab_spawn(const char *program, char *const *arguments, const char *words);

/** What `kneelab devices --json` says. @return to be freed; NULL: it failed */
char *rig_lab_devices(const struct rig_lab *lab);

/** Starts `kneelab record` on the lab. */
struct rig_run rig_lab_record(const struct rig_lab *lab, double seconds);

/** Waits until the middle of a recording, and notes how the devices are set up then: a driver that
 *  stops puts back what it changed, and what a device meant goes by what it was set to. */
void rig_lab_see(struct rig_lab *lab, double after_s);

struct rig_end {
    int status;       /* of wait */
    double cpu_s;     /* user and system, of the program alone */
    double busiest_s; /* of it, the busiest thread: USB, through umockdev */
    long rss_kib;     /* its largest */
};

/** Asks it to end early, as Ctrl-C does. */
void rig_lab_interrupt(const struct rig_run *run);

/** Waits for it, at most `patience_s` longer than it should take; then it is killed. */
struct rig_end rig_lab_wait(struct rig_run *run, double patience_s);

/** What became of one stream. */
struct rig_stream_account {
    char name[KL_NAME_MAX];
    double rate_hz;
    uint64_t first, last; /* numbers of the first and the last sample in the file */
    uint64_t recorded;
    uint64_t missing, missing_unmarked; /* between them and not there; of these without a mark */
    uint64_t alien;                     /* in the file and never meant */
    uint64_t restarts;                  /* power cycles: its numbers began anew */
    uint64_t told;                      /* KL_EVENT_LOST */
    uint64_t gaps, checksums;           /* samples with these quality bits */
    int64_t first_ns, last_ns;
};

struct rig_account {
    struct rig_stream_account stream[KL_STREAMS_MAX];
    size_t member_of[KL_STREAMS_MAX];
    size_t count;
    uint64_t values; /* in all */
};

/** Called for each sample that was meant: its number and its time in the file. */
typedef void rig_observer(void *self, size_t stream, uint64_t k, int64_t t_ns);

/** The same, telling of every sample. @param observer  NULL: nobody looks */
bool rig_lab_account_each(const struct rig_lab *lab, const char *session, struct rig_account *out,
                          rig_observer *observer, void *self);

/** Reads the session and compares. @return false when it cannot be read */
bool rig_lab_account(const struct rig_lab *lab, const char *session, struct rig_account *out);

void rig_lab_print(const struct rig_lab *lab, const struct rig_account *account);

/** Prints what the program said, for whoever looks for a fault. */
void rig_lab_words(const struct rig_run *run);

#endif
