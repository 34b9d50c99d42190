import * as z from 'zod'
import type { RouteQuestion } from '#contract'
import {
  callingCodes,
  dialledName,
  internationalReadings,
  localReadings,
  nationalReadings,
  networksAround,
  prefixesOf,
  readIp,
  shortBeginnings,
  tailsOf,
  trunkDomainOf,
  withoutCode,
} from '#routing'

/** What a question makes the database look for. */
export interface Lookup {
  callId: string
  /** Who proved itself; null where only an address is known. */
  customerId: string | null
  extensionId: string | null
  trunkId: string | null
  /** The name of the extension which calls, where its id is not known. */
  callerName: string | null
  /** Every network the caller's address lies in, itself among them; none: it was not an address. */
  networks: string[]
  /** The first part of a trunk's domain, where one was called. */
  domain: string | null
  lineProviderId: string | null
  /** The flow to which a list leads. */
  flowId: string | null
  /** The extension that may have been dialled. */
  name: string
  /** Targets which a whole number may begin with, and what may follow a calling code. */
  prefixes: string[]
  tails: string[]
  /** The number itself by country, as JSON, where a country's numbers may lack their first digits. */
  local: string
  /** A short number and its beginnings, where one was dialled. */
  short: string[]
  /** Numbers that may have been called: whole, and what may follow a calling code. */
  readings: string[]
  national: string[]
  /** Numbers the caller may have asked to show, or says to call for, likewise. */
  asked: string[]
  askedTails: string[]
  /** Likewise, for each of them. */
  askedLocal: string
  /** Calling codes by country, as JSON; empty where no national number is to be read. */
  codes: string
}

/** Reads a question without knowing anything of who asks it. */
export function lookupFor(
  { call_id, caller, from, to }: RouteQuestion,
  lineProviderId: string | null,
  baseDomain: string,
): Lookup {
  const ip = caller.kind === 'source' ? readIp(caller.address) : undefined
  const rest = caller.kind === 'forwarder' || caller.kind === 'api' ? to.user : withoutCode(to.user).rest
  const [tails, asked] = [tailsOf(rest), [from.asserted ?? '', from.user, ...divertersOf(caller, from)]]
  const readings = internationalReadings(rest)
  const askedTails = asked.flatMap(tailsOf)
  const short = shortBeginnings(rest)
  return {
    callId: call_id,
    customerId: caller.kind === 'source' ? null : caller.customer_id,
    extensionId: extensionOf(caller),
    trunkId: caller.kind === 'trunk' ? caller.trunk_id : null,
    callerName: null,
    networks: ip ? networksAround(ip) : [],
    domain: isTrunk(caller) ? to.user : (trunkDomainOf(to.host, baseDomain) ?? null),
    lineProviderId,
    flowId: caller.kind === 'forwarder' && caller.type === 'flow' && isId(to.user) ? to.user : null,
    name: dialledName(rest),
    prefixes: prefixesOf([...readings, ...tails.map((tail) => `+${tail}`)]),
    tails,
    short,
    local: JSON.stringify(localReadings(rest)),
    readings,
    national: nationalReadings(rest),
    asked: [...asked.flatMap(internationalReadings), ...askedTails.map((tail) => `+${tail}`)],
    askedTails,
    askedLocal: JSON.stringify(asked.map(localReadings)),
    codes: tails.length + askedTails.length + short.length > 0 ? JSON.stringify(callingCodes()) : '{}',
  }
}

function extensionOf(caller: RouteQuestion['caller']): string | null {
  if (caller.kind === 'extension' || caller.kind === 'api') return caller.extension_id
  return caller.kind === 'forwarder' && caller.forwarder.kind === 'extension' ? caller.forwarder.id : null
}

function isId(text: string): boolean {
  return z.guid().safeParse(text).success
}

/** Whether a trunk is named to which a call leads. */
function isTrunk(caller: RouteQuestion['caller']): boolean {
  return (caller.kind === 'forwarder' || caller.kind === 'api') && caller.type === 'trunk'
}

/** Those a call comes for: as its caller says, or who sends it on. */
function divertersOf(caller: RouteQuestion['caller'], { diverting }: RouteQuestion['from']): string[] {
  return caller.kind === 'forwarder' ? [caller.forwarder.name, ...diverting] : diverting
}
