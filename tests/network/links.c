/* What a file system may do to hard links below the folder $LINKS_BELOW: preloaded into a program.

   $LINKS is  none     there are none: EPERM (vfat, exFAT, many SMB servers)
              apart    none from one folder to another: EXDEV (AFS, BeeGFS)
              replace  a link takes the place of what has the name
              copy     a copy is made instead
              sftp     a name that is there already is EPERM, for SFTP has no word for EEXIST (sshfs)
              fenced   the first file created below recent/ is removed by another before it is looked at: ESTALE (NFS) */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int linkat_call(int, const char *, int, const char *, int);

static int folder_of(int folder, const char *path, char *place) {
    char copy[PATH_MAX], descriptor[64];
    strncpy(copy, path, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    const char *above = dirname(copy);
    if (folder == AT_FDCWD || path[0] == '/') return realpath(above, place) != NULL;
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", folder);
    if (!realpath(descriptor, place)) return 0;
    if (!strcmp(above, ".")) return 1;
    strncat(place, "/", PATH_MAX - strlen(place) - 1);
    strncat(place, above, PATH_MAX - strlen(place) - 1);
    return 1;
}

static int copy_to(int from, const char *source, int to, const char *target) {
    struct stat found;
    int in = openat(from, source, O_RDONLY | O_CLOEXEC), out, failed;
    if (in < 0) return -1;
    out = openat(to, target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) { failed = errno; close(in); errno = failed; return -1; }
    failed = fstat(in, &found) || sendfile(out, in, NULL, found.st_size) != found.st_size || fchmod(out, found.st_mode & 07777);
    close(in);
    close(out);
    return failed ? -1 : 0;
}

int linkat(int from, const char *source, int to, const char *target, int flags) {
    linkat_call *real = (linkat_call *)dlsym(RTLD_NEXT, "linkat");
    const char *kind = getenv("LINKS"), *below = getenv("LINKS_BELOW");
    char here[PATH_MAX] = "", there[PATH_MAX] = "";
    if (!kind || !below || !folder_of(to, target, there) || strncmp(there, below, strlen(below)))
        return real(from, source, to, target, flags);
    if (!strcmp(kind, "none")) { errno = EPERM; return -1; }
    if (!strcmp(kind, "copy")) return copy_to(from, source, to, target);
    if (!strcmp(kind, "sftp") && !faccessat(to, target, F_OK, AT_SYMLINK_NOFOLLOW)) { errno = EPERM; return -1; }
    if (!strcmp(kind, "replace") && !faccessat(to, target, F_OK, AT_SYMLINK_NOFOLLOW)) unlinkat(to, target, 0);
    if (!strcmp(kind, "apart") && folder_of(from, source, here) && strcmp(here, there)) { errno = EXDEV; return -1; }
    return real(from, source, to, target, flags);
}

int link(const char *source, const char *target) { return linkat(AT_FDCWD, source, AT_FDCWD, target, 0); }

static int is_fenced = -1, was_fenced;

int openat64(int folder, const char *path, int flags, ...) {
    int (*real)(int, const char *, int, ...) = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
    const char *kind = getenv("LINKS");
    char there[PATH_MAX] = "";
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    int opened = real(folder, path, flags, mode);
    if (opened < 0 || was_fenced || !kind || strcmp(kind, "fenced") || !(flags & O_CREAT)) return opened;
    if (!folder_of(folder, path, there) || !strstr(there, "/recent")) return opened;
    was_fenced = 1;
    is_fenced = opened;
    unlinkat(folder, path, 0);
    return opened;
}

int fstat64(int descriptor, struct stat64 *found) {
    int (*real)(int, struct stat64 *) = (int (*)(int, struct stat64 *))dlsym(RTLD_NEXT, "fstat64");
    if (descriptor < 0 || descriptor != is_fenced) return real(descriptor, found);
    is_fenced = -1;
    errno = ESTALE;
    return -1;
}
