#include "acquire/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int refused(struct kl_fault *fault, const char *path)
{
    char words[96] = "";
    (void)strerror_r(errno, words, sizeof(words));
    return kl_fault(fault, KL_ERR_IO, "%s: cannot be read: %s", path, words);
}

static int map(int fd, const char *path, struct kl_mapped_file *file, struct kl_fault *fault)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return refused(fault, path);
    }
    if (!S_ISREG(info.st_mode)) {
        return kl_fault(fault, KL_ERR_IO, "%s: is not a file; name the recording itself", path);
    }
    struct kl_mapped_file found = {.data = (const uint8_t *)"", .size = (size_t)info.st_size};
    if (found.size > 0) {
        found.map = mmap(NULL, found.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (found.map == MAP_FAILED) {
            return refused(fault, path);
        }
        found.data = found.map;
    }
    *file = found;
    return KL_OK;
}

int kl_mapped_file_open(const char *path, struct kl_mapped_file *file, struct kl_fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return refused(fault, path);
    }
    int status = map(fd, path, file, fault);
    (void)close(fd); /* the mapping stays */
    return status;
}

void kl_mapped_file_close(struct kl_mapped_file *file)
{
    if (file->map != NULL) {
        (void)munmap(file->map, file->size);
    }
    *file = (struct kl_mapped_file){0};
}
