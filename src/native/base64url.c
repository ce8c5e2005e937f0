#include "base64url.h"
#include <stdint.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* By ASCII code; 64 for what is no letter. */
static const unsigned char values[128] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64,
    64,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 63,
    64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
};

/* Above 63 for what is no letter. */
static uint32_t value_of(char letter) {
  unsigned char code = (unsigned char)letter;
  return code < sizeof values ? values[code] : 64;
}

bool base64url_decode(const char *text, size_t length, unsigned char *bytes, size_t *count) {
  const char *end = text + length;
  unsigned char *out = bytes;
  while (end - text >= 4) {
    uint32_t a = value_of(text[0]), b = value_of(text[1]), c = value_of(text[2]), d = value_of(text[3]);
    if ((a | b | c | d) > 63) return false;
    uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    *out++ = (unsigned char)(bits >> 16);
    *out++ = (unsigned char)(bits >> 8);
    *out++ = (unsigned char)bits;
    text += 4;
  }
  if (end - text == 1) return false;
  if (end > text) {
    uint32_t a = value_of(text[0]), b = value_of(text[1]), c = end - text > 2 ? value_of(text[2]) : 0;
    uint32_t bits = a << 10 | b << 4 | c >> 2;
    uint32_t unused = end - text > 2 ? c & 3 : b & 15;
    if ((a | b | c) > 63 || unused != 0) return false;
    *out++ = (unsigned char)(bits >> 8);
    if (end - text > 2) *out++ = (unsigned char)bits;
  }
  *count = (size_t)(out - bytes);
  return true;
}

size_t base64url_encode(const unsigned char *bytes, size_t length, char *text) {
  char *out = text;
  uint32_t bits = 0;
  unsigned held = 0;
  for (size_t index = 0; index < length; index++) {
    bits = bits << 8 | bytes[index];
    for (held += 8; held >= 6;) {
      held -= 6;
      *out++ = letters[bits >> held & 63];
    }
  }
  if (held > 0) *out++ = letters[bits << (6 - held) & 63];
  return (size_t)(out - text);
}
