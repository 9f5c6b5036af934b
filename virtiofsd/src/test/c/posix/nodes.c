/* Devices, fifos, sockets; files without a name; handles. */
#include "posix.h"
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

static void fifo(void)
{
    char c[8] = "";
    step(mkfifo("p", 0640));
    say("%o", look("p").st_mode);
    int fd = (int)step(open("p", O_RDWR | O_NONBLOCK));
    value(write(fd, "through", 7));
    value(read(fd, c, 7));
    say("%s", c);
    step(open("p", O_WRONLY | O_NONBLOCK));
    step(close(fd));
}
static void fifo_between_processes(void)
{
    char c[8] = "";
    step(mkfifo("p", 0600));
    pid_t child = fork();
    if (child == 0) {
        int fd = open("p", O_WRONLY);
        _exit(write(fd, "hello", 5) == 5 ? 0 : 1);
    }
    int fd = open("p", O_RDONLY), status;
    value(read(fd, c, 7));
    say("%s", c);
    waitpid(child, &status, 0);
    say("%d", WEXITSTATUS(status));
}
static void fifo_without_reader(void)
{
    step(mkfifo("p", 0600));
    step(open("p", O_WRONLY | O_NONBLOCK));
}
static void socket_connects(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
    char c[8] = "";
    int listening = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    step(bind(listening, (struct sockaddr *)&address, sizeof address));
    say("%o", look("s").st_mode);
    step(listen(listening, 1));
    step(connect(client, (struct sockaddr *)&address, sizeof address));
    int served = (int)step(accept(listening, NULL, NULL));
    value(write(client, "hi", 2));
    value(read(served, c, 7));
    step(open("s", O_RDWR));
    step(bind(client, (struct sockaddr *)&address, sizeof address));
    step(unlink("s"));
}
static void socket_moved(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
    int listening = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    step(bind(listening, (struct sockaddr *)&address, sizeof address));
    step(listen(listening, 1));
    step(rename("s", "t"));
    strcpy(address.sun_path, "t");
    step(connect(client, (struct sockaddr *)&address, sizeof address));
}
static void device(mode_t type, unsigned a, unsigned b)
{
    step(mknod("n", type | 0644, makedev(a, b)));
    struct stat st = look("n");
    say("%o %u:%u", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    step(unlink("n"));
}
static void devices(void)
{
    device(S_IFCHR, 1, 3);
    device(S_IFBLK, 8, 17);
    device(S_IFCHR, 254, 255);
    device(S_IFCHR, 511, 65537);
    device(S_IFCHR, 0, 0);
}
static void mknod_of_file(void)
{
    step(mknod("f", S_IFREG | 0640, 0));
    say("%o", look("f").st_mode);
    step(mknod("f", S_IFREG | 0640, 0));
    step(mknod("d", S_IFDIR | 0755, 0));
    step(mknod("g", 0644, 0));
    say("%o", look("g").st_mode);
}
static void tmpfile_linked(void)
{
    char path[64];
    struct stat st;
    int fd = (int)step(open(".", O_TMPFILE | O_RDWR, 0640));
    value(write(fd, "content", 7));
    step(fstat(fd, &st));
    say("%ld %o", (long)st.st_nlink, st.st_mode);
    sprintf(path, "/proc/self/fd/%d", fd);
    step(linkat(AT_FDCWD, path, AT_FDCWD, "f", AT_SYMLINK_FOLLOW));
    show("f");
    step(fstat(fd, &st));
    say("%ld", (long)st.st_nlink);
    value(pwrite(fd, "C", 1, 0));
    show("f");
}
static void tmpfile_exclusive(void)
{
    char path[64];
    int fd = (int)step(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640));
    value(write(fd, "content", 7));
    sprintf(path, "/proc/self/fd/%d", fd);
    step(linkat(AT_FDCWD, path, AT_FDCWD, "f", AT_SYMLINK_FOLLOW));
}
static void tmpfile_errors(void)
{
    make("f", "");
    step(open(".", O_TMPFILE | O_RDONLY, 0640));
    step(open("f", O_TMPFILE | O_RDWR, 0640));
    step(open("missing", O_TMPFILE | O_RDWR, 0640));
}
static void tmpfile_by_descriptor(void)
{
    int fd = (int)step(open(".", O_TMPFILE | O_WRONLY, 0600));
    value(write(fd, "content", 7));
    make("f", "there");
    step(linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH));
    step(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
    show("g");
}

