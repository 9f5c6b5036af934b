package io.porthole.sandbox.orchestrator.image;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** A content address: algorithm and lower-case hex (OCI image specification, "descriptor.md"). */
record Digest(String algorithm, String hex) {
    static Digest parse(String text) throws ImageException {
        int colon = text.indexOf(':');
        String algorithm = colon < 0 ? "" : text.substring(0, colon);
        String hex = text.substring(colon + 1);
        int length =
                switch (algorithm) {
                    case "sha256" -> 64;
                    case "sha512" -> 128;
                    default -> throw new ImageException("not a sha256 or sha512 digest: " + text);
                };
        if (hex.length() != length || !hex.matches("[0-9a-f]+")) {
            throw new ImageException("malformed digest: " + text);
        }
        return new Digest(algorithm, hex);
    }

    MessageDigest hasher() {
        try {
            return MessageDigest.getInstance(algorithm.equals("sha256") ? "SHA-256" : "SHA-512");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(
                    "every JDK has " + algorithm.toUpperCase(Locale.ROOT), e);
        }
    }

    boolean matches(byte[] hash) {
        return HexFormat.of().formatHex(hash).equals(hex);
    }

    @Override
    public String toString() {
        return algorithm + ":" + hex;
    }
}
