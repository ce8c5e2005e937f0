/*
 * Lets a test call what signatures.c does by hand, under the compiler's sanitizers: each line is a job, answered by a line.
 *
 *   decode -<hex of a text>     encode -<hex>     der <bytes of R> -<hex of R and S>     raw <bytes of R> -<hex of DER>
 *
 * The answer is "ok " and hex, or "no".
 */
#include "base64url.h"
#include "ecdsa.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most_bytes = 1 << 16 };

/* Exactly as many bytes as there are: one more or less is seen. */
static unsigned char *bytes_of(const char *hex, size_t *length) {
  *length = strlen(hex) / 2;
  unsigned char *bytes = malloc(*length);
  for (size_t index = 0; index < *length; index++) {
    unsigned value;
    if (sscanf(hex + 2 * index, "%2x", &value) != 1) exit(2);
    bytes[index] = (unsigned char)value;
  }
  return bytes;
}

static void answer(bool is_good, const void *bytes, size_t length) {
  printf(is_good ? "ok " : "no");
  for (size_t index = 0; is_good && index < length; index++) printf("%02x", ((const unsigned char *)bytes)[index]);
  printf("\n");
}

static void decode(unsigned char *text, size_t length) {
  size_t count = 0;
  unsigned char *bytes = malloc(BASE64URL_BYTES(length));
  bool is_good = base64url_decode((char *)text, length, bytes, &count);
  answer(is_good, bytes, count);
  /* The same in its own place */
  size_t again = count;
  if (base64url_decode((char *)text, length, text, &again) != is_good || again != count) exit(2);
  if (is_good && memcmp(bytes, text, count) != 0) exit(2);
  free(bytes);
}

static void encode(const unsigned char *bytes, size_t length) {
  char *text = malloc(BASE64URL_CHARACTERS(length));
  answer(true, text, base64url_encode(bytes, length, text));
  free(text);
}

static void der(const unsigned char *raw, size_t size) {
  unsigned char *buffer = malloc(most_der_bytes);
  size_t length = 0;
  const unsigned char *start = ecdsa_der(raw, size, buffer, &length);
  answer(start != NULL, start, length);
  free(buffer);
}

static void raw(const unsigned char *from, size_t length, size_t size) {
  unsigned char *numbers = malloc(2 * size);
  answer(ecdsa_raw(from, length, size, numbers), numbers, 2 * size);
  free(numbers);
}

int main(void) {
  static char job[16], hex[2 * most_bytes + 1];
  while (scanf("%15s", job) == 1) {
    size_t size = 0, length;
    if ((strcmp(job, "der") == 0 || strcmp(job, "raw") == 0) && scanf("%zu", &size) != 1) return 2;
    /* The dash stands even before nothing */
    if (scanf(" -%131072[0-9a-f]", hex) != 1) hex[0] = 0;
    unsigned char *bytes = bytes_of(hex, &length);
    if (strcmp(job, "decode") == 0) decode(bytes, length);
    else if (strcmp(job, "encode") == 0) encode(bytes, length);
    else if (strcmp(job, "der") == 0 && length == 2 * size) der(bytes, size);
    else if (strcmp(job, "raw") == 0) raw(bytes, length, size);
    else return 2;
    free(bytes);
  }
  return 0;
}
