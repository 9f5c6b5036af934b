/**
 * {@code virtiofsd top}: a person's view of a running daemon, made from its metrics alone, so that
 * it needs no more rights than a scraper.
 *
 * <p>{@link io.porthole.virtiofsd.top.Scrape} is the metrics at one time, {@link
 * io.porthole.virtiofsd.top.Activity} what happened between two, {@link
 * io.porthole.virtiofsd.top.Screen} and {@link io.porthole.virtiofsd.top.Json} show it. One thread.
 */
@NullMarked
package io.porthole.virtiofsd.top;

import org.jspecify.annotations.NullMarked;
