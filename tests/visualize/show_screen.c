/* Draws the synthetic scenes as PNG files, for people to look at:
 *     show_screen FOLDER [WIDTH HEIGHT]  */
#include "synthetic_snapshot.h"
#include "visualize/screen.h"

#include <stdio.h>
#include <stdlib.h>

static int show(const char *folder, int width, int height, enum kl_theme theme)
{
    static const char *const scene_name[SYNTHETIC_SCENE_COUNT] = {
        [SYNTHETIC_EMPTY] = "empty",        [SYNTHETIC_FULL] = "full",
        [SYNTHETIC_PROBLEM] = "problem",    [SYNTHETIC_ONE_FORCE] = "one_force",
        [SYNTHETIC_NO_SESSION] = "nothing", [SYNTHETIC_WORN] = "worn",
        [SYNTHETIC_UNREADY] = "unready",    [SYNTHETIC_CALIBRATING] = "calibrating",
    };
    static const char *const page_name[KL_PAGE_COUNT] = {
        [KL_PAGE_FORCES] = "", [KL_PAGE_MOTION] = "_motion", [KL_PAGE_CALIBRATION] = "_body"};
    static struct kl_snapshot snapshot;
    struct kl_screen *screen = kl_screen_create(width, height, theme);
    int status = screen == NULL ? KL_ERR_MEM : KL_OK;
    for (int scene = 0; status == KL_OK && scene < SYNTHETIC_SCENE_COUNT; scene++) {
        synthetic_snapshot((enum synthetic_scene)scene, 47.33, &snapshot);
        for (int page = 0; status == KL_OK && page < KL_PAGE_COUNT; page++) {
            if (page != KL_PAGE_FORCES && scene < SYNTHETIC_WORN) {
                continue; /* nothing to see there */
            }
            char path[512];
            struct kl_fault fault;
            kl_screen_set_page(screen, (enum kl_page)page);
            kl_screen_draw(screen, &snapshot, NULL);
            (void)snprintf(path, sizeof(path), "%s/%s%s_%s_%d.png", folder, scene_name[scene],
                           page_name[page], theme == KL_THEME_DARK ? "dark" : "light", width);
            status = kl_screen_png(screen, path, &fault);
            (void)printf("%s\n", status == KL_OK ? path : fault.text);
        }
        kl_screen_set_page(screen, KL_PAGE_FORCES);
    }
    if (status == KL_OK) { /* the last page of the metrics */
        char path[512];
        struct kl_fault fault;
        synthetic_snapshot(SYNTHETIC_WORN, 47.33, &snapshot);
        kl_screen_turn_metrics(screen);
        kl_screen_turn_metrics(screen);
        kl_screen_draw(screen, &snapshot, NULL);
        (void)snprintf(path, sizeof(path), "%s/worn_knee_%s_%d.png", folder,
                       theme == KL_THEME_DARK ? "dark" : "light", width);
        status = kl_screen_png(screen, path, &fault);
    }
    kl_screen_destroy(screen);
    return status;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    int width = argc > 3 ? (int)strtol(argv[2], NULL, 10) : 1920;
    int height = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1080;
    int dark = show(folder, width, height, KL_THEME_DARK);
    int light = show(folder, width, height, KL_THEME_LIGHT);
    return dark == KL_OK && light == KL_OK ? 0 : 1;
}
