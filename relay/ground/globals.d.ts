/** What the core borrows from its host: text is bytes, and bytes are text. */
declare class TextDecoder {
  constructor(label?: 'utf-8' | 'latin1', options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(bytes: Uint8Array): string
}
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, into: Uint8Array): { readonly written: number }
}
/** Base64, of letters which each stand for a byte. */
declare function btoa(letters: string): string
declare function atob(base64: string): string
