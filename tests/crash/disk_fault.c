/* Makes the disk fail under a running process: LD_PRELOAD it with DISK_FAULT_FOLDER, and a file DISK_FAULT_FILE of three
   numbers (32 bits, native) that the test changes while the process runs: the error that writes to files of the folder
   get, the one that syncs get, and how many milliseconds a sync takes besides. 0 is no error. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct faults {
    int32_t write_errno, sync_errno, sync_ms;
};

static const struct faults none, *faults = &none;
static char folder[PATH_MAX];
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_sync)(int);

__attribute__((constructor)) static void begin(void)
{
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_sync = dlsym(RTLD_NEXT, "fsync");
    const char *name = getenv("DISK_FAULT_FOLDER"), *file = getenv("DISK_FAULT_FILE");
    int fd = name && file && realpath(name, folder) ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    const void *seen = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
    if (seen != MAP_FAILED)
        faults = seen;
    close(fd);
}

static int ours(int fd)
{
    char link[64], path[PATH_MAX] = "";
    size_t chars = strlen(folder);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && strncmp(path, folder, chars) == 0 && path[chars] == '/';
}

static int refused(int fd)
{
    int error = *(volatile const int32_t *)&faults->write_errno;
    if (error && ours(fd)) {
        errno = error;
        return 1;
    }
    return 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return refused(fd) ? -1 : real_pwrite(fd, bytes, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    return refused(fd) ? -1 : real_write(fd, bytes, count);
}

int ftruncate(int fd, off_t size)
{
    return refused(fd) ? -1 : real_ftruncate(fd, size);
}

int fsync(int fd)
{
    int error = *(volatile const int32_t *)&faults->sync_errno;
    int32_t ms = *(volatile const int32_t *)&faults->sync_ms;
    if (ms && ours(fd))
        usleep((useconds_t)ms * 1000);
    if (error && ours(fd)) {
        errno = error;
        return -1;
    }
    return real_sync(fd);
}

int fdatasync(int fd)
{
    return fsync(fd);
}

ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));
