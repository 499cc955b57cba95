/* Snapshots of a runner who does not exist, for looking at the screen and for its tests.
 *
 * Pure functions of scene and time: forces are the half-sine with an impact peak of the virtual
 * runner, sides alternate, one metric is missing here and there, one flag is raised.
 */
#ifndef KL_TESTS_SYNTHETIC_SNAPSHOT_H
#define KL_TESTS_SYNTHETIC_SNAPSHOT_H

#include "process/snapshot.h"

enum synthetic_scene {
    SYNTHETIC_EMPTY = 0,   /* devices deliver, nobody is on the belt yet */
    SYNTHETIC_FULL,        /* two plates, both sides, recording */
    SYNTHETIC_PROBLEM,     /* a device lost, the disk refuses, samples missing, red factor */
    SYNTHETIC_ONE_FORCE,   /* a replayed file with one force channel: side, weight, COP unknown */
    SYNTHETIC_NO_SESSION,  /* all zero: not even a device */
    SYNTHETIC_WORN,        /* as FULL, with IMUs and electrodes, calibrated */
    SYNTHETIC_UNREADY,     /* as WORN, but not calibrated, the right thigh sensor dead */
    SYNTHETIC_CALIBRATING, /* nobody runs: the bows are being done, sensors are exchanged */
    SYNTHETIC_SCENE_COUNT,
};

/** @param t_s  seconds since the first step; what has not happened by then is not in it */
void synthetic_snapshot(enum synthetic_scene scene, double t_s, struct kl_snapshot *out);

/** What IMUs and electrodes add to a snapshot of two plates: metrics, curves, calibration. */
void synthetic_body(enum synthetic_scene scene, double t_s, struct kl_snapshot *out);

#endif
