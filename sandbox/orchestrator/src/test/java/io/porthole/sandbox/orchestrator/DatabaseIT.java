package io.porthole.sandbox.orchestrator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.orchestrator.process.ProcessId;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Databases whose files are on a virtiofs volume, ended by SIGKILL in mid-write: whatever was
 * acknowledged to a client is there afterwards, and nothing is there by half.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DatabaseIT {
    private static final String POSTGRES = "/usr/lib/postgresql/15/bin/";
    private static final int POSTGRES_ID = 999;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(180);

    /** Acknowledged transactions before the kill. */
    private static final int ENOUGH = 40;

    @TempDir static Path dir;
    private Porthole porthole;
    private Path volume;
    private Path image;
    private int rounds;

    /** What SIGKILL is sent to. */
    enum Victim {
        CONTAINER,
        QEMU
    }

    @BeforeAll
    void makeClusterOfPostgresql() throws Exception {
        porthole = new Porthole(dir);
        image = GuestParts.databases();
        volume = Files.createDirectory(dir.resolve("volume"));
        Files.setAttribute(volume, "unix:uid", POSTGRES_ID);
        Files.setAttribute(volume, "unix:gid", POSTGRES_ID);
        List<String> words = runOptions("--rm");
        words.addAll(List.of(POSTGRES + "initdb", "-D", "/data/pg", "--locale=C", "-A", "trust"));
        porthole.run(words.toArray(String[]::new)).ok();
    }

    @AfterAll
    void end() throws Exception {
        porthole.close();
    }

    private List<String> runOptions(String... more) {
        List<String> words = new ArrayList<>(List.of("run", "--network", "none"));
        words.addAll(List.of(more));
        words.addAll(List.of("-u", "postgres", "-m", "512m", "-v", volume + ":/data"));
        words.add(image.toString());
        return words;
    }

    /** The numbers that a writer has printed so far, each after its commit. */
    private static Set<Long> acknowledged(Path out) throws IOException {
        Set<Long> numbers = new TreeSet<>();
        String text = Files.readString(out);
        // A line without its end may be half a number.
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n", -1)) {
            if (line.matches("\\d+")) {
                numbers.add(Long.parseLong(line));
            }
        }
        return numbers;
    }

    /**
     * Runs the script in the container until enough was acknowledged, kills, and returns what was
     * acknowledged until then.
     */
    private Set<Long> writeUntilKilled(String container, String script, Victim victim)
            throws Exception {
        Path out = dir.resolve("out-" + rounds);
        Path err = dir.resolve("err-" + rounds);
        Process writer =
                porthole.builder("exec", "-u", "postgres", container, "sh", "-c", script)
                        .redirectInput(new File("/dev/null"))
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (acknowledged(out).size() < ENOUGH) {
            String said = Files.readString(err);
            assertTrue(writer.isAlive() && System.nanoTime() < deadline, said);
            Thread.sleep(50);
        }
        switch (victim) {
            case CONTAINER -> porthole.run("kill", "-s", "KILL", container).ok();
            case QEMU -> ProcessId.of(porthole.pid(container, "qemu")).orElseThrow().kill();
        }
        assertTrue(writer.waitFor(60, TimeUnit.SECONDS), "the writer outlives its container");
        assertTrue(writer.exitValue() != 0, "the writer ended by itself: nothing was interrupted");
        porthole.run("rm", "-f", container).ok();
        return acknowledged(out);
    }

    private static Set<Long> numbers(Porthole.Result result) {
        Set<Long> numbers = new TreeSet<>();
        result.ok().out().lines().map(String::strip).map(Long::valueOf).forEach(numbers::add);
        return numbers;
    }

    private void startPostgresql(String name) throws Exception {
        List<String> words = runOptions("-d", "--name", name);
        words.addAll(
                List.of(
                        POSTGRES + "postgres",
                        "-D",
                        "/data/pg",
                        "-c",
                        "unix_socket_directories=/tmp",
                        "-c",
                        "listen_addresses="));
        porthole.run(words.toArray(String[]::new)).ok();
        String ready = "until " + POSTGRES + "pg_isready -q -h /tmp; do sleep 0.2; done";
        porthole.run("exec", "-u", "postgres", name, "sh", "-c", ready).ok();
    }

    private Porthole.Result sql(String container, String statement) throws Exception {
        return porthole.run(
                "exec",
                "-u",
                "postgres",
                container,
                POSTGRES + "psql",
                "-h",
                "/tmp",
                "-d",
                "postgres",
                "-v",
                "ON_ERROR_STOP=1",
                "-qAt",
                "-c",
                statement);
    }

    @ParameterizedTest
    @EnumSource(Victim.class)
    void postgresqlLosesNothingThatWasCommitted(Victim victim) throws Exception {
        int round = ++rounds;
        startPostgresql("pg");
        sql("pg", "DROP TABLE IF EXISTS a, b; CREATE TABLE a(id int); CREATE TABLE b(id int)").ok();
        porthole.shell("pg", POSTGRES + "pgbench -q -i -h /tmp -U postgres postgres").ok();
        // One client whose commits are counted, beside two that keep the log busy: they first.
        String insert =
                "WITH x AS (INSERT INTO a VALUES (&) RETURNING id)"
                        + " INSERT INTO b SELECT id FROM x RETURNING id;";
        String script =
                POSTGRES
                        + "pgbench -n -h /tmp -c 2 -T 600 postgres >/dev/null 2>&1 &"
                        + " until "
                        + POSTGRES
                        + "psql -h /tmp -d postgres -qAt -c 'SELECT count(*) > 0 FROM"
                        + " pgbench_history' | grep -q t; do sleep 0.2; done; seq 1 1000000"
                        + " | sed 's/.*/"
                        + insert
                        + "/' | "
                        + POSTGRES
                        + "psql -h /tmp -d postgres -v ON_ERROR_STOP=1 -qAt";
        Set<Long> acknowledged = writeUntilKilled("pg", script, victim);

        startPostgresql("pg");
        Set<Long> found = numbers(sql("pg", "SELECT id FROM a"));
        assertTrue(
                found.containsAll(acknowledged),
                () -> "of " + acknowledged.size() + " acknowledged, " + found.size() + " are left");
        assertEquals(found, numbers(sql("pg", "SELECT id FROM b")));
        String sums =
                sql(
                                "pg",
                                "SELECT (SELECT sum(abalance) FROM pgbench_accounts),"
                                        + " (SELECT sum(tbalance) FROM pgbench_tellers),"
                                        + " (SELECT sum(bbalance) FROM pgbench_branches),"
                                        + " coalesce(sum(delta), 0), count(*) FROM pgbench_history")
                        .line();
        String[] sum = sums.split("\\|", -1);
        assertEquals(List.of(sum[3], sum[3], sum[3]), List.of(sum[0], sum[1], sum[2]), sums);
        assertTrue(Long.parseLong(sum[4]) > 0, "pgbench committed nothing: " + sums);
        String check = POSTGRES + "pg_amcheck -h /tmp -U postgres --install-missing --all";
        assertEquals("", porthole.shell("pg", check).line());
        System.out.printf(
                "PostgreSQL, %s killed: %d acknowledged, %d found (round %d)%n",
                victim, acknowledged.size(), found.size(), round);
        porthole.run("stop", "pg").ok();
        porthole.run("rm", "pg").ok();
    }

    @ParameterizedTest
    @CsvSource({"delete,CONTAINER", "delete,QEMU", "wal,CONTAINER", "wal,QEMU"})
    void sqliteLosesNothingThatWasCommitted(String journal, Victim victim) throws Exception {
        rounds++;
        String file = "/data/" + journal + victim + ".db";
        List<String> words = runOptions("-d", "--name", "lite");
        words.addAll(List.of("sleep", "100000"));
        porthole.run(words.toArray(String[]::new)).ok();
        porthole.shell(
                        "lite",
                        "sqlite3 "
                                + file
                                + " 'PRAGMA journal_mode="
                                + journal
                                + "; CREATE TABLE a(id INTEGER); CREATE TABLE b(id INTEGER, filler BLOB);'"
                                + "; chown 999:999 /data/*.db*")
                .ok();
        // Two writers, so that locks and, with wal, shared memory are in use between processes.
        String script =
                "write() { i=$1; while sqlite3 -bail -cmd '.timeout 60000' "
                        + file
                        + " \"PRAGMA synchronous=FULL; BEGIN IMMEDIATE; INSERT INTO a VALUES($i);"
                        + " INSERT INTO b VALUES($i, randomblob(3000)); COMMIT;\"; do echo $i; i=$((i+2)); done; };"
                        + " write 1 & write 2; exit 1";
        Set<Long> acknowledged = writeUntilKilled("lite", script, victim);

        porthole.run(words.toArray(String[]::new)).ok();
        assertEquals("ok", sqlite(file, "PRAGMA integrity_check").line());
        Set<Long> found = numbers(sqlite(file, "SELECT id FROM a"));
        assertTrue(
                found.containsAll(acknowledged),
                () -> "acknowledged: " + acknowledged + ", found: " + found);
        assertEquals(found, numbers(sqlite(file, "SELECT id FROM b WHERE length(filler)=3000")));
        System.out.printf(
                "SQLite (%s), %s killed: %d acknowledged, %d found%n",
                journal, victim, acknowledged.size(), found.size());
        porthole.run("rm", "-f", "lite").ok();
    }

    private Porthole.Result sqlite(String file, String statement) throws Exception {
        return porthole.run("exec", "-u", "postgres", "lite", "sqlite3", file, statement);
    }

    @Test
    void theHostSeesTheSameFiles() {
        assertTrue(Files.isRegularFile(volume.resolve("pg/PG_VERSION")));
    }
}