static struct {
    struct file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
} kept;

static int keep(const char *name)
{
    int mount;
    kept.head.handle_bytes = MAX_HANDLE_SZ;
    return name_to_handle_at(AT_FDCWD, name, &kept.head, &mount, 0);
}
static int again(int flags)
{
    int at = open(".", O_RDONLY | O_DIRECTORY), fd = open_by_handle_at(at, &kept.head, flags), e = errno;
    close(at);
    errno = e;
    return fd;
}
static void handle_after_rename(void)
{
    char c[8] = "";
    make("f", "content");
    step(mkdir("d", 0755));
    step(keep("f"));
    step(rename("f", "d/g"));
    int fd = (int)step(again(O_RDWR));
    value(read(fd, c, 7));
    say("%s", c);
    value(pwrite(fd, "C", 1, 0));
    show("d/g");
}
static void handle_of_directory(void)
{
    step(mkdir("d", 0755));
    make("d/f", "inside");
    step(keep("d"));
    step(rename("d", "e"));
    int fd = (int)step(again(O_RDONLY | O_DIRECTORY));
    step(faccessat(fd, "f", F_OK, 0));
}
static void handle_of_unlinked(void)
{
    make("f", "content");
    step(keep("f"));
    step(unlink("f"));
    step(again(O_RDONLY));
    make("g", "open");
    int fd = open("g", O_RDONLY);
    step(keep("g"));
    step(unlink("g"));
    step(again(O_RDONLY));
    step(close(fd));
}
static void handle_same(void)
{
    unsigned char bytes[MAX_HANDLE_SZ];
    make("f", "");
    step(link("f", "g"));
    step(keep("f"));
    unsigned length = kept.head.handle_bytes;
    memcpy(bytes, kept.bytes, length);
    step(keep("g"));
    say("%d", length == kept.head.handle_bytes && memcmp(bytes, kept.bytes, length) == 0);
}

const struct check nodes_checks[] = {
    {"node.fifo", fifo, "OK 10640 OK 7 7 through OK OK"},
    {"node.fifo-between-processes", fifo_between_processes, "OK 5 hello 0"},
    {"node.fifo-without-reader", fifo_without_reader, "OK ENXIO"},
    {"node.socket", socket_connects, "OK 140755 OK OK OK 2 2 ENXIO EADDRINUSE OK"},
    {"node.socket-moved", socket_moved, "OK OK OK OK"},
    {"node.devices", devices,
     "OK 20644 1:3 OK OK 60644 8:17 OK OK 20644 254:255 OK OK 20644 511:65537 OK OK 20644 0:0 OK"},
    {"node.mknod-of-file", mknod_of_file, "OK 100640 EEXIST EPERM OK 100644"},
    {"tmpfile.linked", tmpfile_linked, "OK 7 OK 0 100640 OK 'content' OK 1 1 'Content'"},
    {"tmpfile.exclusive", tmpfile_exclusive, "OK 7 ENOENT"},
    {"tmpfile.errors", tmpfile_errors, "EINVAL ENOTDIR ENOENT"},
    {"tmpfile.by-descriptor", tmpfile_by_descriptor, "OK 7 EEXIST OK 'content'"},
    {"handle.after-rename", handle_after_rename, "OK OK OK OK 7 content 1 'Content'"},
    {"handle.of-directory", handle_of_directory, "OK OK OK OK OK"},
    {"handle.of-unlinked", handle_of_unlinked, "OK OK ESTALE OK OK OK OK"},
    {"handle.same-for-links", handle_same, "OK OK OK 1"},
    {NULL, NULL, NULL},
};
