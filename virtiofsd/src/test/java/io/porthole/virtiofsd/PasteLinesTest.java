package io.porthole.virtiofsd;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.virtiofsd.cli.OptionParser;
import io.porthole.virtiofsd.cli.UsageException;
import org.junit.jupiter.api.Test;

class PasteLinesTest {
    private static String text(String... args) throws UsageException {
        var options = OptionParser.parse(args);
        return PasteLines.text(options, options.socketPath());
    }

    @Test
    void nameTheRealSocketAndTag() throws UsageException {
        String text =
                text("--shared-dir", "/srv", "--socket-path", "/run/a.sock", "--tag", "music");
        assertTrue(text.contains("path=/run/a.sock \\\n"), text);
        assertTrue(text.contains("chardev=fs0,tag=music,"), text);
        assertTrue(text.contains("mount -t virtiofs music /mnt"), text);
        assertTrue(text.contains("--fs tag=music,socket=/run/a.sock,"), text);
    }

    @Test
    void saySoWhenReadOnlyAndQuoteForTheShell() throws UsageException {
        String text = text("--shared-dir", "/srv", "--socket-path", "/run/it's", "--readonly");
        assertTrue(text.contains("mount -t virtiofs -o ro share /mnt"), text);
        assertTrue(text.contains("path='/run/it'\\''s' "), text);
    }

    @Test
    void tellHowTheShareEnds() throws UsageException {
        String once = text("--shared-dir", "/srv", "--socket-path", "/run/s");
        assertTrue(
                once.endsWith("The share ends when the virtual machine does, or with Ctrl-C.\n"));
        String kept = text("--shared-dir", "/srv", "--socket-path", "/run/s", "--keep-running");
        assertTrue(kept.contains("the next one may come"), kept);
    }
}
