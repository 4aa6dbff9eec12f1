/* Counts the calls by which processes change files below a folder, and lets one of them fail: loaded before libc.

   faults_arm() begins to count as the environment says, and so does every process that is started afterwards: below the
   folder FAULTS_BELOW the call with the number FAULTS_AT (from 1) fails with the error number FAULTS_KIND; kind -1 kills
   the process before the call, -2 after half of the bytes of a write. The file FAULTS_NOTES, as long as `struct notes`,
   holds how many calls there were, how many files called run.json were put in place, and a letter for each call, the
   first of its name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { KILL = -1, TORN = -2, MOST = 1 << 20 };

static struct notes { long count, records; char calls[MOST]; } *notes;
static const char *folder;
static long at;
static int kind;

__attribute__((constructor)) void faults_arm(void) {
    const char *below = getenv("FAULTS_BELOW");
    if (!below) return;
    int file = open(getenv("FAULTS_NOTES"), O_RDWR);
    void *shared = mmap(0, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared == MAP_FAILED) abort();
    folder = strdup(below), at = atol(getenv("FAULTS_AT")), kind = atoi(getenv("FAULTS_KIND")), notes = shared;
}

static void die(void) { kill(getpid(), SIGKILL); }

/* Whether a path, or that of a file descriptor where there is none, is below the folder. */
static int below(const char *path, int descriptor) {
    char full[PATH_MAX + PATH_MAX] = "", name[64];
    if (!notes) return 0;
    if (!path) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(name, full, PATH_MAX - 1);
        full[length < 0 ? 0 : length] = 0;
    } else if (*path == '/') {
        strncpy(full, path, PATH_MAX - 1);
    } else if (getcwd(full, PATH_MAX)) {
        strcat(full, "/");
        strncat(full, path, PATH_MAX - 1);
    }
    return !strncmp(full, folder, strlen(folder));
}

/* Whether this call is the one that fails. */
static int struck(const char *call, const char *path, int descriptor) {
    if (!below(path, descriptor)) return 0;
    long number = __atomic_add_fetch(&notes->count, 1, __ATOMIC_SEQ_CST);
    if (number <= MOST) notes->calls[number - 1] = *call;
    return number == at;
}

static int fails(const char *call, const char *path, int descriptor) {
    if (!struck(call, path, descriptor)) return 0;
    if (kind < 0) die();
    errno = kind;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define WRITE(name, parameters, arguments, ...) \
    ssize_t name parameters { \
        REAL(ssize_t, #name, __VA_ARGS__); \
        if (struck(#name, 0, descriptor)) { \
            if (kind == TORN) { \
                size /= 2; \
                (void)!real arguments; \
            } \
            if (kind < 0) die(); \
            errno = kind; \
            return -1; \
        } \
        return real arguments; \
    }
WRITE(write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size), int, const void *, size_t)
WRITE(pwrite, (int descriptor, const void *bytes, size_t size, off_t from), (descriptor, bytes, size, from), int,
      const void *, size_t, off_t)
WRITE(pwrite64, (int descriptor, const void *bytes, size_t size, off64_t from), (descriptor, bytes, size, from), int,
      const void *, size_t, off64_t)
WRITE(writev, (int descriptor, const struct iovec *bytes, int size), (descriptor, bytes, size), int,
      const struct iovec *, int)

#define WRITES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND))

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = va_arg(more, mode_t); \
        va_end(more); \
        if (WRITES(flags) && fails(#name, path, 0)) return -1; \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int at_folder, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = va_arg(more, mode_t); \
        va_end(more); \
        if (WRITES(flags) && fails(#name, path, 0)) return -1; \
        return real(at_folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

#define ON_PATH(name, path, parameters, arguments, ...) \
    int name parameters { \
        REAL(int, #name, __VA_ARGS__); \
        return fails(#name, path, 0) ? -1 : real arguments; \
    }
int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (fails("rename", to, 0) || real(from, to)) return -1;
    const char *name = strrchr(to, '/');
    if (name && !strcmp(name, "/run.json") && below(to, 0)) __atomic_add_fetch(&notes->records, 1, __ATOMIC_SEQ_CST);
    return 0;
}
ON_PATH(renameat, to, (int one, const char *from, int other, const char *to), (one, from, other, to), int, const char *,
        int, const char *)
ON_PATH(renameat2, to, (int one, const char *from, int other, const char *to, unsigned flags),
        (one, from, other, to, flags), int, const char *, int, const char *, unsigned)
ON_PATH(link, to, (const char *from, const char *to), (from, to), const char *, const char *)
ON_PATH(linkat, to, (int one, const char *from, int other, const char *to, int flags), (one, from, other, to, flags),
        int, const char *, int, const char *, int)
ON_PATH(symlink, to, (const char *from, const char *to), (from, to), const char *, const char *)
ON_PATH(mkdir, path, (const char *path, mode_t mode), (path, mode), const char *, mode_t)
ON_PATH(mkdirat, path, (int at_folder, const char *path, mode_t mode), (at_folder, path, mode), int, const char *,
        mode_t)

#define ON_FILE(name, parameters, arguments, ...) \
    int name parameters { \
        REAL(int, #name, __VA_ARGS__); \
        return fails(#name, 0, descriptor) ? -1 : real arguments; \
    }
ON_FILE(fsync, (int descriptor), (descriptor), int)
ON_FILE(fdatasync, (int descriptor), (descriptor), int)
ON_FILE(ftruncate, (int descriptor, off_t size), (descriptor, size), int, off_t)
ON_FILE(ftruncate64, (int descriptor, off64_t size), (descriptor, size), int, off64_t)
