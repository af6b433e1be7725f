/* SPDX-License-Identifier: MIT
 *
 * sanitized: is this a build with the address sanitizer? Confinement leaves room for it then.
 */
#ifndef MOON_CMD_SANITIZED_H
#define MOON_CMD_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define MOON_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOON_SANITIZED 1
#endif
#endif
#ifndef MOON_SANITIZED
#define MOON_SANITIZED 0
#endif

#endif
