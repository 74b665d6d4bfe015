/* Writes down what a process does to the files of one folder, for power_loss.py to imitate a loss of power with.

   LD_PRELOAD it with DISK_TRACE_FOLDER, the folder (its own files, not those of folders in it, and no `-shm`, which no
   start relies on), and DISK_TRACE_FILE, to which one record is appended for each step: a header, see `struct record`,
   and what was written, or the name. A step and its record are made under one lock, so the order of the records is that
   of the steps. Syncs are only written down: nothing here loses power, so waiting for the disk would tell nothing. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096

struct record {
    char step; /* Create Write Truncate Sync Directory-sync Unlink Rename */
    char unused[3];
    uint32_t bytes;
    uint64_t inode;
    uint64_t offset; /* of a write; the new size of a truncate */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_chars;
static int trace = -1;
static ino_t traced[FDS]; /* by descriptor; 0 is not ours */
static char is_folder[FDS], appends[FDS];

static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_sync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void begin(void)
{
    real_openat = dlsym(RTLD_NEXT, "openat");
    real_close = dlsym(RTLD_NEXT, "close");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_write = dlsym(RTLD_NEXT, "write");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_sync = dlsym(RTLD_NEXT, "fsync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    const char *name = getenv("DISK_TRACE_FOLDER"), *file = getenv("DISK_TRACE_FILE");
    if (!name || !file || !realpath(name, folder))
        return;
    folder_chars = strlen(folder);
    trace = real_openat(AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* One write, as two processes append to the file: this one, and the test with its marks. */
static void note(char step, ino_t inode, off_t offset, const void *bytes, size_t count)
{
    struct record head = {.step = step, .bytes = (uint32_t)count, .inode = inode, .offset = (uint64_t)offset};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, count}};
    if (real_writev(trace, parts, 2) != (ssize_t)(sizeof head + count))
        abort();
}

/* The name in the folder, or NULL if the path leads elsewhere. */
static const char *name_in_folder(const char *path)
{
    if (strncmp(path, folder, folder_chars) != 0 || path[folder_chars] != '/')
        return NULL;
    const char *name = path + folder_chars + 1;
    size_t chars = strlen(name);
    return strchr(name, '/') || (chars > 4 && strcmp(name + chars - 4, "-shm") == 0) ? NULL : name;
}

static const char *name_of(const char *path, char *whole)
{
    return trace >= 0 && realpath(path, whole) ? name_in_folder(whole) : NULL;
}

static int opened(int fd, int flags, int was_there)
{
    char link[64], path[PATH_MAX] = "";
    struct stat status;
    int saved = errno;
    if (fd < 0 || fd >= FDS || trace < 0)
        return fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t chars = readlink(link, path, sizeof path - 1);
    traced[fd] = 0;
    is_folder[fd] = chars > 0 && strcmp(path, folder) == 0;
    const char *name = chars > 0 ? name_in_folder(path) : NULL;
    if (name && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        traced[fd] = status.st_ino;
        appends[fd] = (flags & O_APPEND) != 0;
        if (!was_there)
            note('C', status.st_ino, 0, name, strlen(name));
        if (was_there && (flags & O_TRUNC))
            note('T', status.st_ino, 0, "", 0);
    }
    errno = saved;
    return fd;
}

int openat(int at, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!real_openat)
        begin();
    pthread_mutex_lock(&lock);
    int was_there = !(flags & O_CREAT) || faccessat(at, path, F_OK, 0) == 0;
    int fd = opened(real_openat(at, path, flags, mode), flags, was_there);
    pthread_mutex_unlock(&lock);
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat(AT_FDCWD, path, flags, mode);
}

int close(int fd)
{
    if (fd >= 0 && fd < FDS) {
        traced[fd] = 0;
        is_folder[fd] = 0;
    }
    return real_close(fd);
}

static int ours(int fd)
{
    return fd >= 0 && fd < FDS && traced[fd];
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    if (!ours(fd))
        return real_pwrite(fd, bytes, count, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = real_pwrite(fd, bytes, count, offset);
    if (done > 0)
        note('W', traced[fd], offset, bytes, (size_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    if (!ours(fd))
        return real_write(fd, bytes, count);
    pthread_mutex_lock(&lock);
    off_t offset = lseek(fd, 0, appends[fd] ? SEEK_END : SEEK_CUR);
    ssize_t done = real_write(fd, bytes, count);
    if (done > 0)
        note('W', traced[fd], offset, bytes, (size_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t all = 0;
    if (!ours(fd))
        return real_writev(fd, parts, count);
    for (int i = 0; i < count; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0)
            return all ? all : done;
        all += done;
        if ((size_t)done < parts[i].iov_len)
            break;
    }
    return all;
}

int ftruncate(int fd, off_t size)
{
    if (!ours(fd))
        return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    int failed = real_ftruncate(fd, size);
    if (!failed)
        note('T', traced[fd], size, "", 0);
    pthread_mutex_unlock(&lock);
    return failed;
}

int fsync(int fd)
{
    if (!ours(fd) && !(fd >= 0 && fd < FDS && is_folder[fd]))
        return real_sync(fd);
    pthread_mutex_lock(&lock);
    note(is_folder[fd] ? 'D' : 'S', traced[fd], 0, "", 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int unlink(const char *path)
{
    char whole[PATH_MAX];
    const char *name = name_of(path, whole);
    if (!name)
        return real_unlink(path);
    pthread_mutex_lock(&lock);
    int failed = real_unlink(path);
    if (!failed)
        note('U', 0, 0, name, strlen(name));
    pthread_mutex_unlock(&lock);
    return failed;
}

/* Within the folder. The names, with a zero between. */
int rename(const char *from, const char *to)
{
    char whole[PATH_MAX], both[2 * PATH_MAX];
    const char *name = name_of(from, whole), *new_name = strrchr(to, '/');
    if (!name)
        return real_rename(from, to);
    new_name = new_name ? new_name + 1 : to;
    size_t chars = strlen(name) + 1, new_chars = strlen(new_name);
    memcpy(both, name, chars);
    memcpy(both + chars, new_name, new_chars + 1);
    pthread_mutex_lock(&lock);
    int failed = real_rename(from, to);
    if (!failed)
        note('R', 0, 0, both, chars + new_chars);
    pthread_mutex_unlock(&lock);
    return failed;
}

int open64(const char *, int, ...) __attribute__((alias("open")));
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));
