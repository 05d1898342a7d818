/* Logs every change of a file under $POWER_ROOT, and every flush, to $POWER_LOG: what a power cut can take away is known from it.
   Interposed between a program and the C library (ld.so(8), LD_PRELOAD). One record: kind, inode, offset, length, bytes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int journal = -1;
static const char *root;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("POWER_LOG");
  root = getenv("POWER_ROOT");
  if (path && root) journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void put(const void *bytes, size_t length) {
  for (const char *at = bytes; length;) {
    ssize_t done = syscall(SYS_write, journal, at, length);
    if (done <= 0) abort();
    at += done;
    length -= done;
  }
}

static void record(char kind, uint64_t inode, int64_t offset, const void *bytes, uint64_t length) {
  char head[25];
  head[0] = kind;
  memcpy(head + 1, &inode, 8);
  memcpy(head + 9, &offset, 8);
  memcpy(head + 17, &length, 8);
  put(head, sizeof head);
  put(bytes, length);
}

static int watched_path(const char *path) { return journal >= 0 && !strncmp(path, root, strlen(root)); }

static int watched(int fd) {
  char link[64], target[PATH_MAX];
  if (journal < 0 || fd == journal) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length <= 0) return 0;
  target[length] = 0;
  return watched_path(target);
}

static uint64_t inode_of(int fd) {
  struct stat seen;
  return fstat(fd, &seen) ? 0 : seen.st_ino;
}

static uint64_t inode_at(const char *path) {
  struct stat seen;
  return stat(path, &seen) ? 0 : seen.st_ino;
}

static int opened(const char *path, int flags, mode_t mode) {
  int new = watched_path(path) && (flags & O_CREAT) && faccessat(AT_FDCWD, path, F_OK, 0);
  int fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
  if (fd >= 0 && new) record('c', inode_of(fd), 0, path, strlen(path));
  if (fd >= 0 && !new && (flags & O_TRUNC) && watched(fd)) record('t', inode_of(fd), 0, "", 0);
  return fd;
}

#define OPEN(name) int name(const char *path, int flags, ...) { \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
  return opened(path, flags, mode); }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t length) {
  int64_t offset = watched(fd) ? lseek(fd, 0, SEEK_CUR) : -1;
  ssize_t done = syscall(SYS_write, fd, bytes, length);
  if (done > 0 && offset >= 0) record('w', inode_of(fd), offset, bytes, done);
  return done;
}

static ssize_t put_at(int fd, const void *bytes, size_t length, off_t offset) {
  ssize_t done = syscall(SYS_pwrite64, fd, bytes, length, offset);
  if (done > 0 && watched(fd)) record('w', inode_of(fd), offset, bytes, done);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return put_at(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) { return put_at(fd, bytes, length, offset); }

/* Gathered writes; C libraries have them under several names. */
static ssize_t gather_at(int fd, const struct iovec *pieces, int count, off_t offset) {
  ssize_t total = 0;
  for (int i = 0; i < count; i++) {
    ssize_t done = put_at(fd, pieces[i].iov_base, pieces[i].iov_len, offset + total);
    if (done < 0) return total ? total : done;
    total += done;
    if ((size_t)done < pieces[i].iov_len) break;
  }
  return total;
}
ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) { return gather_at(fd, pieces, count, offset); }
ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t offset) { return gather_at(fd, pieces, count, offset); }
ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) { return gather_at(fd, pieces, count, offset); }
ssize_t pwritev64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) { return gather_at(fd, pieces, count, offset); }

static int cut_to(int fd, off_t length) {
  int done = syscall(SYS_ftruncate, fd, length);
  if (!done && watched(fd)) record('t', inode_of(fd), length, "", 0);
  return done;
}
int ftruncate(int fd, off_t length) { return cut_to(fd, length); }
int ftruncate64(int fd, off_t length) { return cut_to(fd, length); }

static int flush(int fd, long call) {
  int done = syscall(call, fd);
  if (!done && watched(fd)) record('s', inode_of(fd), 0, "", 0);
  return done;
}
int fsync(int fd) { return flush(fd, SYS_fsync); }
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }

int rename(const char *from, const char *to) {
  int done = syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  if (!done && watched_path(to)) {
    char both[2 * PATH_MAX];
    int length = snprintf(both, sizeof both, "%s\n%s", from, to);
    record('r', inode_at(to), 0, both, length);
  }
  return done;
}

int unlink(const char *path) {
  int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (!done && watched_path(path)) record('u', 0, 0, path, strlen(path));
  return done;
}

int mkdir(const char *path, mode_t mode) {
  int done = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  if (!done && watched_path(path)) record('d', inode_at(path), 0, path, strlen(path));
  return done;
}
