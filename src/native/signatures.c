/*
 * Signatures by the OpenSSL that Node.js carries, without what node:crypto does anew at each call: contexts are made once a
 * key. Reads nothing: all that a token says has been decoded before, and goes to OpenSSL as it is.
 *
 *   verifier(spki: Buffer, hash: string | null): (input: Buffer, signature: Buffer) => boolean
 *   signer(pkcs8: Buffer, hash: string | null): (input: Buffer) => Buffer
 *
 * The keys are DER (RFC 5280 §4.1, RFC 5958), the hash is null for EdDSA, ECDSA signatures are DER. What is asked for in another way
 * throws. A key lives as long as its function.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* From OpenSSL 3 (evp.h, x509.h, err.h): Node.js exports them, and installs no headers everywhere. */
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
EVP_PKEY *d2i_PUBKEY(EVP_PKEY **key, const unsigned char **der, long length);
EVP_PKEY *d2i_AutoPrivateKey(EVP_PKEY **key, const unsigned char **der, long length);
void EVP_PKEY_free(EVP_PKEY *key);
int EVP_PKEY_is_a(const EVP_PKEY *key, const char *name);
EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *key, void *engine);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *context);
int EVP_PKEY_verify_init(EVP_PKEY_CTX *context);
int EVP_PKEY_sign_init(EVP_PKEY_CTX *context);
int EVP_PKEY_CTX_set_signature_md(EVP_PKEY_CTX *context, const EVP_MD *hash);
int EVP_PKEY_verify(EVP_PKEY_CTX *context, const unsigned char *signature, size_t signature_length,
                    const unsigned char *digest, size_t digest_length);
int EVP_PKEY_sign(EVP_PKEY_CTX *context, unsigned char *signature, size_t *signature_length,
                  const unsigned char *digest, size_t digest_length);
EVP_MD *EVP_MD_fetch(void *library, const char *name, const char *properties);
void EVP_MD_free(EVP_MD *hash);
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *context);
int EVP_DigestInit_ex2(EVP_MD_CTX *context, const EVP_MD *hash, const void *parameters);
int EVP_DigestUpdate(EVP_MD_CTX *context, const void *data, size_t length);
int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned int *length);
int EVP_DigestVerifyInit(EVP_MD_CTX *context, EVP_PKEY_CTX **pkey_context, const EVP_MD *hash, void *engine, EVP_PKEY *key);
int EVP_DigestVerify(EVP_MD_CTX *context, const unsigned char *signature, size_t signature_length,
                     const unsigned char *data, size_t length);
int EVP_DigestSignInit(EVP_MD_CTX *context, EVP_PKEY_CTX **pkey_context, const EVP_MD *hash, void *engine, EVP_PKEY *key);
int EVP_DigestSign(EVP_MD_CTX *context, unsigned char *signature, size_t *signature_length, const unsigned char *data,
                   size_t length);
void ERR_clear_error(void);

enum {
  most_digest_bytes = 64,
  /* RSA with 16,384 bits, the most that OpenSSL verifies */
  most_signature_bytes = 2048,
};

typedef struct {
  EVP_PKEY *pkey;
  EVP_MD_CTX *digest;
  /* Both NULL for EdDSA, which hashes by itself */
  EVP_MD *hash;
  EVP_PKEY_CTX *context;
} Key;

typedef struct {
  unsigned char *bytes;
  size_t length;
} Bytes;

static void free_key(Key *key) {
  EVP_PKEY_CTX_free(key->context);
  EVP_MD_free(key->hash);
  EVP_MD_CTX_free(key->digest);
  /* Overwrites a private half */
  EVP_PKEY_free(key->pkey);
  free(key);
}

static void finalize(napi_env env, void *key, void *hint) {
  (void)env;
  (void)hint;
  free_key(key);
}

/* Nothing that OpenSSL noted stays for the next one who asks it. */
static napi_value refuse(napi_env env, const char *why) {
  ERR_clear_error();
  napi_throw_type_error(env, NULL, why);
  return NULL;
}

/* A Buffer, or any other view of bytes. */
static bool bytes_of(napi_env env, napi_value value, Bytes *bytes) {
  bool is_view = false;
  void *data = NULL;
  if (napi_is_buffer(env, value, &is_view) != napi_ok || !is_view ||
      napi_get_buffer_info(env, value, &data, &bytes->length) != napi_ok)
    return false;
  bytes->bytes = data;
  return true;
}

/* The digest of the input, into a buffer of most_digest_bytes; its length, or 0. */
static unsigned int digest_of(const Key *key, Bytes input, unsigned char *digest) {
  unsigned int length = 0;
  return EVP_DigestInit_ex2(key->digest, key->hash, NULL) == 1 &&
                 EVP_DigestUpdate(key->digest, input.bytes, input.length) == 1 &&
                 EVP_DigestFinal_ex(key->digest, digest, &length) == 1
             ? length
             : 0;
}

