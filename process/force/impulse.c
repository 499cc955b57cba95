#include "process/force/impulse.h"

#include "process/force/contact_curve.h"

/* Adds the area under a straight piece from a to b that lasts dt_s. */
static void add(struct kl_impulse *impulse, double a, double b, double dt_s)
{
    if (a >= 0 && b >= 0) {
        impulse->positive_n_s += 0.5 * (a + b) * dt_s;
    } else if (a <= 0 && b <= 0) {
        impulse->negative_n_s += 0.5 * (a + b) * dt_s;
    } else {
        double crossing = a / (a - b); /* the part of dt before the sign changes */
        double first = 0.5 * a * crossing * dt_s;
        double second = 0.5 * b * (1.0 - crossing) * dt_s;
        impulse->positive_n_s += a > 0 ? first : second;
        impulse->negative_n_s += a > 0 ? second : first;
    }
}

struct kl_impulse kl_impulse_of(const struct kl_contact *contact, enum kl_wrench component)
{
    struct kl_impulse impulse = {0};
    double duration = kl_contact_duration(contact);
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, 0, duration, &first, &end);
    double t = 0;
    double value = kl_contact_value(contact, component, 0);
    for (size_t i = first; i < end; i++) {
        double next_t = kl_contact_time(contact, i);
        double next = contact->wrench[i][component];
        add(&impulse, value, next, next_t - t);
        t = next_t;
        value = next;
    }
    add(&impulse, value, kl_contact_value(contact, component, duration), duration - t);
    return impulse;
}

bool kl_force_extremes_of(const struct kl_contact *contact, enum kl_wrench component,
                          struct kl_force_extremes *out)
{
    size_t first;
    size_t end;
    if (kl_contact_samples(contact, 0, kl_contact_duration(contact), &first, &end) == 0) {
        return false;
    }
    size_t high = first;
    size_t low = first;
    for (size_t i = first; i < end; i++) {
        high = contact->wrench[i][component] > contact->wrench[high][component] ? i : high;
        low = contact->wrench[i][component] < contact->wrench[low][component] ? i : low;
    }
    *out = (struct kl_force_extremes){
        .max_n = contact->wrench[high][component],
        .max_s = kl_contact_time(contact, high),
        .min_n = contact->wrench[low][component],
        .min_s = kl_contact_time(contact, low),
    };
    return true;
}

bool kl_force_rises_through_zero(const struct kl_contact *contact, enum kl_wrench component,
                                 double from_s, double *out_s)
{
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, from_s, kl_contact_duration(contact), &first, &end);
    for (size_t i = first; i + 1 < end; i++) {
        double a = contact->wrench[i][component];
        double b = contact->wrench[i + 1][component];
        if (a < 0 && b >= 0) {
            *out_s = kl_contact_time(contact, i) + contact->dt_s * (a / (a - b));
            return true;
        }
    }
    return false;
}
