/* One MTData2 message of an Xsens MTi: which fields it holds and their values.
 *
 * Payload: a sequence of {u16 id, u8 size, data}, big-endian, in any order; a field that is not
 * known is skipped by its size.
 *
 *   id = group and type (bits 15-4) | coordinate system (3-2: 0 ENU, 1 NED, 2 NWU) | format (1-0)
 *   format   0 float32   1 fixed 12.20 in 4 bytes   3 float64
 *            2 fixed 16.32 in 6 bytes: first the 4 bytes of the fraction, then the 2 of the integer
 *   Fields that are whole numbers keep their own width, whatever the format bits say: some firmware
 *   sets them (pressure was seen as 3013 with a u32).
 *
 *   id    field              elements  type  unit
 *   0810  temperature        1         real  deg C
 *   1010  UTC                8         u32 ns, u16 year, u8 month day hour minute second flags
 *   1020  packet counter     1         u16   one per message of this kind
 *   1060  sample time fine   1         u32   100 us
 *   1070  sample time coarse 1         u32   s
 *   2010  quaternion         4         real  w x y z, sensor to earth
 *   2020  rotation matrix    9         real  sensor to earth, column by column
 *   2030  Euler angles       3         real  roll pitch yaw, deg
 *   3010  pressure           1         u32   Pa
 *   4010  delta v            3         real  m/s
 *   4020  acceleration       3         real  m/s^2, with gravity
 *   4030  free acceleration  3         real  m/s^2, earth frame, without gravity
 *   8020  rate of turn       3         real  rad/s
 *   8030  delta q            4         real  w x y z
 *   C020  magnetic field     3         real  1 = the field where the unit was calibrated
 *   E010  status byte        1         u8    bits 0-7 of the status word
 *   E020  status word        1         u32
 *
 * Source: Movella "MT Low-Level Communication Protocol Documentation" (MT0101P) as quoted by open
 * drivers, checked against captures of an MTi-G-710 and an MTi-300.
 */
#ifndef KL_DEVICES_XSENS_MTI_DATA_H
#define KL_DEVICES_XSENS_MTI_DATA_H

#include "acquire/stream.h"

enum kl_mti_field {
    KL_MTI_TEMPERATURE = 0,
    KL_MTI_UTC,
    KL_MTI_COUNTER,
    KL_MTI_TIME_FINE,
    KL_MTI_TIME_COARSE,
    KL_MTI_QUATERNION,
    KL_MTI_MATRIX,
    KL_MTI_EULER,
    KL_MTI_PRESSURE,
    KL_MTI_DELTA_V,
    KL_MTI_ACCELERATION,
    KL_MTI_FREE_ACCELERATION,
    KL_MTI_RATE_OF_TURN,
    KL_MTI_DELTA_Q,
    KL_MTI_MAGNETIC,
    KL_MTI_STATUS, /* the word, or the byte when only that was sent */
    KL_MTI_FIELD_COUNT,
};

#define KL_MTI_ELEMENTS_MAX 9

/** What one message said; units of the table above, as sent. */
struct kl_mti_data {
    uint32_t has;                                          /* bit per kl_mti_field */
    double value[KL_MTI_FIELD_COUNT][KL_MTI_ELEMENTS_MAX]; /* whole numbers are exact */
};

static inline bool kl_mti_has(const struct kl_mti_data *data, enum kl_mti_field field)
{
    return (data->has >> field & 1U) != 0;
}

/** Reads the payload of an MTData2 message.
 *  @param out  fields that are not there are not touched, but for `has`; on error anything
 *  @return KL_OK, or KL_ERR_DATA when a size passes the end or does not fit its field.
 *  Threads: any; RT safe. */
KL_CHECK int kl_mti_data(const uint8_t *payload, size_t len, struct kl_mti_data *out);

#endif
