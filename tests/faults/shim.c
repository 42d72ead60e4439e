/* What a file system, and whoever stops processes, may do to a program: preloaded into the children of tests/faults.

   Locks:  shim_locks(1) makes flock, fcntl and lockf locks no-ops; shim_locks(ENOLCK) and the like makes them fail.
   Stops:  shim_arm(root, n) stops the process (SIGSTOP) before its n-th call on a path below root, or open file there.
           shim_armed_calls() tells how many there were, shim_trace(fd) writes each call's name to a descriptor.
           shim_stop(call, name, after) stops it before, or after, each call of that kind on a file of that name.
   Lies:   shim_lie(calls, name, error) does the next link or rename whose target has that name, and reports an error all the same,
           as NFS does when an answer was lost and the request repeated.
   NFS:    shim_silly(1) turns the removal of a file of which we have a descriptor into a renaming to .nfsXXXX. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int locks, trace = -1, silly, lie_error, stop_after;
static char root[PATH_MAX], lie_name[NAME_MAX + 1], stop_call[16], stop_name[NAME_MAX + 1];
static long stop_at;
static _Atomic long calls;
static __thread int inside;

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

void shim_locks(int how) { locks = how; }
void shim_trace(int descriptor) { trace = descriptor; }
void shim_silly(int on) { silly = on; }
long shim_armed_calls(void) { return calls; }
void shim_arm(const char *below, long at) { strncpy(root, below, sizeof root - 1); stop_at = at; calls = 0; }
void shim_lie(const char *name, int error) { strncpy(lie_name, name, sizeof lie_name - 1); lie_error = error; }

void shim_stop(const char *call, const char *name, int after) {
    strncpy(stop_call, call, sizeof stop_call - 1);
    strncpy(stop_name, name, sizeof stop_name - 1);
    stop_after = after;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *place_of(int folder, const char *path, char *place) {
    char link[64];
    ssize_t length;
    if (path) return path;
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    length = readlink(link, place, PATH_MAX - 1);
    place[length < 0 ? 0 : length] = 0;
    return place;
}

static void stop_if_asked(const char *call, int folder, const char *path, int after) {
    char place[PATH_MAX];
    if (stop_name[0] && after == stop_after && !strcmp(call, stop_call)
        && !strcmp(base_name(place_of(folder, path, place)), stop_name))
        raise(SIGSTOP);
}

static int below_root(int folder, const char *path) {
    char place[PATH_MAX];
    if (!root[0]) return 0;
    if (path && path[0] == '/') return strncmp(path, root, strlen(root)) == 0;
    if (folder == AT_FDCWD) return 0;
    return strncmp(place_of(folder, NULL, place), root, strlen(root)) == 0;
}

static void before(const char *call, int folder, const char *path) {
    int error = errno;
    stop_if_asked(call, folder, path, 0);
    if (root[0] && !inside) {
        inside = 1;
        if (below_root(folder, path)) {
            long number = ++calls;
            if (trace >= 0) {
                char line[256];
                int length = snprintf(line, sizeof line, "%ld %s %.100s\n", number, call, path ? path : "");
                if (write(trace, line, length) < 0) abort();
            }
            if (number == stop_at) raise(SIGSTOP);
        }
        inside = 0;
    }
    errno = error;
}

static int lies_about(const char *path) {
    if (!lie_name[0] || strcmp(base_name(path), lie_name)) return 0;
    lie_name[0] = 0;
    return 1;
}

/* Locks. */

int flock(int fd, int operation) {
    REAL(flock);
    if (locks == 1) return 0;
    if (locks > 1) { errno = locks; return -1; }
    return real(fd, operation);
}

int lockf64(int fd, int cmd, off64_t len) {
    REAL(lockf64);
    if (locks == 1) return 0;
    if (locks > 1) { errno = locks; return -1; }
    return real(fd, cmd, len);
}

static int lock_command(int cmd) {
    return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}

#define FCNTL(name) \
    int name(int fd, int cmd, ...) { \
        REAL(name); \
        va_list list; va_start(list, cmd); void *argument = va_arg(list, void *); va_end(list); \
        if (locks && lock_command(cmd)) { if (locks == 1) return 0; errno = locks; return -1; } \
        return real(fd, cmd, argument); \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* Calls before which a process may be stopped. */

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
        before(flags & O_CREAT ? "create" : "open", folder, path); \
        return real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
        before(flags & O_CREAT ? "create" : "open", AT_FDCWD, path); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

DIR *fdopendir(int fd) { REAL(fdopendir); before("list", fd, NULL); return real(fd); }
int fsync(int fd) { REAL(fsync); before("fsync", fd, NULL); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); before("fdatasync", fd, NULL); return real(fd); }
int fchmod(int fd, mode_t mode) { REAL(fchmod); before("fchmod", fd, NULL); return real(fd, mode); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); before("ftruncate", fd, NULL); return real(fd, size); }
int futimens(int fd, const struct timespec times[2]) { REAL(futimens); before("utime", fd, NULL); return real(fd, times); }
int mkdirat(int folder, const char *path, mode_t mode) { REAL(mkdirat); before("mkdir", folder, path); return real(folder, path, mode); }
ssize_t write(int fd, const void *data, size_t size) { REAL(write); before("write", fd, NULL); return real(fd, data, size); }
ssize_t read(int fd, void *data, size_t size) { REAL(read); before("read", fd, NULL); return real(fd, data, size); }
ssize_t pread64(int fd, void *data, size_t size, off64_t at) { REAL(pread64); before("pread", fd, NULL); return real(fd, data, size, at); }
int fstat64(int fd, struct stat64 *found) { REAL(fstat64); before("fstat", fd, NULL); return real(fd, found); }
int fstatat64(int folder, const char *path, struct stat64 *found, int flags) {
    REAL(fstatat64); before("stat", folder, path); return real(folder, path, found, flags);
}

int linkat(int from, const char *source, int to, const char *target, int flags) {
    REAL(linkat);
    before("link", to, target);
    int done = real(from, source, to, target, flags);
    stop_if_asked("link", to, target, 1);
    if (!done && lies_about(target)) { errno = lie_error; return -1; }
    return done;
}

int renameat(int from, const char *source, int to, const char *target) {
    REAL(renameat);
    before("rename", to, target);
    int done = real(from, source, to, target);
    stop_if_asked("rename", to, target, 1);
    if (!done && lies_about(target)) { errno = lie_error; return -1; }
    return done;
}

static int have_open(int folder, const char *path) {
    struct stat wanted, found;
    if (fstatat(folder, path, &wanted, AT_SYMLINK_NOFOLLOW) || !S_ISREG(wanted.st_mode)) return 0;
    for (int fd = 3; fd < 256; fd++)
        if (!fstat(fd, &found) && found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev) return 1;
    return 0;
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    before("unlink", folder, path);
    if (silly && !flags) {
        int open_here;
        inside = 1; open_here = have_open(folder, path); inside = 0;
        if (open_here) {
            static _Atomic int number;
            char name[64];
            snprintf(name, sizeof name, ".nfs%08x%08x", getpid(), ++number);
            __typeof__(renameat) *move = (__typeof__(renameat) *)dlsym(RTLD_NEXT, "renameat");
            return move(folder, path, folder, name);
        }
    }
    return real(folder, path, flags);
}
