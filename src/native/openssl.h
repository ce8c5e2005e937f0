/* From OpenSSL 3 (evp.h, x509.h, err.h), as far as it is used: Node.js exports it, and installs no headers everywhere. */
#include <stddef.h>

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
