/* Reading, writing, mapping. */
#include "posix.h"
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { PAGE = 4096 };

static void read_past_end(void)
{
    char c[8];
    make("f", "text");
    int fd = open("f", O_RDONLY);
    value(pread(fd, c, 8, 2));
    value(pread(fd, c, 8, 4));
    value(pread(fd, c, 8, 1 << 20));
    value(pread(fd, c, 0, 0));
    value(pread(fd, c, 8, -1));
}
static void read_wrong_mode(void)
{
    char c;
    make("f", "text");
    int in = open("f", O_RDONLY), out = open("f", O_WRONLY), d = open(".", O_RDONLY);
    value(write(in, "x", 1));
    value(read(out, &c, 1));
    value(read(d, &c, 1));
    step(ftruncate(in, 0));
}
static void write_extends(void)
{
    char c[PAGE * 3];
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    value(pwrite(fd, "end", 3, 10000));
    say("%ld", (long)look("f").st_size);
    memset(c, 1, sizeof c);
    value(pread(fd, c, 10000, 0));
    int zeros = 0;
    for (int i = 0; i < 10000; i++) {
        zeros += c[i] == 0;
    }
    say("%d", zeros);
    value(pwrite(fd, "", 0, 20000));
    say("%ld", (long)look("f").st_size);
}
static void write_at_odd_places(void)
{
    static char out[300000], in[300000];
    static const struct {
        off_t at;
        size_t length;
    } parts[] = {{0, 1}, {1, 4095}, {4096, 4097}, {8193, 100000}, {108193, 131072}, {239265, 60735}};
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    fill(out, sizeof out, 3);
    for (int i = 5; i >= 0; i--) {
        if (pwrite(fd, out + parts[i].at, parts[i].length, parts[i].at) != (ssize_t)parts[i].length) {
            say("part %d", i);
        }
    }
    value(pread(fd, in, sizeof in, 0));
    say("%d", filled(in, sizeof in, 3));
}
static void write_of_3_mebibytes(void)
{
    size_t length = (3 << 20) + 17;
    char *out = malloc(length), *in = calloc(1, length);
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    fill(out, length, 5);
    value(pwrite(fd, out, length, 0));
    value(pread(fd, in, length, 0));
    say("%d", filled(in, length, 5));
    free(out);
    free(in);
}
static void write_beyond_4_gibibytes(void)
{
    char c[8] = "";
    off_t at = (5LL << 30) + 3;
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    value(pwrite(fd, "far", 3, at));
    say("%ld", (long)look("f").st_size);
    value(pread(fd, c, 3, at));
    say("%s", c);
    value(lseek(fd, 0, SEEK_END));
}
static void vectors(void)
{
    char a[3] = "", b[5] = "";
    struct iovec out[] = {{"one", 3}, {"", 0}, {"three", 5}}, in[] = {{a, 3}, {b, 5}};
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    value(pwritev(fd, out, 3, 2));
    value(preadv(fd, in, 2, 2));
    say("%.3s %.5s", a, b);
}
static void append(void)
{
    make("f", "one");
    int a = open("f", O_WRONLY | O_APPEND), b = open("f", O_WRONLY | O_APPEND);
    value(write(a, "two", 3));
    value(write(b, "three", 5));
    value(lseek(a, 0, SEEK_SET));
    value(write(a, "four", 4));
    show("f");
    /* Linux appends even with pwrite. */
    value(pwrite(a, "five", 4, 0));
    show("f");
}
static void append_begun_later(void)
{
    make("f", "one");
    int fd = open("f", O_RDWR);
    step(fcntl(fd, F_SETFL, O_APPEND));
    value(write(fd, "two", 3));
    show("f");
    step(fcntl(fd, F_SETFL, 0));
    value(pwrite(fd, "O", 1, 0));
    show("f");
}
static int append_500_lines(void)
{
    int fd = open("f", O_WRONLY | O_APPEND);
    for (int i = 0; i < 500; i++) {
        if (write(fd, "0123456789\n", 11) != 11) {
            return 1;
        }
    }
    return 0;
}
static void append_of_processes(void)
{
    make("f", "");
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            _exit(append_500_lines());
        }
    }
    for (int status; wait(&status) > 0;) {
        say("%d", status);
    }
    say("%ld", (long)look("f").st_size);
}
static void two_descriptors(void)
{
    char c[8] = "";
    make("f", "aaaa");
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    value(pwrite(a, "b", 1, 1));
    value(pread(b, c, 4, 0));
    say("%s", c);
    step(ftruncate(b, 2));
    value(pread(a, c, 4, 0));
}
static void truncate_and_grow(void)
{
    char c[9000];
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    memset(c, 'x', sizeof c);
    value(write(fd, c, 9000));
    step(ftruncate(fd, 100));
    step(ftruncate(fd, 9000));
    value(pread(fd, c, 9000, 0));
    int kept = 0, zeros = 0;
    for (int i = 0; i < 9000; i++) {
        kept += c[i] == 'x';
        zeros += c[i] == 0;
    }
    say("%d %d", kept, zeros);
    step(truncate("f", 0));
    say("%ld", (long)look("f").st_size);
}
static void truncate_errors(void)
{
    make("f", "text");
    step(mkdir("d", 0755));
    step(truncate("d", 0));
    step(truncate("f", -1));
    step(truncate("missing", 0));
    step(truncate("f", 1LL << 62));
    say("%ld", (long)look("f").st_size);
}
static void truncate_times(void)
{
    make("f", "text");
    struct stat a = look("f");
    tick();
    step(truncate("f", 2));
    struct stat b = look("f");
    say("%d", b.st_mtim.tv_nsec != a.st_mtim.tv_nsec && b.st_ctim.tv_nsec != a.st_ctim.tv_nsec);
}
static void mmap_shared(void)
{
    char c[8] = "";
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    step(ftruncate(fd, 3 * PAGE));
    char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    step(m == MAP_FAILED ? -1 : 0);
    if (m == MAP_FAILED) {
        return;
    }
    memcpy(m + PAGE - 2, "span", 4);
    step(msync(m, 3 * PAGE, MS_SYNC));
    value(pread(fd, c, 4, PAGE - 2));
    say("%s", c);
    value(pwrite(fd, "SPAN", 4, PAGE - 2));
    say("%.4s", m + PAGE - 2);
    step(close(fd));
    m[0] = 'z';
    step(munmap(m, 3 * PAGE));
    fd = open("f", O_RDONLY);
    value(pread(fd, c, 1, 0));
    say("%c", c[0]);
}
static void mmap_private(void)
{
    make("f", "text");
    int fd = open("f", O_RDWR);
    char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (m == MAP_FAILED) {
        step(-1);
        return;
    }
    m[0] = 'X';
    show("f");
    say("%.4s", m);
    step(munmap(m, PAGE));
}
static void mmap_read_only(void)
{
    make("f", "text");
    int fd = open("f", O_RDONLY);
    step(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    step(m == MAP_FAILED ? -1 : 0);
    if (m != MAP_FAILED) {
        say("%.4s", m);
    }
}
static void touch_behind_end(void)
{
    int fd = open("f", O_RDWR);
    volatile char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    step(m == MAP_FAILED ? -1 : 0);
    if (m == MAP_FAILED) {
        return;
    }
    say("%d", m[100]);
    m[PAGE] = 1;
}
static void mmap_behind_end(void)
{
    make("f", "text");
    /* What the child said is lost with it. */
    in_child(touch_behind_end);
}
static void mmap_after_unlink(void)
{
    make("f", "text");
    int fd = open("f", O_RDWR);
    char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    step(m == MAP_FAILED ? -1 : 0);
    step(close(fd));
    step(unlink("f"));
    if (m != MAP_FAILED) {
        m[0] = 'T';
        say("%.4s", m);
        step(munmap(m, PAGE));
    }
}
static char *shared;
static void write_in_mapping(void)
{
    memcpy(shared, "child", 5);
}
static void mmap_between_processes(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    step(ftruncate(fd, PAGE));
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    step(shared == MAP_FAILED ? -1 : 0);
    if (shared != MAP_FAILED) {
        in_child(write_in_mapping);
        say("%.5s", shared);
    }
    char c[8] = "";
    value(pread(fd, c, 5, 0));
    say("%s", c);
}
static void mmap_times(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    step(ftruncate(fd, PAGE));
    struct stat a = look("f");
    tick();
    char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED) {
        step(-1);
        return;
    }
    m[0] = 1;
    step(msync(m, PAGE, MS_SYNC));
    step(munmap(m, PAGE));
    struct stat b = look("f");
    say("%d", b.st_mtim.tv_nsec != a.st_mtim.tv_nsec);
}
static void direct(void)
{
    char *buffer;
    if (posix_memalign((void **)&buffer, PAGE, 4 * PAGE) != 0) {
        return;
    }
    int fd = (int)step(open("f", O_CREAT | O_RDWR | O_DIRECT, 0644));
    fill(buffer, 4 * PAGE, 9);
    value(pwrite(fd, buffer, 4 * PAGE, 0));
    memset(buffer, 0, 4 * PAGE);
    value(pread(fd, buffer, 4 * PAGE, 0));
    say("%d", filled(buffer, 4 * PAGE, 9));
    value(pread(fd, buffer, PAGE, 4 * PAGE));
    value(pread(fd, buffer, 2 * PAGE, 3 * PAGE));
    /* Seen through the cache, too. */
    int cached = open("f", O_RDWR);
    value(pread(cached, buffer, PAGE, PAGE));
    fill(buffer, PAGE, 1);
    value(pwrite(fd, buffer, PAGE, PAGE));
    memset(buffer, 0, PAGE);
    value(pread(cached, buffer, PAGE, PAGE));
    say("%d", filled(buffer, PAGE, 1));
}
static void copy_range(void)
{
    char c[16] = "";
    make("f", "0123456789");
    int in = open("f", O_RDONLY), out = open("g", O_CREAT | O_RDWR, 0644);
    off_t from = 2, to = 3;
    value(copy_file_range(in, &from, out, &to, 5, 0));
    say("%ld %ld", (long)from, (long)to);
    value(pread(out, c, 16, 0));
    say("%s", c + 3);
    value(copy_file_range(in, NULL, out, NULL, 100, 0));
    value(copy_file_range(in, NULL, out, NULL, 100, 0));
    show("g");
}
static void copy_range_errors(void)
{
    make("f", "0123456789");
    make("g", "");
    int in = open("f", O_RDWR), appending = open("g", O_WRONLY | O_APPEND), reading = open("g", O_RDONLY);
    int d = open(".", O_RDONLY);
    off_t from = 0, to = 2;
    value(copy_file_range(in, &from, in, &to, 5, 0));
    value(copy_file_range(in, &from, appending, NULL, 5, 0));
    value(copy_file_range(in, &from, reading, NULL, 5, 0));
    value(copy_file_range(d, NULL, in, NULL, 5, 0));
    value(copy_file_range(in, &from, in, &to, 2, 1));
    to = 20;
    value(copy_file_range(in, &from, in, &to, 3, 0));
    say("%ld", (long)look("f").st_size);
}
static void copy_of_2_mebibytes(void)
{
    size_t length = 2 << 20, done = 0;
    char *buffer = malloc(length);
    int in = open("f", O_CREAT | O_RDWR, 0644), out = open("g", O_CREAT | O_RDWR, 0644);
    fill(buffer, length, 2);
    value(write(in, buffer, length));
    value(lseek(in, 0, SEEK_SET));
    for (ssize_t n; (n = copy_file_range(in, NULL, out, NULL, length - done, 0)) > 0;) {
        done += n;
    }
    say("%zu", done);
    memset(buffer, 0, length);
    value(pread(out, buffer, length, 0));
    say("%d", filled(buffer, length, 2));
    free(buffer);
}
static void sendfile_and_splice(void)
{
    int ends[2];
    make("f", "0123456789");
    int in = open("f", O_RDONLY), out = open("g", O_CREAT | O_RDWR, 0644);
    value(sendfile(out, in, NULL, 4));
    step(pipe(ends));
    value(splice(in, NULL, ends[1], NULL, 6, 0));
    value(splice(ends[0], NULL, out, NULL, 6, 0));
    show("g");
}
static void sync_all(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644), d = open(".", O_RDONLY);
    value(write(fd, "x", 1));
    step(fsync(fd));
    step(fdatasync(fd));
    step(fsync(d));
    step(fdatasync(d));
    step(syncfs(fd));
    step(sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WRITE));
    int reading = open("f", O_RDONLY);
    step(fsync(reading));
    int synced = open("f", O_WRONLY | O_SYNC);
    value(write(synced, "y", 1));
    synced = open("f", O_WRONLY | O_DSYNC);
    value(write(synced, "z", 1));
}
static void advice(void)
{
    make("f", "text");
    int fd = open("f", O_RDWR);
    step(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    step(readahead(fd, 0, 4));
    show("f");
}
static void size_limit(void)
{
    make("f", "");
    int fd = open("f", O_RDWR);
    value(pwrite(fd, "x", 1, INT64_MAX));
    value(pwrite(fd, "x", 1, 1LL << 60));
    say("%ld", (long)look("f").st_size);
}

static void runs_copy(void)
{
    execl("./program", "program", "--list", NULL);
    say("%s", strerrorname_np(errno));
}
static void executed(void)
{
    char buffer[65536];
    ssize_t n;
    int from = open("/proc/self/exe", O_RDONLY), to = open("program", O_CREAT | O_WRONLY, 0755);
    while ((n = read(from, buffer, sizeof buffer)) > 0 && write(to, buffer, n) == n) {
    }
    value(n);
    close(from);
    /* Busy while somebody may write it, and nobody may write it while it runs. */
    in_child(runs_copy);
    step(close(to));
    int ends[2];
    step(pipe(ends));
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        runs_copy();
        _exit(1);
    }
    close(ends[1]);
    value(read(ends[0], buffer, 5));
    int status;
    while (read(ends[0], buffer + 5, sizeof buffer - 5) > 0) {
    }
    waitpid(child, &status, 0);
    say("%.5s %d", buffer, status);
}

