/* Makes each kind of call fail at the n-th one: what writes a regular file, makes one, gives it another name
   or size, or removes it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int due(const char *what) {
    static long calls = 0;
    const char *wanted = getenv("FAIL"), *at = getenv("FAIL_AT");
    if (!wanted || !at || strcmp(wanted, what) != 0) return 0;
    return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == atol(at);
}

static int is_file(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (is_file(fd) && due("write")) {
        if (count > 1) real(fd, bytes, count / 2);
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, count);
}

static int sync_file(int fd, const char *name) {
    int (*real)(int) = dlsym(RTLD_NEXT, name);
    if (due("fsync")) { errno = EIO; return -1; }
    return real(fd);
}

int fsync(int fd) { return sync_file(fd, "fsync"); }
int fdatasync(int fd) { return sync_file(fd, "fdatasync"); }

int renameat(int from, const char *a, int to, const char *b) {
    int (*real)(int, const char *, int, const char *) = dlsym(RTLD_NEXT, "renameat");
    if (due("rename")) { errno = EACCES; return -1; }
    return real(from, a, to, b);
}

int unlinkat(int folder, const char *name, int flags) {
    int (*real)(int, const char *, int) = dlsym(RTLD_NEXT, "unlinkat");
    if (due("unlink")) { errno = EACCES; return -1; }
    return real(folder, name, flags);
}

static int change_size(int fd, off_t size, const char *name) {
    int (*real)(int, off_t) = dlsym(RTLD_NEXT, name);
    if (due("ftruncate")) { errno = EIO; return -1; }
    return real(fd, size);
}

int ftruncate(int fd, off_t size) { return change_size(fd, size, "ftruncate"); }
int ftruncate64(int fd, off_t size) { return change_size(fd, size, "ftruncate64"); }

/* There is no function for openat2. */
long syscall(long number, ...) {
    long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall");
    long a[6];
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
    va_end(more);
    if (number == SYS_openat2 && (*(unsigned long long *)a[2] & O_CREAT) && due("open")) {
        errno = EMFILE;
        return -1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
