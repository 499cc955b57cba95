/* A USB device that exists for this process only: sysfs, device nodes and ioctls by umockdev. */
#ifndef KL_TESTS_ACQUIRE_MOCKED_DEVICE_H
#define KL_TESTS_ACQUIRE_MOCKED_DEVICE_H

#include <umockdev.h>

#include <stdbool.h>

#define MOCKED_VENDOR 0x1209 /* pid.codes: ids for test devices */
#define MOCKED_SERIAL_PRODUCT 0x0001
#define MOCKED_BULK_PRODUCT 0x0002

/** Plugs a USB serial device in, as /dev/ttyACM<number>. Modem-line requests are answered, so that
 *  libserialport opens it. @return the far end's descriptor, owned by the bed */
int mocked_serial_plug(UMockdevTestbed *bed, unsigned number, const char *serial_number);
void mocked_serial_pull(UMockdevTestbed *bed, unsigned number, int fd);

#endif
