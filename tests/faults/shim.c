/* What a file system, and whoever stops processes, may do to a program: preloaded into the children of tests/faults.

   Locks:  shim_locks(1) makes flock, fcntl and lockf locks no-ops; shim_locks(ENOLCK) and the like makes them fail.
   Stops:  shim_arm(root, n) stops the process (SIGSTOP) before its n-th call on a path below root, or open file there.
           shim_armed_calls() tells how many there were, shim_trace(fd) writes each call's name to a descriptor.
           shim_stop(call, name, after) stops it before (0), after (1), or before and after (2) each call of that kind, or of
           any (*), on a file of that name.
   Lies:   shim_lie(calls, name, error) does the next link or rename whose target has that name, and reports an error all the same,
           as NFS does when an answer was lost and the request repeated.
   Errors: shim_fail(call, pattern, error, times) lets the next calls of that kind fail on files whose paths match.
   NFS:    shim_silly(prefix) turns the removal of a file of which we have a descriptor into a renaming to .nfsXXXX, say.
           shim_two_steps(1) lets a rename over a file first rename that one away; "between" is a call to stop at.
           shim_cached(1) lets manifest.yaml mean what it meant when this process last opened .manifest by its name, or
           changed something in it, as NFS does for a minute.
           shim_past(folder) gives manifest.yaml and the list of recent/ as in `folder`, until an entry is linked. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
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

static int locks, trace = -1, lie_error, stop_after, fail_error, fail_times, two_steps, cached, cache = -1;
static char root[PATH_MAX], lie_name[NAME_MAX + 1], stop_call[16], stop_name[NAME_MAX + 1], silly[16];
static char fail_call[16], fail_pattern[PATH_MAX], past[PATH_MAX];
static long stop_at;
static _Atomic long calls;
static __thread int inside;

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

void shim_locks(int how) { locks = how; }
void shim_trace(int descriptor) { trace = descriptor; }
void shim_silly(const char *prefix) { strncpy(silly, prefix, sizeof silly - 1); }
void shim_two_steps(int on) { two_steps = on; }
void shim_cached(int on) { cached = on; }
void shim_past(const char *folder) { strncpy(past, folder, sizeof past - 1); }
int shim_fails_left(void) { return fail_times; }
long shim_armed_calls(void) { return calls; }
void shim_arm(const char *below, long at) { strncpy(root, below, sizeof root - 1); stop_at = at; calls = 0; }
void shim_lie(const char *name, int error) { strncpy(lie_name, name, sizeof lie_name - 1); lie_error = error; }

void shim_stop(const char *call, const char *name, int after) {
    strncpy(stop_call, call, sizeof stop_call - 1);
    strncpy(stop_name, name, sizeof stop_name - 1);
    stop_after = after;
}

void shim_fail(const char *call, const char *pattern, int error, int times) {
    strncpy(fail_call, call, sizeof fail_call - 1);
    strncpy(fail_pattern, pattern, sizeof fail_pattern - 1);
    fail_error = error;
    fail_times = times;
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
    if (stop_name[0] && (stop_after == 2 || after == stop_after) && (*stop_call == '*' || !strcmp(call, stop_call))
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

static int fails(const char *call, int folder, const char *path) {
    char place[2 * PATH_MAX];
    if (!fail_times || strcmp(call, fail_call)) return 0;
    place_of(folder, NULL, place);
    if (path) snprintf(place + strlen(place), PATH_MAX, "/%s", path);
    if (fnmatch(fail_pattern, place, 0)) return 0;
    fail_times--;
    errno = fail_error;
    return 1;
}

/* What NFS remembers of a name. */

static int is_home(int folder) {
    char place[PATH_MAX];
    return cached && !inside && folder >= 0 && !strcmp(base_name(place_of(folder, NULL, place)), ".manifest");
}

static void look_anew(int home) {
    if (cache >= 0) close(cache);
    inside = 1;
    cache = home < 0 ? -1 : openat(home, "manifest.yaml", O_RDONLY | O_CLOEXEC);
    inside = 0;
}

static void changed_in(int folder) {
    int error = errno;
    if (is_home(folder)) look_anew(folder);
    errno = error;
}

static int remembers(int folder, const char *path) {
    struct stat found;
    if (!cached || inside || !path || strcmp(path, "manifest.yaml") || !is_home(folder)) return 0;
    if (cache >= 0 && !fstat(cache, &found) && found.st_nlink) return 1;
    look_anew(folder); /* the server says ESTALE, and the client asks what the name means */
    return cache >= 0;
}

static const char *remembered(char *path) {
    snprintf(path, 64, "/proc/self/fd/%d", cache);
    return path;
}

