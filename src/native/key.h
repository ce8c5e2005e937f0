/* A key, ready to sign or to verify by OpenSSL again and again: hash and contexts are made once. */
#include <stdbool.h>
#include <stddef.h>

enum {
  /* RSA with 16,384 bits, the most that OpenSSL verifies. */
  most_signature_bytes = 2048,
};

typedef struct {
  const unsigned char *bytes;
  size_t length;
} Bytes;

/* A signature as JWS has it (RFC 7518 §3). */
typedef struct {
  /* sha256, sha384 or sha512; NULL for EdDSA, which hashes by itself. */
  const char *hash;
  /* The only length that it may have; of R and S together where it is a pair. */
  size_t bytes;
  bool is_pair;
} Form;

typedef struct key Key;

/* A private half (RFC 5958), or a public one (RFC 5280 §4.1). NULL when OpenSSL does not take it, or the form is no key's. */
Key *read_key(Bytes der, Form form, bool is_private);

/* Overwrites a private half. */
void free_key(Key *key);

/* The length of a signature. */
size_t signature_bytes(const Key *key);

bool fits(const Key *key, Bytes input, Bytes signature);

/* Writes a signature into a buffer of most_signature_bytes. False when the key can't. */
bool write_signature(const Key *key, Bytes input, unsigned char *signature);
