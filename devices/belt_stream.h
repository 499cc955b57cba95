/* The stream of a treadmill: belt speed in m/s (positive: the belt carries the runner backwards,
 * the ordinary way) and incline in rad (positive: uphill).
 *
 * READ-ONLY: nothing in Kneelab moves a belt. No driver of a treadmill holds a command that starts,
 * stops or sets anything; tests/devices/test_belts_never_move.c checks every byte they write. */
#ifndef KL_DEVICES_BELT_STREAM_H
#define KL_DEVICES_BELT_STREAM_H

#include "acquire/driver.h"

/** Describes it: "treadmill", or "treadmill.<placement>" where a lab has one port per belt.
 *  @param two_belts  channels are left and right belt speed, incline; else belt speed, incline */
void kl_belt_stream(const struct kl_device_config *config, double rate_hz, bool two_belts,
                    struct kl_stream *out);

/** Grade in % to an angle. */
double kl_grade_rad(double percent);

#endif
