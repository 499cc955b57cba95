#include "process/motion/segment.h"

#include <string.h>

static const struct {
    const char *text;
    enum kl_side side;
} table[KL_SEGMENT_COUNT] = {
    [KL_SEGMENT_TRUNK] = {"trunk", KL_SIDE_UNKNOWN},
    [KL_SEGMENT_PELVIS] = {"pelvis", KL_SIDE_UNKNOWN},
    [KL_SEGMENT_THIGH_LEFT] = {"thigh.left", KL_SIDE_LEFT},
    [KL_SEGMENT_THIGH_RIGHT] = {"thigh.right", KL_SIDE_RIGHT},
    [KL_SEGMENT_SHANK_LEFT] = {"shank.left", KL_SIDE_LEFT},
    [KL_SEGMENT_SHANK_RIGHT] = {"shank.right", KL_SIDE_RIGHT},
    [KL_SEGMENT_FOOT_LEFT] = {"foot.left", KL_SIDE_LEFT},
    [KL_SEGMENT_FOOT_RIGHT] = {"foot.right", KL_SIDE_RIGHT},
};

const char *kl_segment_text(enum kl_segment segment)
{
    return (unsigned)segment < KL_SEGMENT_COUNT ? table[segment].text : "none";
}

enum kl_segment kl_segment_of(const char *stream_name)
{
    static const char prefix[] = "imu.";
    if (strncmp(stream_name, prefix, sizeof(prefix) - 1) != 0) {
        return KL_SEGMENT_COUNT;
    }
    int found = 0;
    while (found < KL_SEGMENT_COUNT &&
           strcmp(stream_name + sizeof(prefix) - 1, table[found].text) != 0) {
        found++;
    }
    return (enum kl_segment)found;
}

enum kl_side kl_segment_side(enum kl_segment segment)
{
    return (unsigned)segment < KL_SEGMENT_COUNT ? table[segment].side : KL_SIDE_UNKNOWN;
}
