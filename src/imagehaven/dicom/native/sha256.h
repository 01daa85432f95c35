/* SHA-256 (FIPS 180-4), in portable C and with the processor's SHA instructions where it has them. */
#ifndef IMAGEHAVEN_SHA256_H
#define IMAGEHAVEN_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint64_t length;       /* bytes taken in so far */
    unsigned char rest[64]; /* those that do not fill a block yet */
} sha256_t;

void sha256_start(sha256_t *hash);
void sha256_add(sha256_t *hash, const unsigned char *data, size_t length);

/* Write the 32 bytes of the digest. The hash is spent. */
void sha256_bytes(sha256_t *hash, unsigned char *digest);
/* Write 64 lower-case hexadecimal digits, without a NUL behind them. */
void sha256_hex(sha256_t *hash, char *hex);

#endif
