#include "ecdsa.h"
#include <string.h>

enum {
  sequence_tag = 0x30,
  integer_tag = 0x02,
  /* A length from here on needs a byte of its own before it (X.690 §8.1.3). */
  long_form = 0x80,
};

/* Returns what follows the number; NULL when it is zero. */
static unsigned char *write_number(const unsigned char *number, size_t size, unsigned char *at) {
  while (size > 0 && *number == 0) number++, size--;
  if (size == 0) return NULL;
  /* A number whose first bit is set gets a zero before it: it would be negative. */
  bool is_high = *number >= 0x80;
  *at++ = integer_tag;
  *at++ = (unsigned char)(size + is_high);
  if (is_high) *at++ = 0;
  memcpy(at, number, size);
  return at + size;
}

const unsigned char *ecdsa_der(const unsigned char *raw, size_t size, unsigned char *buffer, size_t *length) {
  unsigned char *start = buffer + 3;
  unsigned char *end = write_number(raw, size, start);
  if (end != NULL) end = write_number(raw + size, size, end);
  if (end == NULL) return NULL;
  size_t body = (size_t)(end - start);
  *--start = (unsigned char)body;
  if (body >= long_form) *--start = long_form + 1;
  *--start = sequence_tag;
  *length = (size_t)(end - start);
  return start;
}

bool ecdsa_raw(const unsigned char *der, size_t length, size_t size, unsigned char *raw) {
  const unsigned char *end = der + length;
  if (length < 3) return false;
  const unsigned char *at = der + (der[1] == long_form + 1 ? 3 : 2);
  for (unsigned char *half = raw; half < raw + 2 * size; half += size) {
    if (end - at < 2 || end - at < 2 + at[1]) return false;
    const unsigned char *number = at + 2;
    at = number + at[1];
    while (number < at && *number == 0) number++;
    size_t bytes = (size_t)(at - number);
    if (bytes > size) return false;
    memset(half, 0, size - bytes);
    memcpy(half + size - bytes, number, bytes);
  }
  return at == end;
}
