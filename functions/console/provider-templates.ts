/** What is known beforehand of setting up a carrier. */
export interface ProviderTemplate {
  readonly name: string
  /** Where calls are sent; empty: each customer has another. */
  readonly hostname: string
  readonly where: string
  /** Whether we register there: then it needs no address of ours. */
  readonly register: boolean
  /** What the carrier is called by, where it tells calls by address. */
  readonly inbound: string
}

/** Carriers which many have, and any other. */
export const providerTemplates: Readonly<Record<string, ProviderTemplate>> = {
  telnyx: {
    name: 'Telnyx',
    hostname: 'sip.telnyx.com',
    where: 'sip.telnyx.com, or that of another region: sip.telnyx.eu, sip.telnyx.com.au.',
    register: true,
    inbound: 'Username and password are those of a SIP connection by credentials.',
  },
  twilio: {
    name: 'Twilio',
    hostname: '',
    where: 'The trunk’s termination URI, such as example.pstn.twilio.com.',
    register: false,
    inbound: 'Of a credential list of the trunk. Its origination URI names this relay: sip:ADDRESS:PORT.',
  },
  bandwidth: {
    name: 'Bandwidth',
    hostname: '',
    where: 'The host for termination, as your account’s location (SIP peer) shows it.',
    register: false,
    inbound: 'Bandwidth knows you by your relay’s address, which its location lists: leave both empty.',
  },
  other: {
    name: 'My carrier',
    hostname: '',
    where: 'A name or an address, as the carrier says.',
    register: false,
    inbound: 'Where the carrier knows you by your address, leave both empty.',
  },
}
