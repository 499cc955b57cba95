#include "process/force/contact_curve.h"

#include <math.h>

double kl_contact_duration(const struct kl_contact *contact)
{
    return (contact->to_ns - contact->ic_ns) / 1e9;
}

static double start(const struct kl_contact *contact)
{
    return ((double)contact->t0_ns - contact->ic_ns) / 1e9;
}

double kl_contact_time(const struct kl_contact *contact, size_t index)
{
    return start(contact) + (double)index * contact->dt_s;
}

/* First sample at or after a time, at most count. */
static size_t sample_from(const struct kl_contact *contact, double t_s)
{
    double position = ceil((t_s - start(contact)) / contact->dt_s);
    if (!(position > 0)) {
        return 0;
    }
    return position < (double)contact->count ? (size_t)position : contact->count;
}

size_t kl_contact_samples(const struct kl_contact *contact, double from_s, double to_s,
                          size_t *first, size_t *end)
{
    *first = sample_from(contact, from_s);
    *end = sample_from(contact, to_s);
    if (*end < contact->count && kl_contact_time(contact, *end) <= to_s) {
        (*end)++;
    }
    return *end > *first ? *end - *first : 0;
}

double kl_contact_value(const struct kl_contact *contact, enum kl_wrench component, double t_s)
{
    double position = (t_s - start(contact)) / contact->dt_s;
    if (!(position > 0)) {
        return contact->wrench[0][component];
    }
    if (position >= (double)(contact->count - 1)) {
        return contact->wrench[contact->count - 1][component];
    }
    size_t index = (size_t)position;
    double part = position - (double)index;
    double value = contact->wrench[index][component];
    return value + part * (contact->wrench[index + 1][component] - value);
}

double kl_mirror_sign(enum kl_side side, enum kl_wrench component)
{
    bool turns = component == KL_FZ || component == KL_MX || component == KL_MY;
    return side == KL_SIDE_LEFT && turns ? -1.0 : 1.0;
}
