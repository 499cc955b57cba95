#include "fuzz_seal.h"

#include "devices/labjack_u6.h"
#include "devices/microstrain_mip.h"
#include "devices/vectornav.h"
#include "devices/vernier_go_direct.h"
#include "devices/xsens_mti.h"

#include <stdbool.h>
#include <string.h>

/* StreamData, extended answers, answers of 4 bytes. */
static size_t seal_labjack(uint8_t *p, size_t len)
{
    bool stream = len >= 4 && p[1] == 0xf9 && p[3] == 0xc0;
    bool extended = len >= 4 && p[1] == 0xf8;
    size_t whole = stream ? 14 + 2 * (size_t)(uint8_t)(p[2] - 4) : 4;
    whole = extended ? 6 + 2 * (size_t)p[2] : whole;
    bool brief = len >= 4 && (p[1] == 0xb1 || p[1] == 0xa9);
    if (!(stream || extended || brief) || whole > len || whole > 64) {
        return 0;
    }
    if (!brief) {
        unsigned sum = kl_labjack_sum(p, 6, whole);
        p[4] = (uint8_t)sum;
        p[5] = (uint8_t)(sum >> 8);
    }
    p[0] = kl_labjack_fold8(kl_labjack_sum(p, 1, brief ? 4 : 6));
    return whole;
}

/* A packet cut into reports of 64 bytes: number of bytes, then those. */
static size_t seal_vernier(uint8_t *p, size_t len)
{
    if (len < KL_VERNIER_REPORT || p[2] < 6 || (p[1] != 0x20 && p[1] != 0x98)) {
        return 0;
    }
    size_t whole = p[2], payload = KL_VERNIER_REPORT - 1;
    size_t reports = (whole + payload - 1) / payload;
    uint8_t sum = 0;
    if (reports * KL_VERNIER_REPORT > len) {
        return 0;
    }
    for (size_t i = 0; i < whole; i++) {
        size_t left = whole - i / payload * payload;
        uint8_t *report = p + i / payload * KL_VERNIER_REPORT;
        report[0] = (uint8_t)(left < payload ? left : payload);
        sum = (uint8_t)(sum + (i == 3 ? 0 : report[1 + i % payload]));
    }
    p[4] = sum;
    return reports * KL_VERNIER_REPORT;
}

static size_t seal_mti(uint8_t *p, size_t len)
{
    if (len < 5 || p[0] != 0xfa) {
        return 0;
    }
    bool extended = p[3] == KL_MTI_EXTENDED;
    size_t payload = extended && len >= 7 ? (size_t)p[4] << 8 | p[5] : p[3];
    size_t whole = (extended ? 6 : 4) + payload + 1;
    uint8_t sum = 0;
    if (whole > len) {
        return 0;
    }
    for (size_t i = 1; i + 1 < whole; i++) {
        sum = (uint8_t)(sum + p[i]);
    }
    p[whole - 1] = (uint8_t)-sum;
    return whole;
}

static size_t seal_mip(uint8_t *p, size_t len)
{
    size_t sum_at = KL_MIP_HEAD_BYTES + (size_t)(len >= KL_MIP_HEAD_BYTES ? p[3] : 0);
    if (sum_at + KL_MIP_SUM_BYTES > len || p[0] != 0x75 || p[1] != 0x65) {
        return 0;
    }
    kl_mip_checksum(p, sum_at, p + sum_at);
    return sum_at + KL_MIP_SUM_BYTES;
}

/* "$VN...*XX\r\n" */
static size_t seal_vn_line(uint8_t *p, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";
    uint8_t sum = 0;
    size_t star = 1;
    while (star < len && star < KL_VN_LINE_MAX && p[star] != '*' && p[star] != '\n') {
        sum ^= p[star++];
    }
    if (star + 5 > len || p[star] != '*') {
        return 0;
    }
    const uint8_t end[] = {(uint8_t)hex[sum >> 4], (uint8_t)hex[sum & 15], '\r', '\n'};
    memcpy(p + star + 1, end, sizeof(end));
    return star + 5;
}

/* How long a packet is, only the driver's table of fields knows: the shortest that it can read. */
static size_t seal_vn_packet(uint8_t *p, size_t len)
{
    struct kl_vn_data data;
    size_t shorter = 5, whole = len < KL_VN_PACKET_MAX ? len : KL_VN_PACKET_MAX;
    if (kl_vn_data(p, whole, &data) != KL_OK) {
        return 0;
    }
    while (whole - shorter > 1) {
        size_t middle = (shorter + whole) / 2;
        bool fits = kl_vn_data(p, middle, &data) == KL_OK;
        whole = fits ? middle : whole;
        shorter = fits ? shorter : middle;
    }
    uint16_t crc = kl_vn_crc(p + 1, whole - 3);
    p[whole - 2] = (uint8_t)(crc >> 8);
    p[whole - 1] = (uint8_t)crc;
    return whole;
}

static size_t seal_vn(uint8_t *p, size_t len)
{
    if (len < 6 || (p[0] != 0xfa && p[0] != '$')) {
        return 0;
    }
    return p[0] == '$' ? seal_vn_line(p, len) : seal_vn_packet(p, len);
}

size_t fuzz_seal(const char *driver, uint8_t *bytes, size_t len)
{
    static const struct {
        const char *driver;
        size_t (*seal)(uint8_t *bytes, size_t len);
    } table[] = {
        {"labjack_u6", seal_labjack}, {"vernier_go_direct", seal_vernier},
        {"xsens_mti", seal_mti},      {"microstrain_mip", seal_mip},
        {"vectornav", seal_vn},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].driver, driver) == 0) {
            return table[i].seal(bytes, len);
        }
    }
    return 0;
}

void fuzz_seal_all(const char *driver, uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t whole = fuzz_seal(driver, bytes + at, len - at);
        at += whole > 0 ? whole : 1;
    }
}
