/* A recording as a folder of CSV files. */
#ifndef KL_APP_CSV_EXPORT_H
#define KL_APP_CSV_EXPORT_H

#include "app/input_file.h"

/** Creates `folder` (it may exist; files of the same name are refused, never overwritten).
 *  @return KL_OK, or a negative status with *fault: what could be written stays */
int kl_csv_export(struct kl_input_file *recording, const char *folder, struct kl_fault *fault);

#endif
