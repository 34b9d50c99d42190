/** The 16-bit sample an octet of PCMU stands for (G.711, table 2). */
export function valueOfPcmu(octet: number): number {
  const code = ~octet
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
  return code & 0x80 ? -magnitude : magnitude
}

/** The 16-bit sample an octet of PCMA stands for (G.711, table 1). */
export function valueOfPcma(octet: number): number {
  const code = octet ^ 0x55
  const segment = (code & 0x70) >> 4
  const step = (code & 0x0f) << 4
  const magnitude = segment === 0 ? step + 8 : (step + 0x108) << (segment - 1)
  return code & 0x80 ? magnitude : -magnitude
}