const struct check data_checks[] = {
    {"read.past-end", read_past_end, "2 0 0 0 EINVAL"},
    {"read.wrong-mode", read_wrong_mode, "EBADF EBADF EISDIR EINVAL"},
    {"write.extends", write_extends, "3 10003 10000 10000 0 10003"},
    {"write.odd-places", write_at_odd_places, "300000 1"},
    {"write.3-mebibytes", write_of_3_mebibytes, "3145745 3145745 1"},
    {"write.beyond-4-gibibytes", write_beyond_4_gibibytes, "3 5368709126 3 far 5368709126"},
    {"write.vectors", vectors, "8 8 one three"},
    {"write.size-limit", size_limit, "EINVAL EFBIG 0"},
    {"append.descriptors", append, "3 5 0 4 'onetwothreefour' 4 'onetwothreefourfive'"},
    {"append.begun-later", append_begun_later, "OK 3 'onetwo' OK 1 'Onetwo'"},
    {"append.processes", append_of_processes, "0 0 0 0 22000"},
    {"data.two-descriptors", two_descriptors, "1 4 abaa OK 2"},
    {"truncate.grow", truncate_and_grow, "9000 OK OK 9000 100 8900 OK 0"},
    {"truncate.errors", truncate_errors, "OK EISDIR EINVAL ENOENT EFBIG 4"},
    {"truncate.times", truncate_times, "OK 1"},
    {"mmap.shared", mmap_shared, "OK OK OK 4 span 4 SPAN OK OK 1 z"},
    {"mmap.private", mmap_private, "'text' Xext OK"},
    {"mmap.read-only", mmap_read_only, "EACCES OK text"},
    {"mmap.behind-end", mmap_behind_end, "killed(BUS)"},
    {"mmap.after-unlink", mmap_after_unlink, "OK OK OK Text OK"},
    {"mmap.between-processes", mmap_between_processes, "OK OK child 5 child"},
    {"mmap.times", mmap_times, "OK OK OK 1"},
    {"direct.io", direct, "OK 16384 16384 1 0 4096 4096 4096 4096 1"},
    {"copy.range", copy_range, "5 7 8 8 23456 10 0 '0123456789'"},
    {"copy.errors", copy_range_errors, "EINVAL EBADF EBADF EISDIR EINVAL 3 23"},
    {"copy.2-mebibytes", copy_of_2_mebibytes, "2097152 0 2097152 2097152 1"},
    {"copy.sendfile-splice", sendfile_and_splice, "4 OK 6 6 '0123456789'"},
    {"execute.copy", executed, "0 ETXTBSY OK OK 5 creat 0"},
    {"sync.all", sync_all, "1 OK OK OK OK OK OK OK 1 1"},
    {"data.advice", advice, "OK OK 'text'"},
    {NULL, NULL, NULL},
};
