/* Repeatable Gaussian noise for simulated devices.
 *
 * Generator: GSL's mt19937 (Matsumoto & Nishimura 1998) and its ziggurat Gaussian (Marsaglia &
 * Tsang 2000). A 64-bit seed and the number of the consumer are mixed by splitmix64 (Steele, Lea &
 * Flood 2014), so that each channel group of a device draws from its own sequence and the order in
 * which streams are asked for samples cannot change a value.
 *
 * Ownership: the caller's memory, may be copied. Threads: one per struct. No allocation.
 */
#ifndef KL_DEVICES_NOISE_H
#define KL_DEVICES_NOISE_H

#include <stdint.h>

#define KL_NOISE_STATE_WORDS 640 /* mt19937 needs 624 words and an index; _init checks */

struct kl_noise {
    unsigned long state[KL_NOISE_STATE_WORDS];
};

/** Starts the sequence of one consumer.
 *  @param seed  any value; equal seeds give equal sequences
 *  @param consumer  which of the sequences of this seed */
void kl_noise_init(struct kl_noise *noise, uint64_t seed, uint64_t consumer);

/** The next value of a Gaussian with mean 0 and the given standard deviation (same unit). */
double kl_noise_gaussian(struct kl_noise *noise, double sd);

#endif
