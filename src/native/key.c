#include "key.h"
#include "ecdsa.h"
#include "openssl.h"
#include <stdlib.h>

enum { most_digest_bytes = 64 };

struct key {
  EVP_PKEY *pkey;
  EVP_MD_CTX *digest;
  /* Both NULL for EdDSA */
  EVP_MD *hash;
  EVP_PKEY_CTX *context;
  size_t bytes;
  bool is_pair;
};

/* Nothing that OpenSSL noted stays for the next one who asks it. */
static bool failed(void) {
  ERR_clear_error();
  return false;
}

/* The contexts, ready to be used again and again. */
static bool prepare(Key *key, const char *hash, bool is_private) {
  key->digest = EVP_MD_CTX_new();
  if (key->pkey == NULL || key->digest == NULL) return false;
  if (hash == NULL)
    return EVP_PKEY_is_a(key->pkey, "ED25519") == 1 &&
           (is_private ? EVP_DigestSignInit : EVP_DigestVerifyInit)(key->digest, NULL, NULL, NULL, key->pkey) == 1;
  key->hash = EVP_MD_fetch(NULL, hash, NULL);
  key->context = EVP_PKEY_CTX_new(key->pkey, NULL);
  return key->hash != NULL && key->context != NULL &&
         (is_private ? EVP_PKEY_sign_init(key->context) : EVP_PKEY_verify_init(key->context)) == 1 &&
         EVP_PKEY_CTX_set_signature_md(key->context, key->hash) == 1;
}

static bool is_possible(Form form) {
  if (form.bytes == 0 || form.bytes > most_signature_bytes) return false;
  return !form.is_pair || (form.bytes % 2 == 0 && form.bytes / 2 <= most_number_bytes);
}

Key *read_key(Bytes der, Form form, bool is_private) {
  Key *key = is_possible(form) ? calloc(1, sizeof *key) : NULL;
  if (key == NULL) return NULL;
  key->bytes = form.bytes;
  key->is_pair = form.is_pair;
  const unsigned char *at = der.bytes;
  key->pkey = is_private ? d2i_AutoPrivateKey(NULL, &at, (long)der.length) : d2i_PUBKEY(NULL, &at, (long)der.length);
  if (at == der.bytes + der.length && prepare(key, form.hash, is_private)) return key;
  failed();
  free_key(key);
  return NULL;
}

void free_key(Key *key) {
  EVP_PKEY_CTX_free(key->context);
  EVP_MD_free(key->hash);
  EVP_MD_CTX_free(key->digest);
  EVP_PKEY_free(key->pkey);
  free(key);
}

size_t signature_bytes(const Key *key) { return key->bytes; }

/* The digest of the input, into a buffer of most_digest_bytes; its length, or 0. */
static unsigned int digest_of(const Key *key, Bytes input, unsigned char *digest) {
  unsigned int length = 0;
  return EVP_DigestInit_ex2(key->digest, key->hash, NULL) == 1 &&
                 EVP_DigestUpdate(key->digest, input.bytes, input.length) == 1 &&
                 EVP_DigestFinal_ex(key->digest, digest, &length) == 1
             ? length
             : 0;
}

bool fits(const Key *key, Bytes input, Bytes signature) {
  unsigned char digest[most_digest_bytes], der[most_der_bytes];
  if (signature.length != key->bytes) return false;
  if (key->hash == NULL)
    /* No key: the context has it */
    return (EVP_DigestVerifyInit(key->digest, NULL, NULL, NULL, NULL) == 1 &&
            EVP_DigestVerify(key->digest, signature.bytes, signature.length, input.bytes, input.length) == 1) ||
           failed();
  if (key->is_pair) signature.bytes = ecdsa_der(signature.bytes, key->bytes / 2, der, &signature.length);
  if (signature.bytes == NULL) return false;
  unsigned int length = digest_of(key, input, digest);
  return (length > 0 && EVP_PKEY_verify(key->context, signature.bytes, signature.length, digest, length) == 1) || failed();
}

bool write_signature(const Key *key, Bytes input, unsigned char *signature) {
  unsigned char digest[most_digest_bytes], der[most_der_bytes];
  size_t length = most_signature_bytes;
  if (key->hash == NULL)
    return (EVP_DigestSignInit(key->digest, NULL, NULL, NULL, NULL) == 1 &&
            EVP_DigestSign(key->digest, signature, &length, input.bytes, input.length) == 1 && length == key->bytes) ||
           failed();
  unsigned int digest_length = digest_of(key, input, digest);
  if (digest_length == 0) return failed();
  if (!key->is_pair)
    return (EVP_PKEY_sign(key->context, signature, &length, digest, digest_length) == 1 && length == key->bytes) ||
           failed();
  length = sizeof der;
  return (EVP_PKEY_sign(key->context, der, &length, digest, digest_length) == 1 &&
          ecdsa_raw(der, length, key->bytes / 2, signature)) ||
         failed();
}
