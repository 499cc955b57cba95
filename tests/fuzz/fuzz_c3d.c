/* Any bytes as a C3D file: read whole, as a session and point by point. */
#include "acquire/formats/c3d.h"
#include "acquire/formats/c3d_plate.h"
#include "acquire/formats/c3d_source.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kl_memory memory;
    struct kl_fault fault;
    struct kl_c3d c3d;
    if (kl_c3d_parse("fuzz", data, size, &c3d, &fault) != KL_OK) {
        return 0;
    }
    for (size_t frame = 0; frame < c3d.frame_count && frame < 4; frame++) {
        for (size_t point = 0; point < c3d.point_count; point++) {
            double xyz[3];
            (void)!kl_c3d_point(&c3d, frame, point, xyz);
        }
    }
    for (size_t i = 0; i < c3d.parameter_count; i++) {
        char text[16];
        (void)kl_c3d_text(&c3d.parameter[i], i, text, sizeof(text));
        (void)kl_c3d_number(&c3d, &c3d.parameter[i], i, 0.0);
    }
    kl_c3d_release(&c3d);
    if (kl_c3d_session("fuzz", data, size, &memory, &fault) == KL_OK) {
        struct kl_source *source = kl_memory_source(&memory);
        struct kl_item item;
        while (source != NULL && kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        }
        kl_source_close(source);
    }
    kl_memory_release(&memory);
    return 0;
}
