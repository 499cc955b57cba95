#include "devices/noise.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include <assert.h>

static uint64_t splitmix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* GSL's handle is a type and a pointer; building it here keeps the state in the caller's memory and
 * lets the struct be copied. */
static gsl_rng handle(struct kl_noise *noise)
{
    return (gsl_rng){.type = gsl_rng_mt19937, .state = noise->state};
}

void kl_noise_init(struct kl_noise *noise, uint64_t seed, uint64_t consumer)
{
    assert(gsl_rng_mt19937->size <= sizeof(noise->state));
    const gsl_rng rng = handle(noise);
    uint64_t mixed = splitmix64(splitmix64(seed) + consumer) >> 32; /* mt19937 takes 32 bits */
    gsl_rng_set(&rng, (unsigned long)mixed);
}

double kl_noise_gaussian(struct kl_noise *noise, double sd)
{
    const gsl_rng rng = handle(noise);
    return gsl_ran_gaussian_ziggurat(&rng, sd);
}
