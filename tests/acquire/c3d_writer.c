#include "c3d_writer.h"

#include <string.h>

static void put_byte(struct c3d_writer *w, unsigned value)
{
    w->file[w->len++] = (uint8_t)value;
}

static void put_u16(const struct c3d_writer *w, uint8_t *p, unsigned value)
{
    bool big = w->processor == KL_C3D_MIPS;
    p[0] = (uint8_t)(big ? value >> 8 : value);
    p[1] = (uint8_t)(big ? value : value >> 8);
}

static void put_f32(const struct c3d_writer *w, uint8_t *p, double value)
{
    float number = (float)(w->processor == KL_C3D_DEC ? value * 4.0 : value);
    uint32_t bits;
    memcpy(&bits, &number, sizeof(bits));
    static const unsigned order[3][4] = {{0, 8, 16, 24}, {16, 24, 0, 8}, {24, 16, 8, 0}};
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(bits >> order[w->processor - KL_C3D_INTEL][i]);
    }
}

void c3d_begin(struct c3d_writer *w)
{
    memset(w->file, 0, sizeof(w->file));
    w->len = 512;
    put_byte(w, 1);
    put_byte(w, 0x50);
    put_byte(w, 0); /* blocks: written at the end */
    put_byte(w, w->processor);
}

static void put_record(struct c3d_writer *w, int id, const char *name, size_t rest)
{
    put_byte(w, (unsigned)strlen(name));
    put_byte(w, (unsigned)id & 0xffu);
    memcpy(w->file + w->len, name, strlen(name));
    w->len += strlen(name);
    put_u16(w, w->file + w->len, (unsigned)rest + 2);
    w->len += 2;
}

void c3d_group(struct c3d_writer *w, int id, const char *name)
{
    put_record(w, -id, name, 1);
    put_byte(w, 0);
}

static void put_head(struct c3d_writer *w, int id, const char *name, int type, unsigned count,
                     unsigned rows, size_t bytes)
{
    unsigned dims = rows == 0 ? 1 : 2;
    put_record(w, id, name, 2 + dims + bytes + 1);
    put_byte(w, (unsigned)type & 0xffu);
    put_byte(w, dims);
    if (rows != 0) {
        put_byte(w, rows);
    }
    put_byte(w, rows == 0 ? count : count / rows);
}

void c3d_int16(struct c3d_writer *w, int id, const char *name, const int *value, unsigned count,
               unsigned rows)
{
    put_head(w, id, name, 2, count, rows, (size_t)2 * count);
    for (unsigned i = 0; i < count; i++, w->len += 2) {
        put_u16(w, w->file + w->len, (unsigned)value[i] & 0xffffu);
    }
    put_byte(w, 0);
}

void c3d_float(struct c3d_writer *w, int id, const char *name, const double *value, unsigned count,
               unsigned rows)
{
    put_head(w, id, name, 4, count, rows, (size_t)4 * count);
    for (unsigned i = 0; i < count; i++, w->len += 4) {
        put_f32(w, w->file + w->len, value[i]);
    }
    put_byte(w, 0);
}

void c3d_text(struct c3d_writer *w, int id, const char *name, const char *const *text,
              unsigned count, unsigned width)
{
    put_head(w, id, name, -1, count * width, width, (size_t)count * width);
    for (unsigned i = 0; i < count; i++, w->len += width) {
        memset(w->file + w->len, ' ', width);
        memcpy(w->file + w->len, text[i], strlen(text[i]) < width ? strlen(text[i]) : width);
    }
    put_byte(w, 0);
}

void c3d_data(struct c3d_writer *w, const double *raw, size_t count)
{
    w->len = (w->len + 2 + 511) / 512 * 512; /* two zero bytes end the chain */
    unsigned block = (unsigned)(w->len / 512) + 1;
    w->file[514] = (uint8_t)(block - 2);
    uint8_t *h = w->file;
    h[0] = 2;
    h[1] = 0x50;
    put_u16(w, h + 2, w->points);
    put_u16(w, h + 4, w->channels * w->subframes);
    put_u16(w, h + 6, w->first_frame);
    put_u16(w, h + 8, w->first_frame + w->frames - 1);
    put_f32(w, h + 12, w->is_float ? -w->point_scale : w->point_scale);
    put_u16(w, h + 16, block);
    put_u16(w, h + 18, w->subframes);
    put_f32(w, h + 20, w->rate_hz);
    for (size_t i = 0; i < count; i++) {
        if (w->is_float) {
            put_f32(w, w->file + w->len, raw[i]);
        } else {
            put_u16(w, w->file + w->len, (unsigned)(int)raw[i] & 0xffffu);
        }
        w->len += w->is_float ? 4 : 2;
    }
}
