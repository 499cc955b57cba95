/* Header and layout of a C3D file: how many frames of what, and where they begin. */
#include "acquire/formats/c3d.h"

#include "acquire/formats/c3d_bytes.h"

#include <math.h>
#include <stdlib.h>

#define MAGIC 0x50
#define LEADING_ZEROS_MAX 4096u /* some old files hold zeros before the header */

/* Word offsets of the header, in bytes. */
enum {
    HEADER_POINTS = 2,
    HEADER_ANALOG = 4, /* samples per frame, all channels */
    HEADER_FIRST = 6,
    HEADER_LAST = 8,
    HEADER_SCALE = 12,
    HEADER_DATA = 16,
    HEADER_SUBFRAMES = 18,
    HEADER_RATE = 20,
};

const char *kl_c3d_processor_text(enum kl_c3d_processor processor)
{
    return processor == KL_C3D_MIPS ? "MIPS" : processor == KL_C3D_DEC ? "DEC" : "Intel";
}

static size_t leading_zeros(const uint8_t *buf, size_t len)
{
    size_t n = 0;
    while (n < len && n < LEADING_ZEROS_MAX && buf[n] == 0) {
        n++;
    }
    return n;
}

/* The processor byte of the parameter section, or 0. Some old files hold 1, 2, 3. */
static int processor_at(const uint8_t *buf, size_t len, size_t section)
{
    if (section + 4 > len) {
        return 0;
    }
    int byte = buf[section + 3];
    byte = byte >= 1 && byte <= 3 ? byte + KL_C3D_INTEL - 1 : byte;
    return byte >= KL_C3D_INTEL && byte <= KL_C3D_MIPS ? byte : 0;
}

static size_t parameter_section(const uint8_t *buf, size_t begin)
{
    size_t block = buf[begin] == 0 ? 2 : buf[begin];
    return begin + (block - 1) * KL_C3D_BLOCK;
}

bool kl_c3d_matches(const uint8_t *buf, size_t len)
{
    size_t begin = leading_zeros(buf, len);
    size_t look = len - begin < KL_C3D_BLOCK ? len - begin : KL_C3D_BLOCK;
    return begin + 2 <= len && buf[begin + 1] == MAGIC &&
           memchr(buf + begin, 0, look) != NULL && /* text may begin with any letter and a P */
           processor_at(buf, len, parameter_section(buf, begin)) != 0;
}

/* Counts are stored as int16 and meant as uint16. */
static double count_of(double number)
{
    return number < 0 && number >= -32768.0 ? number + 65536.0 : number;
}

/* Frames as stated, by the parameter that can say it best. 0: nobody says. */
static double stated_frames(const struct kl_c3d *c3d, double header_frames)
{
    const struct kl_c3d_parameter *frames = kl_c3d_find(c3d, "POINT", "FRAMES");
    const struct kl_c3d_parameter *start = kl_c3d_find(c3d, "TRIAL", "ACTUAL_START_FIELD");
    const struct kl_c3d_parameter *end = kl_c3d_find(c3d, "TRIAL", "ACTUAL_END_FIELD");
    double count = kl_c3d_number(c3d, kl_c3d_find(c3d, "POINT", "LONG_FRAMES"), 0, 0.0);
    if (count > 0) {
        return count;
    }
    count = count_of(kl_c3d_number(c3d, frames, 0, 0.0));
    if (count > 0 && (frames->type == 4 || count < 65535)) {
        return count;
    }
    if (start != NULL && end != NULL && start->count >= 2 && end->count >= 2) {
        double first = count_of(kl_c3d_number(c3d, start, 0, 0.0)) +
                       65536.0 * count_of(kl_c3d_number(c3d, start, 1, 0.0));
        double last = count_of(kl_c3d_number(c3d, end, 0, 0.0)) +
                      65536.0 * count_of(kl_c3d_number(c3d, end, 1, 0.0));
        if (last >= first && last - first < 1e9) {
            return last - first + 1.0;
        }
    }
    return header_frames;
}

static size_t frame_bytes(const struct kl_c3d *c3d, size_t points)
{
    return (4 * points + c3d->analog_count * c3d->subframe_count) * (c3d->is_float ? 4 : 2);
}

