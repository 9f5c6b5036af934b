package io.porthole.virtiofsd.cli;

import java.util.ArrayList;
import java.util.List;

/** The syntax of {@code --share}: items between commas, where two commas are one in an item. */
public final class ShareSpec {
    private ShareSpec() {}

    /** The items, at least one, which may be empty. */
    public static List<String> split(String spec) {
        List<String> items = new ArrayList<>();
        StringBuilder item = new StringBuilder();
        int i = 0;
        while (i < spec.length()) {
            char c = spec.charAt(i++);
            if (c != ',') {
                item.append(c);
            } else if (i < spec.length() && spec.charAt(i) == ',') {
                item.append(c);
                i++;
            } else {
                items.add(item.toString());
                item.setLength(0);
            }
        }
        items.add(item.toString());
        return items;
    }

    /** The spec of which {@link #split} makes these items. */
    public static String join(List<String> items) {
        StringBuilder spec = new StringBuilder();
        for (String item : items) {
            spec.append(spec.isEmpty() ? "" : ",").append(item.replace(",", ",,"));
        }
        return spec.toString();
    }
}
