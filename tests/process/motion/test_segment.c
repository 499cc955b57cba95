#include "process/motion/segment.h"

#include <criterion/criterion.h>

#include <stdio.h>

Test(segment, names_of_streams_and_segments_are_one)
{
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        char stream[KL_NAME_MAX];
        (void)snprintf(stream, sizeof(stream), "imu.%s", kl_segment_text((enum kl_segment)s));
        cr_expect_eq(kl_segment_of(stream), (enum kl_segment)s, "%s", stream);
    }
    cr_expect_eq(kl_segment_of("imu.shank.right"), KL_SEGMENT_SHANK_RIGHT);
    cr_expect_eq(kl_segment_side(KL_SEGMENT_SHANK_RIGHT), KL_SIDE_RIGHT);
    cr_expect_eq(kl_segment_side(KL_SEGMENT_PELVIS), KL_SIDE_UNKNOWN);
    cr_expect_eq(kl_segment_of("imu.shank"), KL_SEGMENT_COUNT);
    cr_expect_eq(kl_segment_of("emg.vmo.right"), KL_SEGMENT_COUNT);
}
