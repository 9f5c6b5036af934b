package io.porthole.linux;

/**
 * System call numbers of the running architecture: x86-64 from {@code asm/unistd_64.h}, arm64 from
 * {@code asm-generic/unistd.h}. Only the calls that {@link KernelCalls} makes.
 */
final class SyscallNumbers {
    static final boolean ARM64 = isArm64(System.getProperty("os.arch"));

    static final int OPENAT = ARM64 ? 56 : 257;
    static final int OPENAT2 = 437;
    static final int CLOSE = ARM64 ? 57 : 3;
    static final int FSTAT = ARM64 ? 80 : 5;
    static final int STATX = ARM64 ? 291 : 332;
    static final int FACCESSAT2 = 439;
    static final int MKDIRAT = ARM64 ? 34 : 258;
    static final int MKNODAT = ARM64 ? 33 : 259;
    static final int SYMLINKAT = ARM64 ? 36 : 266;
    static final int LINKAT = ARM64 ? 37 : 265;
    static final int UNLINKAT = ARM64 ? 35 : 263;
    static final int RENAMEAT2 = ARM64 ? 276 : 316;
    static final int READLINKAT = ARM64 ? 78 : 267;
    static final int FCHMODAT = ARM64 ? 53 : 268;
    static final int FCHOWNAT = ARM64 ? 54 : 260;
    static final int UTIMENSAT = ARM64 ? 88 : 280;
    static final int TRUNCATE = ARM64 ? 45 : 76;
    static final int NAME_TO_HANDLE_AT = ARM64 ? 264 : 303;
    static final int OPEN_BY_HANDLE_AT = ARM64 ? 265 : 304;
    static final int GETXATTR = ARM64 ? 8 : 191;
    static final int LGETXATTR = ARM64 ? 9 : 192;
    static final int FGETXATTR = ARM64 ? 10 : 193;
    static final int SETXATTR = ARM64 ? 5 : 188;
    static final int LSETXATTR = ARM64 ? 6 : 189;
    static final int FSETXATTR = ARM64 ? 7 : 190;
    static final int LISTXATTR = ARM64 ? 11 : 194;
    static final int LLISTXATTR = ARM64 ? 12 : 195;
    static final int FLISTXATTR = ARM64 ? 13 : 196;
    static final int REMOVEXATTR = ARM64 ? 14 : 197;
    static final int LREMOVEXATTR = ARM64 ? 15 : 198;
    static final int FREMOVEXATTR = ARM64 ? 16 : 199;
    static final int READ = ARM64 ? 63 : 0;
    static final int WRITE = ARM64 ? 64 : 1;
    static final int PREAD64 = ARM64 ? 67 : 17;
    static final int PWRITE64 = ARM64 ? 68 : 18;
    static final int READV = ARM64 ? 65 : 19;
    static final int WRITEV = ARM64 ? 66 : 20;
    static final int PREADV = ARM64 ? 69 : 295;
    static final int PWRITEV = ARM64 ? 70 : 296;
    static final int PREADV2 = ARM64 ? 286 : 327;
    static final int PWRITEV2 = ARM64 ? 287 : 328;
    static final int GETDENTS64 = ARM64 ? 61 : 217;
    static final int LSEEK = ARM64 ? 62 : 8;
    static final int FTRUNCATE = ARM64 ? 46 : 77;
    static final int FALLOCATE = ARM64 ? 47 : 285;
    static final int COPY_FILE_RANGE = ARM64 ? 285 : 326;
    static final int FSYNC = ARM64 ? 82 : 74;
    static final int FDATASYNC = ARM64 ? 83 : 75;
    static final int SYNCFS = ARM64 ? 267 : 306;
    static final int FCHMOD = ARM64 ? 52 : 91;
    static final int FCHOWN = ARM64 ? 55 : 93;
    static final int FSTATFS = ARM64 ? 44 : 138;
    static final int FLOCK = ARM64 ? 32 : 73;
    static final int FCNTL = ARM64 ? 25 : 72;
    static final int IOCTL = ARM64 ? 29 : 16;
    static final int DUP3 = ARM64 ? 24 : 292;
    static final int MMAP = ARM64 ? 222 : 9;
    static final int MUNMAP = ARM64 ? 215 : 11;
    static final int MADVISE = ARM64 ? 233 : 28;
    static final int MEMFD_CREATE = ARM64 ? 279 : 319;
    static final int EPOLL_CREATE1 = ARM64 ? 20 : 291;
    static final int EPOLL_CTL = ARM64 ? 21 : 233;
    static final int EPOLL_PWAIT = ARM64 ? 22 : 281;
    static final int PPOLL = ARM64 ? 73 : 271;
    static final int EVENTFD2 = ARM64 ? 19 : 290;
    static final int SOCKET = ARM64 ? 198 : 41;
    static final int SOCKETPAIR = ARM64 ? 199 : 53;
    static final int BIND = ARM64 ? 200 : 49;
    static final int LISTEN = ARM64 ? 201 : 50;
    static final int ACCEPT4 = ARM64 ? 242 : 288;
    static final int CONNECT = ARM64 ? 203 : 42;
    static final int SHUTDOWN = ARM64 ? 210 : 48;
    static final int GETSOCKOPT = ARM64 ? 209 : 55;
    static final int SETSOCKOPT = ARM64 ? 208 : 54;
    static final int SENDMSG = ARM64 ? 211 : 46;
    static final int RECVMSG = ARM64 ? 212 : 47;
    static final int GETTID = ARM64 ? 178 : 186;
    static final int SETFSUID = ARM64 ? 151 : 122;
    static final int SETFSGID = ARM64 ? 152 : 123;
    static final int SETRESUID = ARM64 ? 147 : 117;
    static final int SETRESGID = ARM64 ? 149 : 119;
    static final int SETGROUPS = ARM64 ? 159 : 116;
    static final int CAPGET = ARM64 ? 90 : 125;
    static final int CAPSET = ARM64 ? 91 : 126;
    static final int PRCTL = ARM64 ? 167 : 157;
    static final int UNSHARE = ARM64 ? 97 : 272;
    static final int UMASK = ARM64 ? 166 : 95;
    static final int SETNS = ARM64 ? 268 : 308;
    static final int SCHED_SETAFFINITY = ARM64 ? 122 : 203;
    static final int GETPID = ARM64 ? 172 : 39;
    static final int GETEUID = ARM64 ? 175 : 107;
    static final int FCHDIR = ARM64 ? 50 : 81;
    static final int PIVOT_ROOT = ARM64 ? 41 : 155;
    static final int CHROOT = ARM64 ? 51 : 161;
    static final int MOUNT = ARM64 ? 40 : 165;
    static final int UMOUNT2 = ARM64 ? 39 : 166;
    static final int OPEN_TREE = 428;
    static final int MOUNT_SETATTR = 442;
    static final int SECCOMP = ARM64 ? 277 : 317;
    static final int PRLIMIT64 = ARM64 ? 261 : 302;
    static final int KILL = ARM64 ? 129 : 62;
    static final int PIDFD_OPEN = 434;
    static final int REBOOT = ARM64 ? 142 : 169;
    static final int SETHOSTNAME = ARM64 ? 161 : 170;
    static final int EXIT_GROUP = ARM64 ? 94 : 231;

    private static boolean isArm64(String architecture) {
        return switch (architecture) {
            case "aarch64" -> true;
            case "amd64", "x86_64" -> false;
            default ->
                    throw new UnsupportedOperationException(
                            "Porthole knows the system calls of x86-64 and arm64, not of "
                                    + architecture);
        };
    }

    private SyscallNumbers() {}
}
