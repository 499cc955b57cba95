#include "process/motion/clipping.h"

void kl_clipping_init(struct kl_clipping *clipping, const struct kl_clipping_settings *settings)
{
    *clipping = (struct kl_clipping){.settings = *settings};
}
