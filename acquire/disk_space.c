#include "acquire/disk_space.h"

#include <stdio.h>
#include <sys/statvfs.h>

#define MINUTE_S 60.0
#define MEGABYTE 1e6

bool kl_disk_space_text(uint64_t free_bytes, double bytes_per_s, char *out, size_t cap)
{
    double left_s = bytes_per_s > 0 ? (double)free_bytes / bytes_per_s : KL_DISK_LOW_S;
    bool low = free_bytes < KL_DISK_LOW_BYTES || left_s < KL_DISK_LOW_S;
    if (!low) {
        out[0] = '\0';
    } else if (bytes_per_s > 0) {
        (void)snprintf(out, cap, "disk: %.0f MB free, %.1f min at this rate; free some space",
                       (double)free_bytes / MEGABYTE, left_s / MINUTE_S);
    } else {
        (void)snprintf(out, cap, "disk: %.0f MB free; free some space",
                       (double)free_bytes / MEGABYTE);
    }
    return low;
}

uint64_t kl_disk_space_free(int fd)
{
    struct statvfs disk;
    return fstatvfs(fd, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : UINT64_MAX;
}
