package io.porthole.virtiofsd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.virtiofsd.cli.OptionParser;
import io.porthole.virtiofsd.cli.UsageException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShareSettingsTest {
    /** What the file system makes of it is OptionsTest's: a mount of this host has no submounts. */
    @ParameterizedTest
    @CsvSource({
        "--cache=auto, true",
        "--announce-submounts, true",
        "--no-announce-submounts, false",
        "-ono_announce_submounts, false",
    })
    void submountsFollowTheOptions(String option, boolean announced) throws UsageException {
        String[] args = {"--shared-dir=d", "--fd=3", option};
        assertEquals(
                announced,
                ShareSettings.passthrough(OptionParser.parse(args), 100).announceSubmounts());
    }
}
