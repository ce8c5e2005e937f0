/* ECDSA signatures: R and S of `size` bytes each (RFC 7518 §3.4), and the DER that OpenSSL has of them (RFC 3279 §2.2.3). */
#include <stdbool.h>
#include <stddef.h>

enum {
  /* Of P-521. */
  most_number_bytes = 66,
  most_der_bytes = 3 + 2 * (3 + most_number_bytes),
};

/*
 * Writes the DER into a buffer of most_der_bytes, and returns where it starts in there; NULL when R or S is zero, which once
 * verified everything (CVE-2022-21449).
 */
const unsigned char *ecdsa_der(const unsigned char *raw, size_t size, unsigned char *buffer, size_t *length);

/* Writes R and S of a DER that OpenSSL has made. False where lengths do not fit: tags and the length of all go unread. */
bool ecdsa_raw(const unsigned char *der, size_t length, size_t size, unsigned char *raw);