/* Where the data begin: the header, unless only the parameter lies inside the file and behind the
 * parameters. */
static size_t data_offset(const struct kl_c3d *c3d, const uint8_t *header, size_t section)
{
    size_t block = kl_c3d_u16(c3d, header + HEADER_DATA);
    size_t from_header = block == 0 ? 0 : c3d->begin + (block - 1) * KL_C3D_BLOCK;
    const struct kl_c3d_parameter *start = kl_c3d_find(c3d, "POINT", "DATA_START");
    double stated = kl_c3d_number(c3d, start, 0, 0.0);
    stated = start != NULL && start->type == 2 ? count_of(stated) : stated;
    size_t from_parameter =
        stated >= 2.0 && stated < 65536.0 ? c3d->begin + ((size_t)stated - 1) * KL_C3D_BLOCK : 0;
    bool header_fits = from_header > section && from_header <= c3d->len;
    return header_fits || from_parameter <= section || from_parameter > c3d->len ? from_header
                                                                                 : from_parameter;
}

/* The header counts points, and so does POINT:USED. Where they differ, the one whose frames end at
 * the end of the file (less than a block of slack) is right. */
static size_t settle_points(struct kl_c3d *c3d, size_t from_header, double frames)
{
    double used =
        count_of(kl_c3d_number(c3d, kl_c3d_find(c3d, "POINT", "USED"), 0, (double)from_header));
    if (used == (double)from_header || !(used >= 0 && used < 65536.0)) {
        return from_header;
    }
    double room = (double)(c3d->len - c3d->data);
    double need_header = frames * (double)frame_bytes(c3d, from_header);
    double need_used = frames * (double)frame_bytes(c3d, (size_t)used);
    bool header_fits = need_header <= room && room - need_header < KL_C3D_BLOCK;
    bool used_fits = need_used <= room && room - need_used < KL_C3D_BLOCK;
    size_t points = used_fits && !header_fits ? (size_t)used : from_header;
    kl_c3d_remark(c3d, "header says %zu points, POINT:USED says %.0f; %zu fit the file",
                  from_header, used, points);
    return points;
}

static void settle_analog(struct kl_c3d *c3d, size_t per_frame, size_t subframes)
{
    c3d->subframe_count = subframes == 0 ? 1 : subframes;
    c3d->analog_count = per_frame / c3d->subframe_count;
    double rate = kl_c3d_number(c3d, kl_c3d_find(c3d, "ANALOG", "RATE"), 0, 0.0);
    c3d->analog_rate_hz = c3d->frame_rate_hz * (double)c3d->subframe_count;
    if (!(c3d->analog_rate_hz > 0) || !isfinite(c3d->analog_rate_hz)) {
        c3d->analog_rate_hz = rate;
    }
    c3d->analog_gain = kl_c3d_number(c3d, kl_c3d_find(c3d, "ANALOG", "GEN_SCALE"), 0, 1.0);
    if (c3d->analog_gain == 0.0) {
        c3d->analog_gain = 1.0;
        kl_c3d_remark(c3d, "ANALOG:GEN_SCALE is 0; 1 is used");
    }
    char format[16];
    const struct kl_c3d_parameter *offset = kl_c3d_find(c3d, "ANALOG", "OFFSET");
    if (kl_c3d_text(kl_c3d_find(c3d, "ANALOG", "FORMAT"), 0, format, sizeof(format)) > 0) {
        c3d->unsigned_analog = format[0] == 'U' || format[0] == 'u';
        return;
    }
    double bits = kl_c3d_number(c3d, kl_c3d_find(c3d, "ANALOG", "BITS"), 0, 16.0);
    for (size_t i = 0; offset != NULL && i < offset->count; i++) {
        /* no FORMAT: an offset outside the converter's range is an unsigned one (BTK) */
        c3d->unsigned_analog |= fabs(kl_c3d_number(c3d, offset, i, 0.0)) > ldexp(1.0, (int)bits);
    }
}

