#include "visualize/theme.h"

#include <math.h>

/* 0xRRGGBB as it is written everywhere else. */
#define RGB(hex)                                                                                   \
    {                                                                                              \
        (double)(((hex) >> 16) & 0xff) / 255.0, (double)(((hex) >> 8) & 0xff) / 255.0,             \
            (double)((hex)&0xff) / 255.0                                                           \
    }

static const struct kl_palette dark = {
    .background = RGB(0x0e1216),
    .panel = RGB(0x181e25),
    .edge = RGB(0x2b3540),
    .grid = RGB(0x2b3540),
    .axis = RGB(0x65727f),
    .text = RGB(0xf2f5f7),
    .dim = RGB(0xa9b5c0),
    .hatch = RGB(0x3c4854),
    .side =
        {
            [KL_SIDE_UNKNOWN] = RGB(0xc9d1d9),
            [KL_SIDE_LEFT] = RGB(0x58b1ff),
            [KL_SIDE_RIGHT] = RGB(0xff8ac4),
        },
    .flag =
        {
            [KL_FLAG_GREY] = RGB(0x8b97a3),
            [KL_FLAG_GREEN] = RGB(0x3dbe8b),
            [KL_FLAG_NOTE] = RGB(0x43c6db),
            [KL_FLAG_AMBER] = RGB(0xffb000),
            [KL_FLAG_RED] = RGB(0xff6058),
        },
    .on_flag = RGB(0x0e1216),
};

static const struct kl_palette light = {
    .background = RGB(0xe9edf1),
    .panel = RGB(0xffffff),
    .edge = RGB(0xd0d7de),
    .grid = RGB(0xe1e6eb),
    .axis = RGB(0x7d8994),
    .text = RGB(0x12171c),
    .dim = RGB(0x4d5965),
    .hatch = RGB(0xcdd5dc),
    .side =
        {
            [KL_SIDE_UNKNOWN] = RGB(0x4d5965),
            [KL_SIDE_LEFT] = RGB(0x0b62c4),
            [KL_SIDE_RIGHT] = RGB(0xb8196f),
        },
    .flag =
        {
            [KL_FLAG_GREY] = RGB(0x66727d),
            [KL_FLAG_GREEN] = RGB(0x0b7d55),
            [KL_FLAG_NOTE] = RGB(0x0a7286),
            [KL_FLAG_AMBER] = RGB(0xa85a00),
            [KL_FLAG_RED] = RGB(0xc42026),
        },
    .on_flag = RGB(0xffffff),
};

const struct kl_palette *kl_palette_get(enum kl_theme theme)
{
    return theme == KL_THEME_LIGHT ? &light : &dark;
}

const struct kl_font_style *kl_font_get(enum kl_font font)
{
    static const struct kl_font_style style[KL_FONT_COUNT] = {
        [KL_FONT_NARROW] = {13.0, false, true}, [KL_FONT_TINY] = {13.0, false, false},
        [KL_FONT_SMALL] = {15.0, false, false}, [KL_FONT_BODY] = {17.0, false, false},
        [KL_FONT_STRONG] = {17.0, true, false}, [KL_FONT_TITLE] = {15.0, true, false},
        [KL_FONT_MEDIUM] = {25.0, true, false}, [KL_FONT_LARGE] = {40.0, true, false},
        [KL_FONT_HUGE] = {80.0, true, false},
    };
    return &style[(unsigned)font < KL_FONT_COUNT ? font : KL_FONT_BODY];
}

static double luminance(struct kl_colour colour)
{
    const double channel[3] = {colour.r, colour.g, colour.b};
    const double weight[3] = {0.2126, 0.7152, 0.0722};
    double sum = 0.0;
    for (size_t i = 0; i < 3; i++) {
        double linear =
            channel[i] <= 0.04045 ? channel[i] / 12.92 : pow((channel[i] + 0.055) / 1.055, 2.4);
        sum += weight[i] * linear;
    }
    return sum;
}

double kl_colour_contrast(struct kl_colour a, struct kl_colour b)
{
    double la = luminance(a);
    double lb = luminance(b);
    return (fmax(la, lb) + 0.05) / (fmin(la, lb) + 0.05);
}
