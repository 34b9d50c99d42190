import * as z from 'zod'
import { type BeatAnswer, beat, beatAnswer } from './beat.ts'

/*
 * GET /relay/v1/hub: the WebSocket of a relay, over which the edge speaks unasked, in place of a beat every two seconds.
 *
 * The upgrade carries the relay's key, `trunkline-protocol` and the subprotocol; 401 before it, 501 NO_HUB where this edge
 * has no hub: beats over HTTP go on. Frames are text: JSON, but for `ping`, which is answered by `pong` at no cost to the
 * edge. A pong confirms that all which was named last is still current, as a beat's answer does. A word whose type one
 * side does not know it passes over.
 *
 * What is granted counts once: a frame of the hub with news has a `serial`, which rises by one on each socket, and a beat
 * says which of them was the last the relay had applied (`seen`). So the hub knows what a relay may believe, whichever
 * words cross. A relay applies no answer to a beat older than its latest one, whichever way either went, and one which
 * has beaten over HTTP closes its socket first and comes on a new one.
 */

/** What the socket speaks, named in the upgrade. */
export const hubProtocol = 'trunkline.hub.1'
export const ping = 'ping'
export const pong = 'pong'

/** Milliseconds between two pings; how long what is to be said is gathered for one beat. */
export const pingEveryMs = 2_000
export const gatherBeatMs = 100
/** After so long without an open socket a relay beats over HTTP. */
export const hubAwayAfterMs = 3_000

/** Named in one question, and so many relays in its answer. */
const namedAtMost = 500

const hubAsk = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('beat'),
    /** Its answer says the same. */
    n: z.int(),
    /** Serial of the last frame which was applied on this socket; 0: none. */
    seen: z.int().default(0),
    beat,
  }),
  /** It has what it was ordered, in a frame and those before it: said at once, as a line may be dead and look open. */
  z.object({ type: z.literal('seen'), serial: z.int() }),
  /** At which relays are these extensions or trunks? */
  z.object({ type: z.literal('where'), n: z.int(), ids: z.array(z.guid()).max(namedAtMost) }),
])
/** What a relay says to the hub. */
export type HubAsk = z.infer<typeof hubAsk>

/** Part of a beat's answer, each key as in one; what is left out has not changed. */
export type HubNews = Partial<BeatAnswer>

// Not `partial()`: a key with a default would come to be said where it was not.
const news = z.object(
  Object.fromEntries(
    Object.entries(beatAnswer.shape).map(([key, field]) => [
      key,
      (field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : field).optional(),
    ]),
  ),
) as unknown as z.ZodType<HubNews>

/** One who is registered somewhere, by the id of its extension or trunk. */
const foundAt = z.object({ id: z.guid(), relay_id: z.string() })
export type FoundAt = z.infer<typeof foundAt>

const hubWord = z.discriminatedUnion('type', [
  z.object({ type: z.literal('answer'), n: z.int(), serial: z.int(), answer: beatAnswer }),
  z.object({ type: z.literal('news'), serial: z.int(), news }),
  z.object({ type: z.literal('where'), n: z.int(), at: z.array(foundAt) }),
  /** The socket is closed next: another process took the name, the key is none any more, or it is to come again. */
  z.object({
    type: z.literal('bye'),
    reason: z.enum(['replaced', 'revoked', 'moved']),
    sentence: z.string(),
  }),
])
/** What the hub says to a relay. */
export type HubWord = z.infer<typeof hubWord>

/** Reads a relay's frame; a string says why it cannot be read, undefined: its type is not known here. */
export function readHubAsk(text: string): HubAsk | string | undefined {
  return read(hubAsk, text)
}

/** Reads the hub's frame in the same way; undefined: its type is not known here. */
export function readHubWord(text: string): HubWord | string | undefined {
  return read(hubWord, text)
}

function read<Word>(shape: z.ZodType<Word>, text: string): Word | string | undefined {
  const said = parsed(text)
  if (said === undefined) return 'A frame is no JSON.'
  const { success, data, error } = shape.safeParse(said)
  if (success) return data
  return error.issues.some(
    ({ code, path }) => code === 'invalid_union' && path.length === 1 && path[0] === 'type',
  )
    ? undefined
    : z.prettifyError(error)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
