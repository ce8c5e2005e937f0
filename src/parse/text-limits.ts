import type { TextLimit } from "./forms.ts";

/** Texts that several kinds of files have. Lengths are UTF-16 units. */

export const dnsLabel = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
export const dnsSubdomain = `${dnsLabel}(?:\\.${dnsLabel})*`;

export const dnsName = (most: number): TextLimit => ({
  most,
  form: new RegExp(`^${dnsSubdomain}$`),
  must: `must be a DNS name (a-z, 0-9, - and .) of 1 to ${most} characters`,
});

const visibleAscii = (most: number): TextLimit => ({
  most,
  form: /^[\u0020-\u007e]+$/,
  must: `must be a text of 1 to ${most} characters of ASCII without control characters`,
});

/** Without control characters of any script. */
export const plainText = (most: number): TextLimit => ({
  most,
  form: /^[^\p{C}\p{Zl}\p{Zp}]+$/u,
  must: `must be a text of 1 to ${most} characters without control characters`,
});

export const webTexts = {
  path: plainText(4096),
  url: visibleAscii(2048),
  /** RFC 6749 appendix A.1. */
  clientId: visibleAscii(255),
  /** RFC 6749 §3.3. */
  scope: {
    most: 255,
    form: /^[\u0021\u0023-\u005b\u005d-\u007e]+$/,
    must: 'must be 1 to 255 characters of ASCII without spaces, " and \\',
  },
} as const satisfies Record<string, TextLimit>;
