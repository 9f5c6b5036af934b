/*
 * Takes locks on a file and says what came of it, one line a step, for tests of locks on both sides
 * of a share. Static, so that it runs in a guest without a libc.
 *
 *   locker FILE STEP...
 *
 *   w:START:LENGTH   F_SETLKW, write lock        t:START:LENGTH   F_SETLK, write lock
 *   r:START:LENGTH   F_SETLK, read lock          u:START:LENGTH   unlock
 *   g:START:LENGTH   F_GETLK for a write lock    o:START:LENGTH   F_OFD_SETLK, write lock
 *   F                flock, exclusive, waiting   f                flock, exclusive, at once
 *   n                flock, unlock               c                open the file again and close it
 *   x                close the first descriptor and open the file again
 *   s:TENTHS         sleep
 *   p:PATH           make an empty file, as a sign for others
 *   a:PATH           wait until a file exists
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char *name(int result)
{
    return result == 0 ? "OK" : strerrorname_np(errno);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    int fd = open(argv[1], O_RDWR | O_CREAT, 0666);
    if (fd < 0) {
        printf("open=%s\n", name(-1));
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        char step = argv[i][0];
        struct flock lock = {.l_whence = SEEK_SET, .l_type = F_WRLCK};
        long long start = 0, length = 0;
        if (argv[i][1] == ':')
            sscanf(argv[i] + 2, "%lld:%lld", &start, &length);
        lock.l_start = start;
        lock.l_len = length;
        switch (step) {
        case 'w':
            printf("w=%s\n", name(fcntl(fd, F_SETLKW, &lock)));
            break;
        case 't':
            printf("t=%s\n", name(fcntl(fd, F_SETLK, &lock)));
            break;
        case 'o':
            printf("o=%s\n", name(fcntl(fd, F_OFD_SETLK, &lock)));
            break;
        case 'r':
            lock.l_type = F_RDLCK;
            printf("r=%s\n", name(fcntl(fd, F_SETLK, &lock)));
            break;
        case 'u':
            lock.l_type = F_UNLCK;
            printf("u=%s\n", name(fcntl(fd, F_SETLK, &lock)));
            break;
        case 'g':
            if (fcntl(fd, F_GETLK, &lock) < 0)
                printf("g=%s\n", name(-1));
            else if (lock.l_type == F_UNLCK)
                printf("g=free\n");
            else
                printf("g=%s:%lld:%lld\n", lock.l_type == F_WRLCK ? "write" : "read",
                       (long long)lock.l_start, (long long)lock.l_len);
            break;
        case 'F':
            printf("F=%s\n", name(flock(fd, LOCK_EX)));
            break;
        case 'f':
            printf("f=%s\n", name(flock(fd, LOCK_EX | LOCK_NB)));
            break;
        case 'n':
            printf("n=%s\n", name(flock(fd, LOCK_UN)));
            break;
        case 'c':
            close(open(argv[1], O_RDONLY));
            break;
        case 'x':
            close(fd);
            fd = open(argv[1], O_RDWR);
            break;
        case 's':
            usleep(start * 100000);
            break;
        case 'p':
            close(open(argv[i] + 2, O_WRONLY | O_CREAT, 0666));
            break;
        case 'a':
            while (access(argv[i] + 2, F_OK) != 0)
                usleep(20000);
            break;
        default:
            printf("unknown step %s\n", argv[i]);
            return 2;
        }
    }
    return 0;
}