/* Frames that are whole in the file; a remark when fewer than stated. */
static void settle_frames(struct kl_c3d *c3d, double stated)
{
    size_t bytes = frame_bytes(c3d, c3d->point_count);
    size_t room = bytes == 0 ? 0 : (c3d->len - c3d->data) / bytes;
    c3d->frame_count = stated > (double)room ? room : (size_t)stated;
    c3d->stated_frames = stated;
    if (stated > (double)room) {
        kl_c3d_remark(c3d, "the file ends early: %zu of %.0f frames are there", room, stated);
    }
}

static int read_layout(const char *name, struct kl_c3d *c3d, size_t section, struct kl_fault *fault)
{
    const uint8_t *header = c3d->buf + c3d->begin;
    double scale = kl_c3d_f32(c3d, header + HEADER_SCALE);
    double first = kl_c3d_u16(c3d, header + HEADER_FIRST);
    double last = kl_c3d_u16(c3d, header + HEADER_LAST);
    c3d->data = data_offset(c3d, header, section);
    if (c3d->data <= section || c3d->data > c3d->len) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: damaged C3D: its data should begin at byte %zu of %zu; copy the file "
                        "again from where it was recorded",
                        name, c3d->data, c3d->len);
    }
    c3d->is_float = scale < 0;
    c3d->scale = kl_c3d_number(c3d, kl_c3d_find(c3d, "POINT", "SCALE"), 0, scale);
    c3d->scale = fabs(c3d->is_float ? scale : c3d->scale);
    c3d->first_frame = (unsigned)first;
    c3d->frame_rate_hz = kl_c3d_f32(c3d, header + HEADER_RATE);
    if (!(c3d->frame_rate_hz > 0) || !isfinite(c3d->frame_rate_hz)) {
        c3d->frame_rate_hz = kl_c3d_number(c3d, kl_c3d_find(c3d, "POINT", "RATE"), 0, 0.0);
    }
    settle_analog(c3d, kl_c3d_u16(c3d, header + HEADER_ANALOG),
                  kl_c3d_u16(c3d, header + HEADER_SUBFRAMES));
    double stated = stated_frames(c3d, last >= first ? last - first + 1.0 : 0.0);
    stated = isfinite(stated) ? floor(stated) : 0.0;
    c3d->point_count = settle_points(c3d, kl_c3d_u16(c3d, header + HEADER_POINTS), stated);
    settle_frames(c3d, stated);
    if (c3d->frame_count == 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: C3D without a whole frame (%zu points, %zu analog channels, %zu bytes "
                        "of data); copy the file again from where it was recorded",
                        name, c3d->point_count, c3d->analog_count, c3d->len - c3d->data);
    }
    return KL_OK;
}

int kl_c3d_parse(const char *name, const uint8_t *buf, size_t len, struct kl_c3d *out,
                 struct kl_fault *fault)
{
    struct kl_c3d c3d = {.buf = buf, .len = len, .begin = leading_zeros(buf, len)};
    if (!kl_c3d_matches(buf, len)) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: not a C3D file: no 0x50 in its second byte or no processor byte 84-86",
                        name);
    }
    size_t section = parameter_section(buf, c3d.begin);
    c3d.processor = (enum kl_c3d_processor)processor_at(buf, len, section);
    if (c3d.begin + KL_C3D_BLOCK > len) {
        return kl_fault(fault, KL_ERR_DATA, "%s: C3D cut off inside its header", name);
    }
    /* The block count of the section is often wrong: it ends where the header lets data begin. */
    size_t data = kl_c3d_u16(&c3d, buf + c3d.begin + HEADER_DATA);
    size_t stated_end = section + (size_t)buf[section + 2] * KL_C3D_BLOCK;
    size_t end = data == 0 ? 0 : c3d.begin + (data - 1) * KL_C3D_BLOCK;
    end = end > section + 4 ? end : stated_end;
    end = end < len ? end : len;
    int status = kl_c3d_read_parameters(&c3d, section + 4, end);
    if (status == KL_ERR_MEM) {
        status = kl_fault(fault, status, "%s: no memory for its parameters", name);
    } else {
        status = read_layout(name, &c3d, section, fault);
    }
    if (status != KL_OK) {
        kl_c3d_release(&c3d);
        return status;
    }
    *out = c3d;
    return KL_OK;
}

void kl_c3d_release(struct kl_c3d *c3d)
{
    free(c3d->parameter);
    c3d->parameter = NULL;
    c3d->parameter_count = 0;
}
