/* What the units of devices are in SI. */
#ifndef KL_DEVICES_UNITS_H
#define KL_DEVICES_UNITS_H

#define KL_STANDARD_GRAVITY_M_S2 9.80665    /* 1 g; CGPM 1901 */
#define KL_RAD_PER_DEG 0.017453292519943295 /* pi / 180 */
#define KL_TESLA_PER_GAUSS 1e-4             /* exact */
#define KL_MPH_M_S (1609.344 / 3600)        /* miles per hour; international mile */
#define KL_KMH_M_S (1 / 3.6)                /* km/h */

#endif
