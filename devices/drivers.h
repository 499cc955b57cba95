/* Drivers of real devices, one line each, alphabetical. registry.c makes a table of them. */
#ifndef KL_DEVICES_DRIVERS_H
#define KL_DEVICES_DRIVERS_H

#include "acquire/driver.h"

extern const struct kl_driver kl_bertec_treadmill_driver;
extern const struct kl_driver kl_binary_record_driver;
extern const struct kl_driver kl_bitalino_driver;
extern const struct kl_driver kl_bno08x_rvc_driver;
extern const struct kl_driver kl_delsys_trigno_driver;
extern const struct kl_driver kl_labjack_u6_driver;
extern const struct kl_driver kl_load_cells_driver;
extern const struct kl_driver kl_load_cells_timed_driver;
extern const struct kl_driver kl_mcc_usb1608fs_plus_driver;
extern const struct kl_driver kl_microstrain_mip_driver;
extern const struct kl_driver kl_number_line_driver;
extern const struct kl_driver kl_openbci_cyton_driver;
extern const struct kl_driver kl_shimmer3_driver;
extern const struct kl_driver kl_trackmaster_driver;
extern const struct kl_driver kl_vectornav_driver;
extern const struct kl_driver kl_vernier_go_direct_driver;
extern const struct kl_driver kl_witmotion_driver;
extern const struct kl_driver kl_woodway_driver;
extern const struct kl_driver kl_ximu3_driver;
extern const struct kl_driver kl_xsens_mti_driver;

#endif
