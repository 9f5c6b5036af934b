/** The configuration file, in TOML, with Kata Containers' names for what Kata has too. */
@NullMarked
package io.porthole.sandbox.orchestrator.config;

import org.jspecify.annotations.NullMarked;
