/**
 * What implementations of the api's services promise, as abstract test classes: whoever writes a CPU backend or a format of
 * second-level tables extends one, and JUnit runs its tests over it. They need nothing but the api, so that a third party
 * can do so too.
 */
@NullMarked
package org.bundlevisor.contract;

import org.jspecify.annotations.NullMarked;
