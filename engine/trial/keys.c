/* SPDX-License-Identifier: MIT
 *
 * keys: see the header. Everybody can read both keys: they prove nothing, and nobody should ever
 * publish their records.
 */
#include "engine/trial/keys.h"

#include <openssl/pem.h>

static const char rsa_text[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIIEugIBADANBgkqhkiG9w0BAQEFAASCBKQwggSgAgEAAoIBAQDvXIxSssFbRjJJ\n"
                               "WSxNKUqNP1NtDrjG/Pt00FEYDiXZuaVvwQna14/NM9N5a9ldxKlrDBl3I26eHM49\n"
                               "zJ02LEoKJFKE/BSZq2J2bxvgKo8xR5V01qmBY/BIFUrnsZTIFWHzQkJVJCheNhb1\n"
                               "nawfF81c6v4k3hEqy36B6YOYjN4jYh8qoRcHPea6UtcHnc5uCH7UNcxjVGJVSY58\n"
                               "cODuVXEbt2YDT6POfzkrSfa0cd1RCJN2YRaUh0lZkZS8MNAiVQzv8njjmi9PEB3H\n"
                               "kjX0vHVt4tZhM7JdRw3eawA2Q8KrNp+B6v6EG03rSXwDpZtXaNKiK5RN23+Bqsz8\n"
                               "3T+eYWnZAgMBAAECgf8aN/5RkK2yschlqxQ534FVt3oL7XDlWxCwMEwHC9sEM7Gg\n"
                               "wXmy3v8sGwvZtlaOTtxqkrNiDsovHONPzE9Bf9hxrp4wsuwOvmx/90ELwkhXvYpB\n"
                               "d2yvH6NSQgLSc5aN1B8b5kYdzWLJRGN/bqX2l0TcyLYjPlqNtXybU64hJ6JYKFEb\n"
                               "qEaECOQLRdAC52qO9EPQ3ZmDiJ0z4uLb2nO6eDixxAJdmKOXpxboeYgIRGd4Q3uZ\n"
                               "aiks/29M9CkrcQ0HTt5q1SCH1NSzH/mIVApUqKwk8PlRburzO4nybefvz0QmIXUA\n"
                               "9wEQxF56bNbRJReZRzS+CgWYyGjegcUHCjwvKpECgYEA+WrQA3b4gNVr4EfGXrc2\n"
                               "NK2nVqcoZCG8Fp10H8LJzOGe7ImV02a1CH+ZNiHjmcJLjFQO9ijnXw7kSV/io5fk\n"
                               "gsKzlKXRQt4NO3MpRm63rryvzzbAe1ymInd7Tf4IvYPv9pl236psgFi0fRigr79F\n"
                               "K+TCwA1Xxnodoq0uU1kgBXECgYEA9a3LSwqWIdjCPAya2vI0I+3UFLI0tzGlwzuE\n"
                               "YJEQF+N8Lbiq78bixr+lIeMibwpaj2xKbTF/tuDOXBybR9IZOiPMwDaOd8Jv++Zf\n"
                               "5thD5EHZUaK9I4asboSEP2yoPXLF4eEtrTfTKCXEsKFewpIYgCJBhQgZJ9sMFpjv\n"
                               "F96w1ukCgYAKDgZIvXkTKIdqyTn0A4rJ4N5IHgEA2GNOvhY6WY3tFoNjocBKf294\n"
                               "4jv49LDKOAz3oUPhJJD/Qght9NGcKrlplBPNQEoJWg5KgT/+uOPqxWyI+/oSfw+r\n"
                               "gAmWgVE04qa/2Dv0lFg/bFQKXv3LV/if5l77gw4w0Cd1sWmWrpcd4QKBgEoV7a8k\n"
                               "cx+j0PbwyiXqUgTfrEvNbY4s35LfOM0yEYtSo1jaTlnePPa4RiDQ8MpRcfu8KTmC\n"
                               "asQISNKIId9noQniT9VK3m2I6eIpl5PydY64uMMgcy7qZscxGPxTVOyq1reGAxMw\n"
                               "OXHq6cRl9UBxdAf3zJBEX+mf6aZK2hb1pZg5AoGAK3MVJKE4rwgA3QQPsTMSvY+/\n"
                               "NdNKQ0kBQJEbdLeMVpdjSrv8iKUwxhHsRLiinkgCdSCgGbE3QnM0PJUZ4NQvNZN1\n"
                               "G495z2v298hWD1ahiK/27vI42SgYH7r/rvcX9TihQeeW7rGH4PN3A2QcWaN29FMh\n"
                               "ap1M02D+XV6hq9VRLJ8=\n"
                               "-----END PRIVATE KEY-----\n";

static const unsigned char ed25519_seed[32] = "moonscan: a key for tests only!";

bool moon_trial_keys_load(struct moon_trial_keys *keys_r)
{
    BIO *text = BIO_new_mem_buf(rsa_text, -1);

    keys_r->rsa = text ? PEM_read_bio_PrivateKey(text, NULL, NULL, NULL) : NULL;
    keys_r->ed25519 =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, ed25519_seed, sizeof ed25519_seed);
    (void)BIO_free(text); /* memory, was only read */
    if (keys_r->rsa && keys_r->ed25519)
        return true;
    moon_trial_keys_free(keys_r);
    return false;
}

void moon_trial_keys_free(struct moon_trial_keys *keys)
{
    EVP_PKEY_free(keys->rsa);
    EVP_PKEY_free(keys->ed25519);
    *keys = (struct moon_trial_keys){NULL, NULL};
}
