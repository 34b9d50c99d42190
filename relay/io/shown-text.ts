const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A message's octets as text which any terminal, document or database takes: line ends and tabs stay, other control characters,
 * and in a message which is no UTF-8 all that is no ASCII, are “?”, one for each octet.
 */
export function shownText(bytes: Uint8Array): string {
  return decoded(bytes).replace(/[^\t\r\n\x20-\x7e\u00a0-\u{10ffff}]/gu, (odd) =>
    odd < '\u0080' ? '?' : '??',
  )
}

function decoded(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      .toString('latin1')
      .replace(/[^\t\r\n\x20-\x7e]/g, '?')
  }
}
