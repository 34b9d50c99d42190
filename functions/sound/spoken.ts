/** Characters which are said at once: about two minutes. */
export const MOST_TO_SAY = 2_000

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * What is said of a text; `why`: nothing is. A text which begins with `<speak` is SSML: how it is to be said is left away, what is
 * to be said stays; a break is a pause. Any other is plain, whatever is in it.
 */
export function spokenText(text: string): { readonly say: string } | { readonly why: string } {
  const plain = /^\s*(<\?xml[^>]*>\s*)?<speak[\s>/]/.test(text) ? withoutMarks(text) : text
  if (plain === undefined) return { why: 'its SSML is broken: each tag needs its end' }
  const say = plain.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  if (!/[\p{L}\p{N}]/u.test(say)) return { why: 'it says nothing' }
  if (say.length > MOST_TO_SAY)
    return { why: `it has ${say.length} characters, and at most ${MOST_TO_SAY} are said at once` }
  return { say }
}

function withoutMarks(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/<!--.*?-->/gs, ' ')
    .replace(/<break\b[^<>]*>/g, ', ')
  const said = bare.replace(/<[^<>]*>/g, ' ')
  if (!/<\/speak\s*>$|^<speak[^<>]*\/>$/.test(bare) || /[<>]/.test(said)) return undefined
  return said.replace(/&(?:#(\d{1,7})|(\w+));/g, (whole, code?: string, name = '') =>
    code === undefined ? (entities[name] ?? whole) : characterOf(Number(code)),
  )
}

function characterOf(code: number): string {
  return code <= 0x10_ffff ? String.fromCodePoint(code) : ' '
}