static bool fits(const Key *key, Bytes input, Bytes signature) {
  unsigned char digest[most_digest_bytes];
  if (key->hash == NULL)
    return EVP_DigestVerifyInit(key->digest, NULL, NULL, NULL, key->pkey) == 1 &&
           EVP_DigestVerify(key->digest, signature.bytes, signature.length, input.bytes, input.length) == 1;
  unsigned int length = digest_of(key, input, digest);
  return length > 0 && EVP_PKEY_verify(key->context, signature.bytes, signature.length, digest, length) == 1;
}

static napi_value verify(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], result;
  Key *key;
  Bytes input, signature;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, (void **)&key) != napi_ok || count < 2 ||
      !bytes_of(env, arguments[0], &input) || !bytes_of(env, arguments[1], &signature))
    return refuse(env, "Cannot verify: input and signature must be bytes");
  bool is_good = fits(key, input, signature);
  if (!is_good) ERR_clear_error();
  return napi_get_boolean(env, is_good, &result) == napi_ok ? result : NULL;
}

/* Writes most_signature_bytes at most. */
static bool write_signature(const Key *key, Bytes input, Bytes *signature) {
  unsigned char digest[most_digest_bytes];
  if (key->hash == NULL)
    return EVP_DigestSignInit(key->digest, NULL, NULL, NULL, key->pkey) == 1 &&
           EVP_DigestSign(key->digest, signature->bytes, &signature->length, input.bytes, input.length) == 1;
  unsigned int length = digest_of(key, input, digest);
  return length > 0 && EVP_PKEY_sign(key->context, signature->bytes, &signature->length, digest, length) == 1;
}

static napi_value sign(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  Key *key;
  Bytes input;
  unsigned char bytes[most_signature_bytes];
  Bytes signature = {bytes, sizeof bytes};
  if (napi_get_cb_info(env, info, &count, &argument, NULL, (void **)&key) != napi_ok || count < 1 ||
      !bytes_of(env, argument, &input))
    return refuse(env, "Cannot sign: the input must be bytes");
  if (!write_signature(key, input, &signature)) return refuse(env, "Cannot sign with this key");
  if (napi_create_buffer_copy(env, signature.length, signature.bytes, NULL, &result) != napi_ok)
    return refuse(env, "Cannot sign: no memory is left");
  return result;
}

/* The contexts of a key, ready to be used again and again. */
static bool prepare(Key *key, const char *hash, bool is_private) {
  key->digest = EVP_MD_CTX_new();
  if (key->pkey == NULL || key->digest == NULL) return false;
  if (hash == NULL) return EVP_PKEY_is_a(key->pkey, "ED25519") == 1;
  key->hash = EVP_MD_fetch(NULL, hash, NULL);
  key->context = EVP_PKEY_CTX_new(key->pkey, NULL);
  return key->hash != NULL && key->context != NULL &&
         (is_private ? EVP_PKEY_sign_init(key->context) : EVP_PKEY_verify_init(key->context)) == 1 &&
         EVP_PKEY_CTX_set_signature_md(key->context, key->hash) == 1;
}

/* False for what is neither the name of a hash (RFC 7518 §3.1) nor null. */
static bool hash_of(napi_env env, napi_value value, char *name, size_t size, bool *is_null) {
  napi_valuetype type;
  size_t length;
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  *is_null = type == napi_null;
  if (*is_null) return true;
  if (type != napi_string || napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length >= size ||
      napi_get_value_string_utf8(env, value, name, size, &length) != napi_ok)
    return false;
  if (strlen(name) != length) return false;
  return strcmp(name, "sha256") == 0 || strcmp(name, "sha384") == 0 || strcmp(name, "sha512") == 0;
}

static napi_value function_of(napi_env env, napi_callback_info info, bool is_private) {
  size_t count = 2;
  napi_value arguments[2], function;
  Bytes der;
  char hash[16];
  bool has_no_hash;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
      !bytes_of(env, arguments[0], &der) || !hash_of(env, arguments[1], hash, sizeof hash, &has_no_hash))
    return refuse(env, "Cannot use key: must be bytes of DER, and sha256, sha384, sha512 or null");
  Key *key = calloc(1, sizeof *key);
  if (key == NULL) return refuse(env, "Cannot use key: no memory is left");
  const unsigned char *at = der.bytes;
  key->pkey = is_private ? d2i_AutoPrivateKey(NULL, &at, (long)der.length) : d2i_PUBKEY(NULL, &at, (long)der.length);
  if (at != der.bytes + der.length || !prepare(key, has_no_hash ? NULL : hash, is_private)) {
    free_key(key);
    return refuse(env, "Cannot use key: OpenSSL does not take it");
  }
  if (napi_create_function(env, NULL, 0, is_private ? sign : verify, key, &function) != napi_ok ||
      napi_add_finalizer(env, function, key, finalize, NULL, NULL) != napi_ok) {
    free_key(key);
    return refuse(env, "Cannot use key: no memory is left");
  }
  return function;
}

static napi_value verifier(napi_env env, napi_callback_info info) { return function_of(env, info, false); }
static napi_value signer(napi_env env, napi_callback_info info) { return function_of(env, info, true); }

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"verifier", NULL, verifier, NULL, NULL, NULL, napi_enumerable, NULL},
      {"signer", NULL, signer, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  return napi_define_properties(env, exports, 2, functions) == napi_ok ? exports : NULL;
}
