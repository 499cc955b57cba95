/* Surface EMG of a virtual runner's vastus medialis obliquus and vastus lateralis (methods 21.4):
 * Gaussian noise of 20-450 Hz times an envelope, a raised cosine from 90 ms before each contact of
 * the limb to 110 ms after it over a floor of 1/SNR; a maximal contraction is a constant envelope.
 */
#ifndef KL_DEVICES_VIRTUAL_EMG_H
#define KL_DEVICES_VIRTUAL_EMG_H

#include "devices/noise.h"
#include "devices/virtual_gait.h"
#include "devices/virtual_load.h"

/** The second half of a muscle's sensor number. */
enum kl_virtual_muscle_name { KL_VIRTUAL_VMO = 0, KL_VIRTUAL_VL };

/** What envelope and amplitude come from. */
struct kl_virtual_burst {
    enum kl_side side;
    double delay_s; /* of the burst */
    double share;   /* of its MVC, at the top of the burst */
    double floor;   /* of MVC */
    struct kl_virtual_span mvc;
};

struct kl_virtual_burst kl_virtual_burst(const struct kl_virtual_runner *runner,
                                         enum kl_virtual_muscle_name muscle, enum kl_side side);

/** True envelope at t, share of MVC.
 *  @param contact  [count] with the limb's contacts that begin within 0.2 s of t */
double kl_virtual_burst_at(const struct kl_virtual_burst *burst,
                           const struct kl_virtual_contact *contact, size_t count, double t_s);

/** Begin of the burst of a contact, session time. */
double kl_virtual_burst_onset(const struct kl_virtual_burst *burst,
                              const struct kl_virtual_contact *contact);

/** White noise through a band-pass of unit output. */
struct kl_virtual_band {
    struct kl_noise noise;
    struct kl_virtual_biquad {
        double b[3], a[2]; /* a0 = 1 */
        double z[2];
    } section[2]; /* high-pass, low-pass */
    double scale;
};

struct kl_virtual_emg {
    unsigned sensor; /* enum kl_virtual_sensor */
    double rate_hz;
    struct kl_virtual_burst own, other; /* other: the neighbour, for cross-talk */
    struct kl_virtual_band own_band, other_band;
    double mvc_v, other_mvc_v, crosstalk, hum_v;
};

void kl_virtual_emg_init(struct kl_virtual_emg *emg, const struct kl_virtual_runner *runner,
                         unsigned sensor);

/** Name and channel of the stream it delivers: one channel, V. */
void kl_virtual_emg_describe(const struct kl_virtual_emg *emg, struct kl_stream *out);

/** The next sample, V. @return kl_quality bits: KL_QUALITY_CLIPPED at the amplifier's rail */
uint32_t kl_virtual_emg_read(struct kl_virtual_emg *emg, const struct kl_virtual_contact *contact,
                             size_t count, double t_s, double *volts);

#endif
