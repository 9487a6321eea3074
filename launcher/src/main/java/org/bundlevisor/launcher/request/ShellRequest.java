package org.bundlevisor.launcher.request;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;

/**
 * Asks the platform to talk to the user until the user has enough; a service that the command line registers.
 *
 * @param input what the user types
 * @param output what the user reads
 * @param status completes with the exit status of the process
 */
public record ShellRequest(InputStream input, OutputStream output, CompletableFuture<Integer> status) {}
