/* A binary record as the lab file describes it: number types, checksums, places. Internal to the
 * binary_record driver. */
#ifndef KL_DEVICES_RECORD_LAYOUT_H
#define KL_DEVICES_RECORD_LAYOUT_H

#include "acquire/stream.h"

#define KL_RECORD_MAX 1024
#define KL_RECORD_FIELDS_MAX 64
#define KL_RECORD_SYNC_MAX 8

/** How a number is stored. */
struct kl_record_type {
    const char *name; /* u8 i8 u16le u16be i16le ... f64be */
    size_t size;
    bool whole;       /* fits a counter or a time */
    double low, high; /* of integers: their rails; 0, 0: none */
    double (*read)(const uint8_t *p);
    uint64_t (*bits)(const uint8_t *p); /* whole types: unsigned */
};

/** "i16le@4*0.001+2.5": value = stored * scale + offset. */
struct kl_record_field {
    const struct kl_record_type *type; /* NULL: not there */
    size_t at;
    double scale, offset;
};

/** How a checksum is computed and stored. */
struct kl_record_sum {
    const char *name; /* sum8 neg8 xor8 fletcher16 crc16-ccitt-le ... */
    size_t size;
    bool big_endian;
    uint32_t (*compute)(const uint8_t *p, size_t len);
};

/** Reads one field description. @return false when it is none or does not lie within `length` */
bool kl_record_field_read(const char *text, size_t len, size_t length, struct kl_record_field *out);

/** Reads "crc16-ccitt-be@22". */
bool kl_record_sum_read(const char *text, size_t len, size_t length,
                        const struct kl_record_sum **sum, size_t *at);

/** Reads bytes in hexadecimal, "A5 5A" or "a55a". @return how many, 0: none or too many */
size_t kl_record_sync_read(const char *text, uint8_t out[KL_RECORD_SYNC_MAX]);

/** Does the checksum at buf[at] fit buf[from..at)? */
bool kl_record_sum_fits(const struct kl_record_sum *sum, const uint8_t *buf, size_t from,
                        size_t at);

#endif
