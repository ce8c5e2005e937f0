/*
 * Signatures by the OpenSSL that Node.js carries, without what node:crypto does anew at each call. A token comes as the string
 * that it is, and becomes no object of JavaScript but its payload's text.
 *
 *   verifier(spki: Buffer, hash: string | null, bytes: number, isPair: boolean):
 *     (token: string, headerEnd: number, inputEnd: number) => string | false | undefined
 *   signer(pkcs8: Buffer, hash: string | null, bytes: number, isPair: boolean): (input: string) => string
 *
 * The last three arguments are a Form (key.h), the answers those of src/jwt/signatures.ts. What is asked for in another way
 * throws. A key lives as long as its function.
 */
#define NAPI_VERSION 8
#include "base64url.h"
#include "key.h"
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

/* Room for what a token has at most; for more, memory is asked for. */
typedef struct {
  char *characters;
  size_t length;
  char near[16384 + 8];
} Text;

static void finalize(napi_env env, void *key, void *hint) {
  (void)env;
  (void)hint;
  free_key(key);
}

static napi_value refuse(napi_env env, const char *why) {
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

static bool make_room(Text *text, size_t room) {
  text->characters = room <= sizeof text->near ? text->near : malloc(room);
  return text->characters != NULL;
}

static void free_text(Text *text) {
  if (text->characters != text->near) free(text->characters);
}

/* False for what is no string, or too long for the memory. */
static bool read_text(napi_env env, napi_value value, Text *text, bool *is_ascii) {
  size_t units;
  /* Latin-1 has one byte for each unit of JavaScript: only the length is asked for */
  if (napi_get_value_string_latin1(env, value, NULL, 0, &units) != napi_ok) return false;
  /* UTF-8 of anything but ASCII is longer than that, even when it is cut off after four bytes more */
  size_t room = units + 4 + 1;
  if (!make_room(text, room)) return false;
  if (napi_get_value_string_utf8(env, value, text->characters, room, &text->length) == napi_ok) {
    *is_ascii = text->length == units;
    return true;
  }
  free_text(text);
  return false;
}

typedef enum { malformed, other, fitting } Verdict;

/* Of a token without anything but ASCII. Decodes its payload, and puts its signature in the place of the text of it. */
static Verdict judge(const Key *key, Text *token, size_t header_end, size_t input_end, Text *payload) {
  char *text = token->characters + header_end + 1;
  char *last = token->characters + input_end + 1;
  Bytes input = {(unsigned char *)token->characters, input_end};
  Bytes signature = {(unsigned char *)last, 0};
  if (!base64url_decode(text, input_end - header_end - 1, (unsigned char *)payload->characters, &payload->length) ||
      !base64url_decode(last, token->length - input_end - 1, (unsigned char *)last, &signature.length))
    return malformed;
  return fits(key, input, signature) ? fitting : other;
}

static napi_value answer(napi_env env, Verdict verdict, const Text *payload) {
  napi_value value;
  napi_status status = verdict == fitting ? napi_create_string_utf8(env, payload->characters, payload->length, &value)
                       : verdict == other ? napi_get_boolean(env, false, &value)
                                          : napi_get_undefined(env, &value);
  return status == napi_ok ? value : NULL;
}

static napi_value verify(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3], result = NULL;
  Key *key;
  uint32_t header_end, input_end;
  Text token, payload;
  bool is_ascii;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, (void **)&key) != napi_ok || count < 3 ||
      napi_get_value_uint32(env, arguments[1], &header_end) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &input_end) != napi_ok || !read_text(env, arguments[0], &token, &is_ascii))
    return refuse(env, "Cannot verify: must be a token, and where its two dots stand");
  if (!is_ascii)
    result = answer(env, malformed, NULL);
  else if (header_end >= input_end || input_end >= token.length || token.characters[header_end] != '.' ||
           token.characters[input_end] != '.')
    refuse(env, "Cannot verify: no dots stand there");
  else if (!make_room(&payload, BASE64URL_BYTES(input_end - header_end)))
    refuse(env, "Cannot verify: no memory is left");
  else {
    result = answer(env, judge(key, &token, header_end, input_end, &payload), &payload);
    free_text(&payload);
  }
  free_text(&token);
  return result;
}

static napi_value sign(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  Key *key;
  Text input;
  unsigned char signature[most_signature_bytes];
  char text[BASE64URL_CHARACTERS(most_signature_bytes)];
  bool is_ascii;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, (void **)&key) != napi_ok || count < 1 ||
      !read_text(env, argument, &input, &is_ascii))
    return refuse(env, "Cannot sign: the input must be a string");
  bool is_signed =
      is_ascii && write_signature(key, (Bytes){(unsigned char *)input.characters, input.length}, signature);
  free_text(&input);
  if (!is_signed) return refuse(env, "Cannot sign: must be ASCII, with a key that signs");
  size_t length = base64url_encode(signature, signature_bytes(key), text);
  return napi_create_string_latin1(env, text, length, &result) == napi_ok ? result : NULL;
}

/* False for what is neither the name of a hash (RFC 7518 §3.1) nor null. */
static bool hash_of(napi_env env, napi_value value, const char **hash) {
  static const char *const hashes[] = {"sha256", "sha384", "sha512"};
  /* Longer than any of them, and so is what was cut off */
  char name[16];
  napi_valuetype type;
  size_t length;
  *hash = NULL;
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  if (type == napi_null) return true;
  if (napi_get_value_string_utf8(env, value, name, sizeof name, &length) != napi_ok) return false;
  for (size_t index = 0; index < sizeof hashes / sizeof *hashes; index++)
    if (length == strlen(hashes[index]) && memcmp(name, hashes[index], length) == 0) *hash = hashes[index];
  return *hash != NULL;
}

static bool form_of(napi_env env, const napi_value *arguments, Form *form) {
  uint32_t bytes;
  if (!hash_of(env, arguments[0], &form->hash) || napi_get_value_uint32(env, arguments[1], &bytes) != napi_ok ||
      napi_get_value_bool(env, arguments[2], &form->is_pair) != napi_ok)
    return false;
  form->bytes = bytes;
  return true;
}

static napi_value function_of(napi_env env, napi_callback_info info, bool is_private) {
  size_t count = 4;
  napi_value arguments[4], function;
  Bytes der;
  Form form;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 4 ||
      !bytes_of(env, arguments[0], &der) || !form_of(env, &arguments[1], &form))
    return refuse(env, "Cannot use key: must be bytes of DER; sha256, sha384, sha512 or null; a number; true or false");
  Key *key = read_key(der, form, is_private);
  if (key == NULL) return refuse(env, "Cannot use key: must be one that OpenSSL takes, with signatures of this form");
  if (napi_create_function(env, NULL, 0, is_private ? sign : verify, key, &function) == napi_ok &&
      napi_add_finalizer(env, function, key, finalize, NULL, NULL) == napi_ok)
    return function;
  free_key(key);
  return refuse(env, "Cannot use key: no memory is left");
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
