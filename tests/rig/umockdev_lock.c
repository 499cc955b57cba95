/* RTLD_NEXT */
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
#define _GNU_SOURCE
/* Stands before umockdev's preloaded library in a host with several threads.
 *
 * umockdev 0.17.16 notes which descriptors are emulated in a table of 50 places that no lock
 * guards (fd_map_add, fd_map_remove in libumockdev-preload.c). Two threads that open or close
 * something at the same time lose a socket or a place of it, and when all places are lost umockdev
 * ends the host: "fd_map_add(): overflow", after some hundred plug events on a busy machine. Here
 * one thread at a time opens or closes, and none asks a device meanwhile. No request waits: the
 * rig answers at once.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static _Thread_local int depth; /* umockdev's own calls come through here too */

static void enter(void)
{
    if (depth++ == 0) {
        (void)pthread_rwlock_wrlock(&table);
    }
}

static void leave(void)
{
    if (--depth == 0) {
        (void)pthread_rwlock_unlock(&table);
    }
}

/* The function of this name in the library behind this one; a void pointer is none, says ISO C. */
static void find(const char *name, void *function, size_t size)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, size);
}

#define BEHIND(type, name, text, ...)                                                              \
    static type (*name)(__VA_ARGS__);                                                              \
    if (name == NULL) {                                                                            \
        find(text, &name, sizeof(name));                                                           \
    }

static mode_t mode_of(int flags, va_list rest)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

/* glibc's names, and not those of its arguments */
/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming) */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#define OPEN(function)                                                                             \
    int function(const char *path, int flags, ...);                                                \
    int function(const char *path, int flags, ...)                                                 \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, rest);                                                        \
        va_end(rest);                                                                              \
        BEHIND(int, next, #function, const char *, int, ...)                                       \
        enter();                                                                                   \
        int fd = next(path, flags, mode);                                                          \
        leave();                                                                                   \
        return fd;                                                                                 \
    }

#define OPEN_CHECKED(function)                                                                     \
    int function(const char *path, int flags);                                                     \
    int function(const char *path, int flags)                                                      \
    {                                                                                              \
        BEHIND(int, next, #function, const char *, int)                                            \
        enter();                                                                                   \
        int fd = next(path, flags);                                                                \
        leave();                                                                                   \
        return fd;                                                                                 \
    }

#define OPEN_FILE(function)                                                                        \
    FILE *function(const char *path, const char *mode);                                            \
    FILE *function(const char *path, const char *mode)                                             \
    {                                                                                              \
        BEHIND(FILE *, next, #function, const char *, const char *)                                \
        enter();                                                                                   \
        FILE *file = next(path, mode);                                                             \
        leave();                                                                                   \
        return file;                                                                               \
    }

OPEN(open)
OPEN(open64)
OPEN_CHECKED(__open_2)
OPEN_CHECKED(__open64_2)
OPEN_FILE(fopen)
OPEN_FILE(fopen64)

int close(int fd);

int close(int fd)
{
    BEHIND(int, next, "close", int)
    enter();
    int status = next(fd);
    leave();
    return status;
}

int fclose(FILE *file)
{
    BEHIND(int, next, "fclose", FILE *)
    enter();
    int status = next(file);
    leave();
    return status;
}

int ioctl(int fd, unsigned long request, ...);

int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    BEHIND(int, next, "ioctl", int, unsigned long, ...)
    if (depth > 0) {
        return next(fd, request, argument);
    }
    (void)pthread_rwlock_rdlock(&table);
    int status = next(fd, request, argument);
    (void)pthread_rwlock_unlock(&table);
    return status;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */
