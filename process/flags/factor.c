#include "process/flags/flag.h"

const struct kl_factor_text *kl_factor_get(enum kl_factor factor)
{
    /* What a factor needs: methods 18, in the order of the strip. */
    static const struct kl_factor_text text[KL_FACTOR_COUNT] = {
        [KL_FACTOR_MENISCUS_LOAD] =
            {"meniscus_load", "Medial meniscus load",
             "needs the knee adduction moment or tibial rotation (plate with shank and thigh "
             "sensors), or earlier recordings as a baseline; cannot show a tear"},
        [KL_FACTOR_PES_ANSERINUS] =
            {"pes_anserinus", "Pes anserinus load",
             "needs today's distance and the runner's training log (longest run of 30 days); "
             "cannot show a bursitis"},
        [KL_FACTOR_MCL_VALGUS] =
            {"mcl_valgus", "Inner ligament (valgus) load",
             "needs knee valgus from thigh and shank sensors; cannot show a sprain or laxity"},
        [KL_FACTOR_MEDIAL_LOAD] =
            {"medial_load", "Medial compartment load",
             "needs the knee adduction moment (plate with shank sensor), or KOOS entries; cannot "
             "show arthritis"},
        [KL_FACTOR_PRONATION] =
            {"pronation", "Foot pronation",
             "needs rearfoot eversion from foot and shank sensors, 150 steps of a side"},
        [KL_FACTOR_FOOTWEAR] =
            {"footwear", "Footwear",
             "needs loading rates from the force plate at 3.0-4.0 m/s with the belt speed entered, "
             "or the shoe's distance entered"},
        [KL_FACTOR_VMO_IMBALANCE] =
            {"vmo_imbalance", "Inner thigh muscle balance",
             "needs EMG of the inner and outer thigh muscle; cannot show strength"},
        [KL_FACTOR_RUNNING_FORM] =
            {"running_form", "Running form",
             "needs cadence and loading rates from the force plate with the belt speed entered; "
             "hip, pelvis and trunk need sensors; arm swing is not measured"},
        [KL_FACTOR_JOINT_INSTABILITY] =
            {"joint_instability", "Joint instability",
             "needs side-to-side knee motion from thigh and shank sensors, 150 steps of a side; "
             "cannot show laxity"},
    };
    return (unsigned)factor < KL_FACTOR_COUNT ? &text[factor] : &text[0];
}
