import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { reachOf, spelled } from '#routing'
import { neighbourhood, networks } from '../../../functions/config/inbound-addresses.ts'
import type { Dialog } from '../../../relay/dialog/dialog.ts'
import { entropy } from '../../../relay/io/entropy.ts'
import { Locator } from '../../../relay/io/locate.ts'
import { flowFor } from '../../../relay/leg/path.ts'
import { aimOf } from '../../../relay/media/aim.ts'
import { phone, sdpOf } from '../../relay/sdp/descriptions.ts'

/** Every range which is special, with its first and last address, and how far it reaches. */
const ranges = [
  ['this network (RFC 791)', '0.0.0.0', '0.255.255.255', 'none'],
  ['private (RFC 1918)', '10.0.0.0', '10.255.255.255', 'private'],
  ['private (RFC 1918)', '172.16.0.0', '172.31.255.255', 'private'],
  ['private (RFC 1918)', '192.168.0.0', '192.168.255.255', 'private'],
  ['shared behind a carrier’s NAT (RFC 6598)', '100.64.0.0', '100.127.255.255', 'private'],
  ['loopback (RFC 1122)', '127.0.0.0', '127.255.255.255', 'loopback'],
  ['link-local (RFC 3927)', '169.254.0.0', '169.254.255.255', 'private'],
  ['protocol assignments (RFC 6890)', '192.0.0.0', '192.0.0.255', 'private'],
  ['6to4 relays, given up (RFC 7526)', '192.88.99.0', '192.88.99.255', 'private'],
  ['benchmarks (RFC 2544)', '198.18.0.0', '198.19.255.255', 'private'],
  ['examples (RFC 5737)', '192.0.2.0', '192.0.2.255', 'public'],
  ['examples (RFC 5737)', '198.51.100.0', '198.51.100.255', 'public'],
  ['examples (RFC 5737)', '203.0.113.0', '203.0.113.255', 'public'],
  ['AS112 (RFC 7534)', '192.175.48.0', '192.175.48.255', 'public'],
  ['multicast (RFC 5771)', '224.0.0.0', '239.255.255.255', 'none'],
  ['reserved (RFC 1112)', '240.0.0.0', '255.255.255.254', 'none'],
  ['broadcast (RFC 8190)', '255.255.255.255', '255.255.255.255', 'none'],
  ['nowhere (RFC 4291)', '::', '::', 'none'],
  ['loopback (RFC 4291)', '::1', '::1', 'loopback'],
  ['IPv4-compatible, given up (RFC 4291)', '::2', '::ffff:ffff', 'none'],
  ['discard (RFC 6666)', '100::', '100::ffff:ffff:ffff:ffff', 'none'],
  ['protocol assignments (RFC 2928)', '2001:1::', '2001:1:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['benchmarks (RFC 5180)', '2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['ORCHID (RFC 4843)', '2001:10::', '2001:1f:ffff:ffff:ffff:ffff:ffff:ffff', 'none'],
  ['ORCHIDv2 (RFC 7343)', '2001:20::', '2001:2f:ffff:ffff:ffff:ffff:ffff:ffff', 'none'],
  ['drones’ names (RFC 9374)', '2001:30::', '2001:3f:ffff:ffff:ffff:ffff:ffff:ffff', 'none'],
  ['examples (RFC 3849)', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'public'],
  ['examples (RFC 9637)', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'public'],
  ['segment routing (RFC 9602)', '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['unique local (RFC 4193)', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['link-local (RFC 4291)', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['site-local, given up (RFC 3879)', 'fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['multicast (RFC 4291)', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'none'],
  ['NAT64 of one’s own (RFC 8215)', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:808:808', 'private'],
  ['mapped (RFC 4291) private', '::ffff:10.0.0.0', '::ffff:aff:ffff', 'private'],
  ['mapped (RFC 4291) public', '::ffff:8.8.8.8', '::ffff:808:808', 'public'],
  ['translated (RFC 7915) private', '::ffff:0:10.0.0.1', '::ffff:0:192.168.0.1', 'private'],
  ['NAT64 (RFC 6052) of private', '64:ff9b::a00:1', '64:ff9b::192.168.255.255', 'private'],
  ['NAT64 (RFC 6052) of loopback', '64:ff9b::7f00:1', '64:ff9b::127.255.255.255', 'loopback'],
  ['NAT64 (RFC 6052) of multicast', '64:ff9b::224.0.0.1', '64:ff9b::255.255.255.255', 'none'],
  ['NAT64 (RFC 6052) of public', '64:ff9b::808:808', '64:ff9b::9.9.9.9', 'public'],
  ['6to4 (RFC 3056) of private', '2002:a00:1::1', '2002:c0a8:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['6to4 (RFC 3056) of loopback', '2002:7f00:1::', '2002:7fff:ffff::1', 'loopback'],
  ['6to4 (RFC 3056) of public', '2002:808:808::1', '2002:909:909::1', 'public'],
  ['Teredo (RFC 4380) behind private', '2001:0:808:808::f5ff:fffe', '2001:0:808:808::3f57:fffe', 'private'],
  [
    'Teredo (RFC 4380) over a private server',
    '2001:0:a00:1::f7f7:f7f7',
    '2001:0:c0a8:101::f7f7:f7f7',
    'private',
  ],
  ['Teredo (RFC 4380) of public', '2001:0:808:808::f7f7:f7f7', '2001:0:909:909::f6f6:f6f6', 'public'],
] as const

/** Whether each may lead there or come from there: for a peer on the internet, and for one nearby. */
const doors = {
  public: { internet: [true, true, true, true], home: [true, true, true, true] },
  private: { internet: [false, false, false, false], home: [true, true, true, true] },
  // Sound goes to one's own machine only for those who call from it.
  loopback: { internet: [false, false, false, false], home: [true, false, true, true] },
  none: { internet: [false, false, false, false], home: [false, false, false, false] },
}

describe('a range of addresses', () => {
  test.each(ranges)(
    '%s, %s to %s: %s, for call, media, locate and configuration',
    async (_, first, last, reach) => {
      for (const address of [first, last]) {
        expect(reachOf(address)).toBe(reach)
        expect({
          internet: await through(address, ['8.8.4.4', '8.8.4.4'], false),
          home: await through(address, [spelled(address), '10.9.9.9'], true),
        }).toEqual(doors[reach])
      }
    },
  )

  test.each([
    ['9.255.255.255', '11.0.0.0'],
    ['100.63.255.255', '100.128.0.0'],
    ['126.255.255.255', '128.0.0.0'],
    ['172.15.255.255', '172.32.0.0'],
    ['192.167.255.255', '192.169.0.0'],
    ['198.17.255.255', '198.20.0.0'],
    ['223.255.255.255', '1.0.0.0'],
    ['64:ff9a:ffff::1', '64:ff9b:2::1'],
    ['2000:ffff::1', '2001:200::1'],
    ['2001:ffff::1', '2003::1'],
    ['fbff::1', 'fe7f::1'],
  ])('leaves its neighbours %s and %s alone', async (before, after) => {
    for (const address of [before, after])
      expect(await through(address, ['8.8.4.4', '8.8.4.4'], false)).toEqual([true, true, true, true])
  })

  test('has no place for what is no address', () => {
    for (const text of ['', 'example.com', '10.0.0.256', '10.1', 'fe80::1%eth0'])
      expect(reachOf(text)).toBeUndefined()
  })
})

/** What call, media, locate and configuration say; the first two of a peer which signals from `peers`. */
async function through(address: string, peers: [string, string], atHome: boolean): Promise<boolean[]> {
  const [caller, sounding] = peers
  return [
    calls(address, caller),
    sounds(address, sounding),
    await locates(address, atHome),
    configures(address, atHome),
  ]
}

/** Whether requests inside a call with a carrier at `peer` follow its Contact there. */
function calls(address: string, peer: string): boolean {
  const host = address.includes(':') ? `[${address}]` : address
  const dialog = { routeSet: [], remoteTarget: `sip:core@${host}:5099` } as unknown as Dialog
  return flowFor(dialog, { transport: 'udp', address: peer, port: portNumber(5060) }, true).port === 5099
}

/** Whether sound goes where the SDP of a carrier at `peer` says. */
function sounds(address: string, peer: string): boolean {
  const family = address.includes(':') ? 'IN IP6' : 'IN IP4'
  const sdp = sdpOf(phone.replaceAll('IN IP4 192.0.2.1', `${family} ${address}`))
  return aimOf({ sdp, at: 0 }, { signalling: peer, trusted: true })?.rtp !== undefined
}

async function locates(address: string, allowPrivate: boolean): Promise<boolean> {
  const locator = new Locator({ allowPrivate, entropy })
  const { flows } = await locator.locate({ hostname: address, port: portNumber(5060), transport: 'udp' })
  return flows.length > 0
}

function configures(address: string, allowPrivate: boolean): boolean {
  try {
    return networks('allowed_ips', [address], allowPrivate, neighbourhood).length > 0
  } catch {
    return false
  }
}
