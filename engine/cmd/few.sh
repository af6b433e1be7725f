#!/bin/sh
# SPDX-License-Identifier: MIT
#
# few.sh LIBCRYPTO.A: the linker's options that leave out of the statically linked program what of
# OpenSSL's default provider no mail needs: the table of functions of each algorithm that is not
# listed here becomes an empty one (few.c), and what only it needs is not linked. Nothing where the
# archive does not look as expected.
#
# What stays: verifying, and for the policies' own tests signing, which wants random numbers; reading
# and writing keys.
stays='sha1|sha256|sha512|(rsa|ed25519)_(keymgmt|signature)|drbg_ctr|seed_src|aes256(ctr|ecb)|[a-z0-9_]*(en|de)coder|file_store'

nm -A "$1" 2>/dev/null | awk -F: '
	/ T ossl_default_provider_init$/ { member = $2 }
	/ U ossl_[a-z0-9_]*_functions$/ { sub(/.* /, "", $3); tables[$2] = tables[$2] $3 "\n" }
	END { printf "%s", tables[member] }' |
	grep -vE "^ossl_($stays)_functions\$" |
	sed 's/.*/-Wl,--wrap=&,--defsym=__wrap_&=moon_few_none/'
