/* Speed and slope of the belt from what a treadmill streams.
 *
 * Streams of kind treadmill (channels "belt speed", or "belt speed left" and "belt speed right",
 * m/s, and "incline", rad) come some ten times a second and dip at every contact. What a step is
 * told is the median of the last second, and another one only when it has changed by more than
 * KL_BELT_CHANGE_M_S (and, once it has settled, exactly): a belt that breathes is not a change of
 * speed. Of several belts those that
 * move count, by their mean.
 *
 * While a belt streams, a speed that was entered is passed over; where none does, it holds.
 * A function of the samples' times and values alone: cutting blocks changes nothing.
 * Threads: one. No allocation after _create.
 */
#ifndef KL_PROCESS_BELT_SPEED_H
#define KL_PROCESS_BELT_SPEED_H

#include "acquire/stream.h"

#define KL_BELT_WINDOW_NS KL_NS_PER_S
#define KL_BELT_CHANGE_M_S 0.05   /* project choice: 2 % of a slow run */
#define KL_BELT_CHANGE_RAD 0.0035 /* 0.2 deg; methods 12.4 asks below 1 deg */
/* A belt that has said nothing for so long does not stand in the way of what is entered. */
#define KL_BELT_SILENT_NS (5 * KL_NS_PER_S)

struct kl_belt_speed;

/** @return NULL without memory */
struct kl_belt_speed *kl_belt_speed_create(const struct kl_stream *streams, size_t count);
void kl_belt_speed_destroy(struct kl_belt_speed *belt);

/** Sample i of a block of any stream.
 *  @param t_ns   session time of the sample, offsets applied
 *  @param event  out: KL_EVENT_SPEED at t_ns when speed or slope has changed; else untouched
 *  @return whether it has */
bool kl_belt_speed_step(struct kl_belt_speed *belt, const struct kl_block *block, size_t i,
                        int64_t t_ns, struct kl_event *event);

/** A speed and slope were entered (KL_EVENT_SPEED). The slope is kept for a treadmill that does not
 *  tell its own. @return whether the speed holds: no belt has streamed shortly before */
bool kl_belt_speed_entered(struct kl_belt_speed *belt, const struct kl_event *event);

#endif
