// Owns hiding passwords and tokens of URLs in text that is shown. Never decides whether a URL may have one.

/** User and password of web addresses, and every other address's password. */
export function maskPasswords(text: string): string {
  return text
    .replaceAll(/(https?:\/\/)[^\s/@"'\\]+@/giu, "$1***@")
    .replaceAll(/(:\/\/[^\s/@"'\\:]*:)[^\s/@"'\\]+@/gu, "$1***@");
}
