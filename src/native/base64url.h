/* base64url without padding (RFC 4648 §5), as RFC 7515 §2 uses it. */
#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the bytes that the text stands for, and their number; they may take the place of the text. False when the text is not
 * canonical: another character, a length that no bytes have, unused bits that are not zero (RFC 4648 §3.5).
 */
bool base64url_decode(const char *text, size_t length, unsigned char *bytes, size_t *count);

/* Room for the bytes of so many characters, and for the text of so many bytes. */
#define BASE64URL_BYTES(characters) ((characters) / 4 * 3 + 2)
#define BASE64URL_CHARACTERS(bytes) (((bytes) * 4 + 2) / 3)

/* Writes the text, and returns its length. */
size_t base64url_encode(const unsigned char *bytes, size_t length, char *text);
