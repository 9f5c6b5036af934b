package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Programs of this host, with their libraries, for a guest that has none of its own. */
final class HostPrograms {
    private static final Pattern LIBRARY = Pattern.compile("(/\\S+) \\(0x");

    private HostPrograms() {}

    /**
     * Copies programs into a folder of a share.
     *
     * @param seen the folder as the guest sees it
     * @return what the guest puts before a program's name to run it
     */
    static String copy(Path folder, String seen, String... programs)
            throws IOException, InterruptedException {
        String loader = "";
        for (String program : programs) {
            Path path = Path.of(Processes.must("sh", "-c", "command -v " + program));
            Files.copy(path, folder.resolve(program));
            Matcher match = LIBRARY.matcher(Processes.must("ldd", path.toString()));
            while (match.find()) {
                Path library = Path.of(match.group(1));
                String name = library.getFileName().toString();
                Files.copy(
                        library.toRealPath(),
                        folder.resolve(name),
                        StandardCopyOption.REPLACE_EXISTING);
                loader = name.startsWith("ld-") ? name : loader;
            }
        }
        return seen + "/" + loader + " --library-path " + seen + " " + seen + "/";
    }
}