static int of_the_past(const char *name, int flags) {
    char path[PATH_MAX + 16];
    if (!past[0] || inside) return -1;
    snprintf(path, sizeof path, "%s/%s", past, name);
    inside = 1;
    int done = openat(AT_FDCWD, path, flags);
    inside = 0;
    return done;
}

static int opened(int folder, const char *path, int flags, int done) {
    int error = errno;
    if (cached && !inside && done >= 0) {
        if (flags & O_DIRECTORY && is_home(done)) look_anew(done);
        if (flags & O_CREAT) changed_in(folder);
    }
    errno = error;
    return done;
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
        char place[64]; \
        const char *call = flags & O_CREAT ? "create" : "open"; \
        int old; \
        before(call, folder, path); \
        if (!inside && fails(call, folder, path)) return -1; \
        if (flags & O_CREAT) return opened(folder, path, flags, real(folder, path, flags, mode)); \
        if (remembers(folder, path)) return real(AT_FDCWD, remembered(place), flags & ~O_NOFOLLOW, mode); \
        if (!strcmp(path, "manifest.yaml") && (old = of_the_past(path, flags)) >= 0) return old; \
        return opened(folder, path, flags, real(folder, path, flags, mode)); \
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

DIR *fdopendir(int fd) {
    REAL(fdopendir);
    char place[PATH_MAX];
    before("list", fd, NULL);
    int old = strcmp(base_name(place_of(fd, NULL, place)), "recent") ? -1 : of_the_past("recent", O_RDONLY | O_CLOEXEC);
    if (old < 0) return real(fd);
    close(fd);
    return real(old);
}

int fsync(int fd) { REAL(fsync); before("fsync", fd, NULL); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); before("fdatasync", fd, NULL); return real(fd); }
int fchmod(int fd, mode_t mode) { REAL(fchmod); before("fchmod", fd, NULL); return real(fd, mode); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); before("ftruncate", fd, NULL); return real(fd, size); }
int futimens(int fd, const struct timespec times[2]) { REAL(futimens); before("utime", fd, NULL); return real(fd, times); }
int mkdirat(int folder, const char *path, mode_t mode) { REAL(mkdirat); before("mkdir", folder, path); return real(folder, path, mode); }
ssize_t write(int fd, const void *data, size_t size) { REAL(write); before("write", fd, NULL); return real(fd, data, size); }
ssize_t read(int fd, void *data, size_t size) { REAL(read); before("read", fd, NULL); return real(fd, data, size); }
ssize_t pread64(int fd, void *data, size_t size, off64_t at) { REAL(pread64); before("pread", fd, NULL); return real(fd, data, size, at); }
int fstat64(int fd, struct stat64 *found) {
    REAL(fstat64);
    before("fstat", fd, NULL);
    return !inside && fails("fstat", fd, NULL) ? -1 : real(fd, found);
}

int fstatat64(int folder, const char *path, struct stat64 *found, int flags) {
    REAL(fstatat64);
    char place[64];
    before("stat", folder, path);
    if (remembers(folder, path)) return real(AT_FDCWD, remembered(place), found, 0);
    return real(folder, path, found, flags);
}

static void silly_name(char *name) {
    static _Atomic int number;
    snprintf(name, 64, "%s%08x%08x", silly[0] ? silly : ".nfs", getpid(), ++number);
}

int linkat(int from, const char *source, int to, const char *target, int flags) {
    REAL(linkat);
    char place[64];
    before("link", to, target);
    if (fails("link", to, target)) return -1;
    int done = remembers(from, source) ? real(AT_FDCWD, remembered(place), to, target, AT_SYMLINK_FOLLOW)
                                       : real(from, source, to, target, flags);
    changed_in(to);
    if (target[0] >= '0' && target[0] <= '9' && !strchr(target, '-') && strlen(target) < 10) past[0] = 0;
    stop_if_asked("link", to, target, 1);
    if (!done && lies_about(target)) { errno = lie_error; return -1; }
    return done;
}

int renameat(int from, const char *source, int to, const char *target) {
    REAL(renameat);
    before("rename", to, target);
    if (fails("rename", to, target)) return -1;
    if (two_steps) {
        char away[64];
        silly_name(away);
        if (!real(to, target, to, away)) {
            stop_if_asked("between", to, target, 0);
            unlinkat(to, away, 0);
        }
    }
    int done = real(from, source, to, target);
    changed_in(to);
    changed_in(from);
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
    if (fails("unlink", folder, path)) return -1;
    if (silly[0] && !flags) {
        int open_here;
        inside = 1; open_here = have_open(folder, path); inside = 0;
        if (open_here) {
            char name[64];
            silly_name(name);
            __typeof__(renameat) *move = (__typeof__(renameat) *)dlsym(RTLD_NEXT, "renameat");
            return move(folder, path, folder, name);
        }
    }
    int done = real(folder, path, flags);
    changed_in(folder);
    return done;
}
